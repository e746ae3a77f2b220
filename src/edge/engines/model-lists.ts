/**
 * Which models each engine serves: asked of it every so often by `GET /v1/models`.
 *
 * An engine that does not answer keeps its list for a few tries, and then is taken to serve nothing that is known. Adapters are
 * loaded at any time, so a list is at most PERIOD_MS old; what is asked for before it is known is forwarded all the same.
 *
 * Bounds: ASKED_MAX questions at a time, 2 s each, 1 MiB an answer.
 */
import http from "node:http";
import { readModelList, type ServedModel } from "../../core/inference/served-models.ts";
import { endpointKey } from "../../model/endpoint.ts";
import type { Prng } from "../../std/prng.ts";

const PERIOD_MS = 30_000;
const FIRST_RETRY_MS = 500;
/** Of tries in a row; then the list is void. */
const FAILURES_MAX = 4;
const LOOK_MS = 250;
const ASKED_MAX = 8;
const TIMEOUT_MS = 2_000;
const ANSWER_BYTES_MAX = 1_048_576;

export interface ListedEngine {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

export interface ModelListsOptions {
  readonly prng: Prng;
  readonly clock: () => number;
  /** What the engine of that name serves is known, no longer known, or another. */
  readonly changed: (name: string) => void;
}

interface Asked {
  readonly engine: ListedEngine;
  list: readonly ServedModel[] | undefined;
  /** The answer that `list` was read from. */
  text: string;
  tries: number;
  failures: number;
  /** Infinity while it is being asked. */
  dueMs: number;
}

export class ModelLists {
  readonly #options: ModelListsOptions;
  readonly #asked = new Map<string, Asked>();
  readonly #stop = new AbortController();
  #underWay = 0;
  #looks: NodeJS.Timeout | undefined;

  constructor(options: ModelListsOptions) {
    this.#options = options;
  }

  /** These engines and no others from now on. */
  follow(engines: readonly ListedEngine[]): void {
    const wanted = new Set(engines.map(({ name }) => name));
    for (const name of this.#asked.keys()) if (!wanted.has(name)) this.#asked.delete(name);
    for (const engine of engines) {
      if (this.#asked.has(engine.name)) continue;
      this.#asked.set(engine.name, { engine, list: undefined, text: "", tries: 0, failures: 0, dueMs: 0 });
    }
    clearInterval(this.#looks);
    this.#looks = undefined;
    if (this.#asked.size === 0 || this.#stop.signal.aborted) return;
    this.#looks = setInterval(() => this.#look(), LOOK_MS).unref();
    this.#look();
  }

  /** Undefined: not known. */
  of(name: string): readonly ServedModel[] | undefined {
    return this.#asked.get(name)?.list;
  }

  /** How often it has answered, or failed to. */
  tries(name: string): number {
    return this.#asked.get(name)?.tries ?? 0;
  }

  close(): void {
    clearInterval(this.#looks);
    this.#stop.abort();
    this.#asked.clear();
  }

  #look(): void {
    const nowMs = this.#options.clock();
    for (const asked of this.#asked.values()) {
      if (this.#underWay >= ASKED_MAX) return;
      if (asked.dueMs <= nowMs) void this.#ask(asked);
    }
  }

  async #ask(asked: Asked): Promise<void> {
    asked.dueMs = Infinity;
    this.#underWay++;
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const text = await listText(asked.engine, signal).catch(() => undefined);
    this.#underWay--;
    // Let go of meanwhile.
    if (this.#asked.get(asked.engine.name) !== asked) return;
    this.#take(asked, text);
    this.#look();
  }

  #take(asked: Asked, text: string | undefined): void {
    const { clock, prng, changed } = this.#options;
    asked.tries++;
    const before = asked.list;
    const isNews = text !== undefined && text !== asked.text;
    const list = isNews ? readModelList(text) : text === undefined ? undefined : before;
    if (list === undefined) {
      asked.failures++;
      if (asked.failures >= FAILURES_MAX) {
        asked.list = undefined;
        asked.text = "";
      }
    } else {
      asked.failures = 0;
      asked.list = list;
      asked.text = text!;
    }
    const periodMs =
      asked.failures === 0
        ? PERIOD_MS
        : Math.min(PERIOD_MS, FIRST_RETRY_MS * 2 ** Math.min(16, asked.failures - 1));
    // A tenth around it, so that engines that joined together are not asked together for ever.
    asked.dueMs = clock() + periodMs * (0.9 + 0.2 * prng.float());
    if (asked.list !== before) changed(asked.engine.name);
  }
}

function listText({ address, port }: ListedEngine, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { host: endpointKey(address, port), "user-agent": "plimsoll-models" };
    const request = http.get({ host: address, port, path: "/v1/models", agent: false, signal, headers });
    request.on("error", reject);
    request.on("close", () => reject(new Error("no answer")));
    request.on("response", (response) => {
      if (response.statusCode !== 200) {
        request.destroy();
        return;
      }
      response.setEncoding("utf8");
      let text = "";
      response.on("error", reject);
      response.on("data", (piece: string) => {
        text += piece;
        if (text.length > ANSWER_BYTES_MAX) request.destroy();
      });
      response.on("end", () => resolve(text));
    });
  });
}
