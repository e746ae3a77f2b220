/**
 * Active health checking in real time: probes every endpoint of the pools that ask for it and tells their brains.
 *
 * Follows the view. An endpoint that stays keeps its health and its rhythm; what is judged, and when, is core/health.
 */
import type { Logger } from "pino";
import type { LivePool } from "../../app/live-pool.ts";
import type { View } from "../../app/view.ts";
import { observe, UNPROVEN, type ActiveHealth } from "../../core/health/active.ts";
import { firstDelayMs, nextDelayMs } from "../../core/health/schedule.ts";
import type { Endpoint } from "../../model/endpoint.ts";
import type { HealthCheckPolicy } from "../../model/policy.ts";
import type { Prng } from "../../std/prng.ts";
import { probe, type ProbeResult } from "./probe.ts";

interface Watched {
  readonly pool: LivePool;
  endpoint: Endpoint;
  policy: HealthCheckPolicy;
  health: ActiveHealth;
  /** Undefined while a probe is under way. */
  timer: NodeJS.Timeout | undefined;
  readonly stop: AbortController;
}

export interface ProberOptions {
  readonly prng: Prng;
  readonly clock: () => number;
  readonly log: Logger;
  /** Told of what should not have happened; checking goes on. */
  readonly defect: (error: unknown) => void;
}

export class Prober {
  readonly #options: ProberOptions;
  readonly #watched = new Map<string, Watched>();

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  follow(view: View): void {
    const wanted = new Set<string>();
    for (const pool of view.pools.values()) {
      const policy = pool.spec.policy.healthCheck;
      if (policy === undefined) continue;
      for (const endpoint of pool.spec.endpoints) {
        const key = `${pool.key} ${endpoint.key}`;
        wanted.add(key);
        const watched = this.#watched.get(key);
        if (watched !== undefined && watched.pool === pool) {
          this.#adopt(watched, endpoint, policy);
        } else {
          if (watched !== undefined) this.#forget(key, watched);
          this.#watch(key, pool, endpoint, policy);
        }
      }
    }
    for (const [key, watched] of this.#watched) if (!wanted.has(key)) this.#forget(key, watched);
  }

  close(): void {
    for (const [key, watched] of this.#watched) this.#forget(key, watched);
  }

  #watch(key: string, pool: LivePool, endpoint: Endpoint, policy: HealthCheckPolicy): void {
    const watched: Watched = {
      pool,
      endpoint,
      policy,
      health: UNPROVEN,
      timer: undefined,
      stop: new AbortController(),
    };
    this.#watched.set(key, watched);
    // The brain may remember it as unhealthy, from before it left and came back.
    pool.brain.setHealthy(endpoint.key, true, this.#options.clock());
    this.#schedule(watched, firstDelayMs(policy.intervalMs, this.#options.prng));
  }

  #adopt(watched: Watched, endpoint: Endpoint, policy: HealthCheckPolicy): void {
    const { intervalMs } = watched.policy;
    watched.endpoint = endpoint;
    watched.policy = policy;
    // Otherwise the old interval, which may be a day, would have to pass first.
    if (policy.intervalMs === intervalMs || watched.timer === undefined) return;
    clearTimeout(watched.timer);
    this.#schedule(watched, firstDelayMs(policy.intervalMs, this.#options.prng));
  }

  #forget(key: string, watched: Watched): void {
    clearTimeout(watched.timer);
    watched.stop.abort();
    this.#watched.delete(key);
  }

  #schedule(watched: Watched, delayMs: number): void {
    watched.timer = setTimeout(() => void this.#probe(watched), delayMs).unref();
  }

  async #probe(watched: Watched): Promise<void> {
    const { clock, prng, defect } = this.#options;
    watched.timer = undefined;
    const startedMs = clock();
    try {
      await this.#check(watched);
    } catch (error) {
      defect(error);
    }
    if (watched.stop.signal.aborted) return;
    const delayMs = nextDelayMs(watched.policy.intervalMs, prng);
    this.#schedule(watched, Math.max(0, startedMs + delayMs - clock()));
  }

  async #check(watched: Watched): Promise<void> {
    const { clock, log } = this.#options;
    const { policy, endpoint } = watched;
    const result = await probe(endpoint, policy, watched.stop.signal).catch(
      (error: unknown): ProbeResult => ({ passed: false, detail: String(error) }),
    );
    if (watched.stop.signal.aborted) return;
    const { state, transition } = observe(watched.health, result.passed, policy);
    watched.health = state;
    if (result.passed) watched.pool.brain.checkPassed(endpoint.key, clock());
    if (transition !== undefined) {
      watched.pool.brain.setHealthy(endpoint.key, transition === "up", clock());
      const facts = { pool: watched.pool.key, endpoint: endpoint.key, probe: result.detail };
      if (transition === "up") log.info(facts, "endpoint is healthy again");
      else log.warn(facts, "endpoint is unhealthy");
    }
  }
}
