/**
 * A model server that says what a test tells it to say: metrics page, models, tokens, cache events, each on real sockets and each
 * able to fail by itself. It answers every prompt at once, or after a while.
 */
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { EventPublisher } from "./event-publisher.ts";
import { pack } from "./message-pack.ts";
import { vllmPage, type VllmPageOptions } from "./metrics-pages.ts";

export interface ScriptedEngineOptions {
  /** Ids of models; with `parent` of adapters. Undefined: 404. */
  readonly models?: readonly { readonly id: string; readonly parent?: string }[] | undefined;
  readonly figures?: VllmPageOptions;
  /** Beside 200: never answers, answers 500, or with what is no page. */
  readonly metrics?: "page" | "hang" | "500" | "nonsense";
  readonly answerMs?: number;
  /** Where its cache events are published and replayed; undefined: nowhere. */
  readonly cachePorts?: { readonly publish: number; readonly replay: number } | undefined;
  /** Undefined: 404. */
  readonly tokenise?: ((body: Readonly<Record<string, unknown>>) => readonly number[]) | undefined;
}

const IDLE: VllmPageOptions = { running: 0, waiting: 0, kvUsedRatio: 0 };

export class ScriptedEngine {
  options: ScriptedEngineOptions;
  /** By method and path, the query left out. */
  readonly asked = new Map<string, number>();
  readonly sockets = new Set<Socket>();
  readonly publisher: EventPublisher | undefined;
  readonly #server: http.Server;
  #hash = 1_000;

  private constructor(options: ScriptedEngineOptions, publisher: EventPublisher | undefined) {
    this.options = options;
    this.publisher = publisher;
    this.#server = http.createServer((request, response) => void this.#serve(request, response));
    this.#server.on("connection", (socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
    });
  }

  static async start(options: ScriptedEngineOptions = {}): Promise<ScriptedEngine> {
    const ports = options.cachePorts;
    const publisher = ports === undefined ? undefined : await EventPublisher.start({ ports });
    const engine = new ScriptedEngine(options, publisher);
    await once(engine.#server.listen(0, "127.0.0.1"), "listening");
    return engine;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get key(): string {
    return `127.0.0.1:${this.port}`;
  }

  get prompts(): number {
    return this.count("POST /v1/completions") + this.count("POST /v1/chat/completions");
  }

  count(what: string): number {
    return this.asked.get(what) ?? 0;
  }

  get asks(): number {
    return [...this.asked.values()].reduce((sum, each) => sum + each, 0);
  }

  change(options: Partial<ScriptedEngineOptions>): void {
    this.options = { ...this.options, ...options };
  }

  /** Publishes that blocks of these tokens, from a prompt's beginning, are in its cache now. Returns their hashes. */
  store(tokens: readonly number[], blockTokens = 16): readonly number[] {
    const count = Math.floor(tokens.length / blockTokens);
    const hashes = Array.from({ length: count }, () => this.#hash++);
    const whole = tokens.slice(0, count * blockTokens);
    this.publisher!.publish(pack([1.5, [["BlockStored", hashes, null, whole, blockTokens, null]], 0]));
    return hashes;
  }

  clear(): void {
    this.publisher!.publish(pack([1.5, [["AllBlocksCleared"]], 0]));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await this.publisher?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url!.split("?")[0]!;
    const what = `${request.method} ${path}`;
    this.asked.set(what, this.count(what) + 1);
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      await this.#answer(path, Buffer.concat(chunks), response);
    } catch {
      // The gateway has gone away.
      response.destroy();
    }
  }

  async #answer(path: string, body: Buffer, response: ServerResponse): Promise<void> {
    const { metrics = "page", figures = IDLE, models, tokenise, answerMs = 0 } = this.options;
    const json = (value: object): void => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(value));
    };
    const missing = (): void => void response.writeHead(404).end("not here");
    switch (path) {
      case "/metrics":
        if (metrics === "hang") return;
        if (metrics === "page") return void response.end(vllmPage(figures));
        return void response.writeHead(metrics === "500" ? 500 : 200).end("\u0000{{{ no page");
      case "/v1/models":
        if (models === undefined) return missing();
        return json({ object: "list", data: models.map((model) => ({ object: "model", ...model })) });
      case "/tokenize":
        if (tokenise === undefined) return missing();
        return json({ tokens: tokenise(JSON.parse(body.toString()) as Readonly<Record<string, unknown>>) });
      default:
        if (answerMs > 0) await sleep(answerMs);
        return json({
          id: "x",
          model: "m",
          choices: [],
          usage: { prompt_tokens: 100, completion_tokens: 2 },
        });
    }
  }
}

const GROUP = "inference.networking.k8s.io";

/**
 * Manifests of an InferencePool of these engines: each a Pod on its own port, so of a rank of its own. `policy`: of
 * `balancing.inference`.
 */
export function enginePool(
  name: string,
  engines: readonly { readonly port: number }[],
  policy: object = {},
): object[] {
  const targetRefs = [{ group: GROUP, kind: "InferencePool", name }];
  return [
    {
      apiVersion: `${GROUP}/v1`,
      kind: "InferencePool",
      metadata: { name },
      spec: {
        selector: { matchLabels: { app: name } },
        targetPorts: engines.map(({ port }) => ({ number: port })),
      },
    },
    ...engines.map(({ port }, index) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: `${name}-${index}`,
        labels: { app: name },
        annotations: { "llm-d.ai/active-ports": String(port) },
      },
      status: { podIP: "127.0.0.1", conditions: [{ type: "Ready", status: "True" }] },
    })),
    {
      apiVersion: "plimsoll.dev/v1alpha1",
      kind: "BackendPolicy",
      metadata: { name },
      spec: { targetRefs, balancing: { inference: policy } },
    },
  ];
}

export function poolRule(name: string, more: object = {}): object {
  return { backendRefs: [{ group: GROUP, kind: "InferencePool", name }], ...more };
}
