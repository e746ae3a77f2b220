/**
 * The slower work of pools: each is judged and rebalanced once a second, and what its health did is told.
 *
 * The round goes in TURNS turns, a tenth of the pools in each, so that a thousand pools do not hold up requests all at once.
 * A pool's place in the round is its place in the view; a reload may move it and so make one of its spans shorter or
 * longer, which nothing depends on: whoever is late does the work with its next pick.
 */
import type { Endpoint } from "../model/endpoint.ts";
import type { HealthEvent } from "../core/health/pool-health.ts";

export const TURNS = 10;
/** How often a turn is due. */
export const TURN_MS = 100;

/** What is tended; app/live-pool.ts. */
export interface TendedPool {
  readonly key: string;
  readonly brain: {
    judge(nowMs: number): void;
    rebalance(nowMs: number): void;
    takeHealthEvents(): readonly PoolHealthEvent[];
  };
}

export type PoolHealthEvent = HealthEvent & { readonly endpoint: Endpoint };

export class PoolRound<P extends TendedPool> {
  readonly #told: (pool: P, event: PoolHealthEvent) => void;
  readonly #defect: (error: unknown) => void;
  #turn = 0;

  /** `told` hears of each event once, at most a second after it; `defect` of what a pool has thrown, which stops no other. */
  constructor(told: (pool: P, event: PoolHealthEvent) => void, defect: (error: unknown) => void) {
    this.#told = told;
    this.#defect = defect;
  }

  /** The next turn: every TURNS-th of these pools. */
  turn(pools: Iterable<P>, nowMs: number): void {
    let place = this.#turn;
    this.#turn = (this.#turn + 1) % TURNS;
    for (const pool of pools) {
      place = (place + 1) % TURNS;
      if (place !== 0) continue;
      try {
        this.#tend(pool, nowMs);
      } catch (error) {
        this.#defect(error);
      }
    }
  }

  #tend(pool: P, nowMs: number): void {
    pool.brain.judge(nowMs);
    pool.brain.rebalance(nowMs);
    for (const event of pool.brain.takeHealthEvents()) this.#told(pool, event);
  }
}
