/**
 * A pool that lives: its brain, its retry budget and its policy, kept from view to view under the pool's key, so that
 * what was learnt about an endpoint survives a reload.
 */
import { PoolBrain } from "../core/balance/pool-brain.ts";
import { RetryBudget } from "../core/retry/budget.ts";
import type { PoolSpec } from "../model/pool.ts";
import type { Prng } from "../std/prng.ts";

export class LivePool {
  readonly key: string;
  readonly brain: PoolBrain;
  readonly budget: RetryBudget = new RetryBudget();
  #spec: PoolSpec;

  /** `localZone`: the gateway's own; undefined: it is not known, and none is preferred. */
  constructor(spec: PoolSpec, prng: Prng, nowMs: number, localZone?: string) {
    this.key = spec.key;
    this.#spec = spec;
    this.brain = new PoolBrain({ prng, localZone });
    this.brain.adopt(spec, nowMs);
  }

  get spec(): PoolSpec {
    return this.#spec;
  }

  adopt(spec: PoolSpec, nowMs: number): void {
    this.#spec = spec;
    this.brain.adopt(spec, nowMs);
  }
}
