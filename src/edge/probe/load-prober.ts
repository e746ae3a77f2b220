/**
 * Load probes in real time: asks endpoints how loaded they are, as often as their pool's policy wants to know.
 *
 * Every LOOK_MS each pool with a probe in its policy is asked whom it wants probed (Prequal: so many per request). Where
 * there is no traffic nobody is wanted, and after IDLE_MS of that we only look every IDLE_LOOK_MS.
 *
 * Bounds: one probe per endpoint at a time, on one kept-alive connection of its own; PROBES_MAX in all. A probe that finds no
 * room is not made: the policy asks again. What fails is told once, at its beginning and at its end.
 */
import http from "node:http";
import type { Logger } from "pino";
import type { LivePool } from "../../app/live-pool.ts";
import type { View } from "../../app/view.ts";
import type { LoadProbe } from "../../model/balancing.ts";
import type { Endpoint } from "../../model/endpoint.ts";
import { probeLoad, type LoadAnswer } from "./load-probe.ts";

const LOOK_MS = 10;
const IDLE_MS = 1_000;
/** Traffic that begins is balanced by own knowledge for so long. */
const IDLE_LOOK_MS = 100;

/** Against endpoints that let probes hang: each holds its place for a second. */
const PROBES_MAX = 256;

interface Probed {
  readonly pool: LivePool;
  readonly probe: LoadProbe;
  /** Keys of endpoints that are being asked. */
  readonly asked: Set<string>;
  /** Keys of those that gave no report the last time. */
  readonly mute: Set<string>;
}

export interface LoadProberOptions {
  readonly clock: () => number;
  readonly log: Logger;
  /** Told of each probe's end. */
  readonly counted: (pool: string, result: "report" | "nothing") => void;
  /** Told of what should not have happened; probing goes on. */
  readonly defect: (error: unknown) => void;
}

export class LoadProber {
  readonly #options: LoadProberOptions;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 });
  #pools: readonly Probed[] = [];
  #timer: NodeJS.Timeout | undefined;
  #asked = 0;
  #wantedMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: LoadProberOptions) {
    this.#options = options;
  }

  follow(view: View): void {
    const before = new Map(this.#pools.map((probed) => [probed.pool, probed]));
    this.#pools = [...view.pools.values()].flatMap((pool): Probed[] => {
      const probe = pool.spec.policy.balancingOptions?.prequal.probe;
      if (probe === undefined) return [];
      const { asked = new Set<string>(), mute = new Set<string>() } = before.get(pool) ?? {};
      const there = new Set(pool.spec.endpoints.map(({ key }) => key));
      for (const key of mute) if (!there.has(key)) mute.delete(key);
      return [{ pool, probe, asked, mute }];
    });
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pools.length > 0) this.#lookLater();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#pools = [];
    this.#agent.destroy();
  }

  #lookLater(): void {
    if (this.#closed) return;
    const idle = this.#options.clock() - this.#wantedMs > IDLE_MS;
    this.#timer = setTimeout(() => this.#look(), idle ? IDLE_LOOK_MS : LOOK_MS).unref();
  }

  #look(): void {
    for (const probed of this.#pools) {
      try {
        this.#lookAt(probed);
      } catch (error) {
        this.#options.defect(error);
      }
    }
    this.#lookLater();
  }

  #lookAt(probed: Probed): void {
    const wanted = probed.pool.brain.probesWanted();
    if (wanted.length > 0) this.#wantedMs = this.#options.clock();
    for (const endpoint of wanted) {
      if (this.#asked >= PROBES_MAX || probed.asked.has(endpoint.key)) continue;
      this.#ask(probed, endpoint).catch(this.#options.defect);
    }
  }

  async #ask(probed: Probed, endpoint: Endpoint): Promise<void> {
    const { asked } = probed;
    asked.add(endpoint.key);
    this.#asked++;
    try {
      this.#hear(probed, endpoint.key, await probeLoad(endpoint, probed.probe, this.#agent));
    } finally {
      this.#asked--;
      asked.delete(endpoint.key);
    }
  }

  #hear({ pool, mute }: Probed, key: string, answer: LoadAnswer): void {
    if (this.#closed) return;
    const { clock, counted } = this.#options;
    counted(pool.key, answer.kind);
    const facts = { pool: pool.key, endpoint: key };
    if (answer.kind === "report") {
      pool.brain.loadReported(key, answer.report, clock());
      if (mute.delete(key)) this.#options.log.info(facts, "endpoint reports its load again");
    } else if (!mute.has(key) && pool.brain.slotOf(key) !== undefined) {
      // One that has left meanwhile nobody would forget.
      mute.add(key);
      this.#options.log.warn({ ...facts, probe: answer.detail }, "endpoint does not report its load");
    }
  }
}
