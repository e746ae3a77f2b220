/**
 * A pool in virtual time for the tests beside this one: requests arrive evenly, endpoints answer as a function says,
 * the clock is cranked by hand. The one test here holds the crank itself to account.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_BALANCING_OPTIONS, type BalancingOptions } from "../../model/balancing.ts";
import type { Endpoint } from "../../model/endpoint.ts";
import type { OutcomeKind } from "../../model/outcome.ts";
import { DEFAULT_POOL_POLICY, type BalancingPolicy } from "../../model/policy.ts";
import type { PoolSpec } from "../../model/pool.ts";
import type { Ticket } from "../../model/verdict.ts";
import { createPrng } from "../../std/prng.ts";
import { FIRST_TRY } from "./pick-facts.ts";
import { PoolBrain } from "./pool-brain.ts";

export const POLICIES: readonly BalancingPolicy[] = [
  "Auto",
  "RoundRobin",
  "Random",
  "LeastRequest",
  "ShortestDelay",
  "PeakEwma",
  "LocalityAware",
  "Prequal",
  "ResourceAware",
  "ConsistentHash",
];

export function endpoint(key: string, condition: Endpoint["condition"] = "ready"): Endpoint {
  return { key, address: key, port: 80, zone: undefined, displayName: `pod-${key}`, condition };
}

export interface SpecOptions {
  readonly balancing?: Partial<BalancingOptions>;
  readonly maxConnections?: number;
  readonly checked?: boolean;
}

export function spec(
  endpoints: readonly (string | Endpoint)[],
  balancing: BalancingPolicy = "Auto",
  options: SpecOptions = {},
): PoolSpec {
  const probe = { kind: "tcp", port: undefined } as const;
  const times = { intervalMs: 10_000, timeoutMs: 5_000 };
  const thresholds = { unhealthyThreshold: 3, healthyThreshold: 2 };
  return {
    key: "test/pool:80",
    endpoints: endpoints.map((each) => (typeof each === "string" ? endpoint(each) : each)),
    policy: {
      ...DEFAULT_POOL_POLICY,
      balancing,
      balancingOptions: { ...DEFAULT_BALANCING_OPTIONS, ...options.balancing },
      // These stories are about policies alone; ejection and slow start have their own beside core/health.
      outlierDetection: undefined,
      slowStart: undefined,
      connections: { ...DEFAULT_POOL_POLICY.connections, maxConnections: options.maxConnections ?? 1000 },
      healthCheck: options.checked === false ? undefined : { ...times, ...thresholds, probe },
    },
  };
}

export function keys(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `e${i}`);
}

export interface Answer {
  readonly kind: OutcomeKind;
  readonly afterMs: number;
}

interface Pending {
  readonly ticket: Ticket;
  readonly answer: Answer;
  readonly atMs: number;
}

export class VirtualPool {
  readonly brain: PoolBrain;
  readonly #answer: (key: string, nowMs: number) => Answer;
  readonly #pending: Pending[] = [];
  #nowMs = 0;

  constructor(adopted: PoolSpec, answer: (key: string, nowMs: number) => Answer, seed = 1) {
    this.brain = new PoolBrain({ prng: createPrng(seed) });
    this.brain.adopt(adopted, 0);
    this.#answer = answer;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Sends a request every `everyMs` for `forMs`; how many went to each key. */
  run(forMs: number, everyMs: number): ReadonlyMap<string, number> {
    const sent = new Map<string, number>();
    const startMs = this.#nowMs;
    for (let i = 0; i * everyMs < forMs; i++) {
      this.#settleUntil(startMs + i * everyMs);
      const verdict = this.brain.pick(FIRST_TRY, this.#nowMs);
      assert.equal(verdict.kind, "send");
      if (verdict.kind !== "send") continue;
      const { ticket } = verdict;
      const { key } = ticket.endpoint;
      sent.set(key, (sent.get(key) ?? 0) + 1);
      const answer = this.#answer(key, this.#nowMs);
      this.#schedule({ ticket, answer, atMs: this.#nowMs + answer.afterMs });
    }
    this.#settleUntil(startMs + forMs);
    return sent;
  }

  /** Lets everything sent so far end. */
  drain(): void {
    this.#settleUntil(this.#pending.at(-1)?.atMs ?? this.#nowMs);
  }

  /** Kept in order of their end. */
  #schedule(pending: Pending): void {
    let place = this.#pending.length;
    while (place > 0 && this.#pending[place - 1]!.atMs > pending.atMs) place--;
    this.#pending.splice(place, 0, pending);
  }

  #settleUntil(nowMs: number): void {
    while (this.#pending.length > 0 && this.#pending[0]!.atMs <= nowMs) {
      const { ticket, answer, atMs } = this.#pending.shift()!;
      const silent = answer.kind === "timeout" || answer.kind === "cancelled";
      const firstByteMs = silent ? undefined : answer.afterMs;
      const status = answer.kind === "success" ? 200 : 0;
      this.brain.settle(ticket, { kind: answer.kind, status, firstByteMs, totalMs: answer.afterMs }, atMs);
    }
    this.#nowMs = nowMs;
  }
}

test("the crank settles each request once and counts them all", () => {
  const pool = new VirtualPool(spec(keys(3), "RoundRobin"), () => ({ kind: "success", afterMs: 25 }));
  const sent = pool.run(1000, 10);
  assert.deepEqual(
    [...sent.values()].toSorted((a, b) => a - b),
    [33, 33, 34],
  );
  assert.equal(pool.nowMs, 1000);
  pool.drain();
  assert.ok(pool.brain.report(pool.nowMs).every((each) => each.inFlight === 0));
});
