/** The policies one by one: exact shares, parity with slow references, and the theory of two choices. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "../../model/outcome.ts";
import type { BalancingPolicy } from "../../model/policy.ts";
import type { Ticket } from "../../model/verdict.ts";
import { createPrng } from "../../std/prng.ts";
import { FIRST_TRY } from "./pick-facts.ts";
import { PoolBrain } from "./pool-brain.ts";
import { keys, spec } from "./virtual-pool.test.ts";

const OK: Outcome = { kind: "success", status: 200, firstByteMs: 10, totalMs: 10 };

function send(brain: PoolBrain, nowMs: number): Ticket {
  const verdict = brain.pick(FIRST_TRY, nowMs);
  if (verdict.kind !== "send") throw new Error(verdict.reason);
  return verdict.ticket;
}

function brainOf(n: number, policy: BalancingPolicy, seed: number): PoolBrain {
  const brain = new PoolBrain({ prng: createPrng(seed) });
  brain.adopt(spec(keys(n), policy), 0);
  return brain;
}

test("RoundRobin serves each in turn, beginning anywhere", () => {
  const firsts = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    const brain = brainOf(5, "RoundRobin", seed);
    const turns = Array.from({ length: 15 }, (_, i) => {
      const ticket = send(brain, i);
      const { key } = ticket.endpoint;
      brain.settle(ticket, OK, i);
      return key;
    });
    assert.equal(new Set(turns.slice(0, 5)).size, 5);
    assert.deepEqual(turns.slice(5, 10), turns.slice(0, 5));
    assert.deepEqual(turns.slice(10, 15), turns.slice(0, 5));
    firsts.add(turns[0]!);
  }
  assert.ok(firsts.size > 1);
});

test("Random is uniform", () => {
  const brain = brainOf(8, "Random", 3);
  for (let i = 0; i < 40_000; i++) brain.settle(send(brain, i), OK, i);
  const chi = brain.report(40_000).reduce((sum, each) => sum + (each.requests - 5000) ** 2 / 5000, 0);
  // 7 degrees of freedom: 99.99 % lie below 29.9.
  assert.ok(chi < 29.9, `chi-squared ${chi}`);
});

test("LeastRequest decides as a slow reference does on the same chance", () => {
  for (const n of [1, 2, 3, 17, 100]) {
    const brain = brainOf(n, "LeastRequest", 77);
    const prng = createPrng(77);
    const crank = createPrng(n);
    // Creating the brain's first picker draws nothing, so both generators stand at the same place.
    const inFlight = keys(n).map(() => 0);
    const open: Ticket[] = [];
    for (let i = 0; i < 3000; i++) {
      const others = [...inFlight.keys()];
      let expected = 0;
      if (n > 1) {
        const first = others.splice(prng.below(n), 1)[0]!;
        const second = others.splice(prng.below(n - 1), 1)[0]!;
        expected = inFlight[second]! < inFlight[first]! ? second : first;
      }
      const ticket = send(brain, i);
      assert.equal(ticket.slot, expected);
      inFlight[expected] = inFlight[expected]! + 1;
      open.push(ticket);
      while (open.length > 0 && (open.length > 200 || crank.below(100) < 45)) {
        const ended = open.splice(crank.below(open.length), 1)[0]!;
        inFlight[ended.slot] = inFlight[ended.slot]! - 1;
        brain.settle(ended, OK, i);
      }
    }
  }
});

test("two in a pool are always both compared: the busier one is never taken", () => {
  for (const policy of ["LeastRequest", "PeakEwma"] as const) {
    const brain = brainOf(2, policy, 5);
    const held = send(brain, 0);
    for (let i = 0; i < 100; i++) {
      const ticket = send(brain, 0);
      assert.notEqual(ticket.slot, held.slot);
      brain.settle(ticket, { ...OK, kind: "cancelled", totalMs: 0, firstByteMs: undefined }, 0);
    }
  }
});

test("two choices keep the longest queue at log log n: balls into bins", () => {
  // 2,000 requests held on 2,000 endpoints: random piles up 6 or more somewhere, two choices 4 at most (theory: ~ln ln n / ln 2 + 1).
  const most = (policy: BalancingPolicy): number => {
    const brain = brainOf(2000, policy, 9);
    for (let i = 0; i < 2000; i++) send(brain, 0);
    return Math.max(...brain.report(0).map((each) => each.inFlight));
  };
  assert.ok(most("Random") >= 6);
  assert.ok(most("LeastRequest") <= 4);
  assert.ok(most("PeakEwma") <= 4);
  // The least of 32: nobody has two while, of those looked at, somebody has none.
  assert.ok(most("ShortestDelay") <= 2);
  assert.ok(most("LocalityAware") <= 4);
});

test("waits at 90 % load are those of the supermarket model", () => {
  // 500 endpoints, exponential service of mean 1: two choices give 2.61, random 10.
  const arrivalsPerMs = 0.9 * 500;
  const crank = createPrng(13);
  const exponential = (): number => -Math.log(1 - crank.float());
  const brain = new PoolBrain({ prng: createPrng(14) });
  brain.adopt(spec(keys(500), "LeastRequest"), 0);
  const freeAtMs = new Float64Array(500);
  // Ends by bucket of 0.01 ms: first in, first out on each endpoint.
  const ends = new Map<number, Ticket[]>();
  let nowMs = 0;
  let bucket = 0;
  let sum = 0;
  let count = 0;
  for (let i = 0; i < 60_000; i++) {
    nowMs += exponential() / arrivalsPerMs;
    for (; bucket < nowMs * 100; bucket++) {
      for (const ticket of ends.get(bucket) ?? []) brain.settle(ticket, OK, nowMs);
      ends.delete(bucket);
    }
    const ticket = send(brain, nowMs);
    const endMs = Math.max(nowMs, freeAtMs[ticket.slot]!) + exponential();
    freeAtMs[ticket.slot] = endMs;
    const place = Math.max(bucket, Math.ceil(endMs * 100));
    ends.set(place, [...(ends.get(place) ?? []), ticket]);
    // The queues take some 20 service times to fill.
    if (nowMs < 30) continue;
    sum += endMs - nowMs;
    count++;
  }
  const mean = sum / count;
  assert.ok(Math.abs(mean - 2.61) < 0.05 * 2.61, `mean time in system ${mean}`);
});
