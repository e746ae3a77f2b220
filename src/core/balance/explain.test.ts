/** Explanations: the decision the next pick makes, without moving anything, with every filter named. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_BALANCING_OPTIONS } from "../../model/balancing.ts";
import type { Outcome } from "../../model/outcome.ts";
import type { Ticket } from "../../model/verdict.ts";
import { createPrng } from "../../std/prng.ts";
import { hashText } from "./hash-key.ts";
import type { PickFacts } from "./pick-facts.ts";
import { PoolBrain } from "./pool-brain.ts";
import { endpoint, keys, POLICIES, spec } from "./virtual-pool.test.ts";

const HASH = {
  key: { kind: "path" },
  table: { kind: "maglev", size: 65_537 },
  boundedLoadPercent: 125,
} as const;
const OPTIONS = { balancing: { ...DEFAULT_BALANCING_OPTIONS, hash: HASH } };

/** Some traffic, with explanations asked for or not; the trace of decisions. */
function play(policy: (typeof POLICIES)[number], asking: boolean, seed: number): readonly string[] {
  const brain = new PoolBrain({ prng: createPrng(seed) });
  brain.adopt(spec(keys(12), policy, OPTIONS), 0);
  const crank = createPrng(seed + 1);
  const open: Ticket[] = [];
  const trace: string[] = [];
  let tried: number[] = [];
  for (let i = 0; i < 500; i++) {
    const nowMs = i * 3;
    if (crank.below(3) > 0) tried = [];
    const facts: PickFacts = { tried, hash: crank.below(4) === 0 ? -1 : hashText(`k${crank.below(50)}`) };
    const explained = asking ? brain.explain(facts, nowMs) : undefined;
    const verdict = brain.pick(facts, nowMs);
    assert.ok(verdict.kind === "send");
    const { ticket } = verdict;
    if (explained !== undefined) {
      assert.equal(explained.chosen, ticket.endpoint.key, `${policy} ${explained.reason}`);
      const recorded = brain.recent.find(ticket.decision);
      assert.equal(recorded?.reason, explained.reason);
      assert.equal(recorded.chosen, ticket.endpoint.key);
      assert.deepEqual(
        recorded.considered,
        explained.considered.map(({ key, score }) => ({ key, score })).slice(0, recorded.considered.length),
      );
      assert.ok(explained.considered.some(({ key }) => key === explained.chosen));
    }
    trace.push(ticket.endpoint.key);
    tried.push(ticket.slot);
    open.push(ticket);
    while (open.length > 8) {
      const ended = open.splice(crank.below(open.length), 1)[0]!;
      const failed = crank.below(20) === 0;
      const firstByteMs = 5 + crank.below(30);
      const outcome: Outcome = {
        kind: failed ? "server-error" : "success",
        status: failed ? 500 : 200,
        firstByteMs,
        totalMs: firstByteMs,
      };
      if (crank.below(2) === 0) {
        brain.loadReported(ended, { cpu: 0.5, requestsPerSec: 9, inFlight: crank.below(5) }, nowMs);
      }
      brain.settle(ended, outcome, nowMs);
    }
  }
  return trace;
}

test("every policy: the explanation names the endpoint that the next pick takes, and asking changes nothing", () => {
  for (const policy of POLICIES) {
    for (const seed of [1, 2]) {
      const asked = play(policy, true, seed);
      // An explanation with tried endpoints sets them aside in a copy, so order is kept too.
      assert.deepEqual(asked, play(policy, false, seed), policy);
    }
  }
});

test("asked when the tick is overdue, the copy catches up and the real picker does not", () => {
  for (const policy of POLICIES) {
    const [asked, silent] = [true, false].map((asking) => {
      const brain = new PoolBrain({ prng: createPrng(3) });
      brain.adopt(spec(keys(6), policy, OPTIONS), 0);
      for (let i = 0; i < 40; i++) {
        const verdict = brain.pick({ tried: [], hash: i }, i);
        assert.ok(verdict.kind === "send");
        const { ticket } = verdict;
        const cpu = ticket.slot / 10;
        brain.loadReported(ticket, { cpu, requestsPerSec: 9, inFlight: ticket.slot }, i);
        const firstByteMs = 5 + ticket.slot;
        brain.settle(ticket, { kind: "success", status: 200, firstByteMs, totalMs: firstByteMs }, i);
      }
      const facts: PickFacts = { tried: [], hash: 7 };
      const explained = asking ? brain.explain(facts, 60_000) : undefined;
      // Once more, later: what the first explanation moved would show.
      if (asking) brain.explain(facts, 90_000);
      const verdict = brain.pick(facts, 60_000);
      assert.ok(verdict.kind === "send");
      if (explained !== undefined) assert.equal(explained.chosen, verdict.ticket.endpoint.key, policy);
      return [verdict.ticket.endpoint.key, brain.explain(facts, 60_000)];
    });
    assert.deepEqual(asked, silent, policy);
  }
});

test("ShortestDelay: all that were compared are told, the best two with their scores, and how many is recorded", () => {
  for (const [count, compared] of [
    [1, 0],
    [2, 2],
    [5, 5],
    [100, 16],
  ] as const) {
    const brain = new PoolBrain({ prng: createPrng(1) });
    brain.adopt(spec(keys(count), "ShortestDelay"), 0);
    const explained = brain.explain({ tried: [] }, 0);
    assert.equal(new Set(explained.compared).size, compared);
    assert.equal(explained.considered.length, Math.min(count, 2));
    if (compared > 0) {
      for (const { key } of explained.considered) assert.ok(explained.compared.includes(key), key);
    }
    const verdict = brain.pick({ tried: [] }, 0);
    assert.ok(verdict.kind === "send");
    assert.equal(brain.recent.find(verdict.ticket.decision)?.compared, compared);
  }
});

test("who was filtered, and why", () => {
  const brain = new PoolBrain({ prng: createPrng(1) });
  const old = spec(["gone", "a", "b", "c", "d", endpoint("slow", "draining")], "RoundRobin", {
    maxConnections: 1,
  });
  brain.adopt(old, 0);
  const held = new Map<string, Ticket>();
  for (let i = 0; i < 5; i++) {
    const verdict = brain.pick({ tried: [] }, 0);
    if (verdict.kind === "send") held.set(verdict.ticket.endpoint.key, verdict.ticket);
  }
  const done: Outcome = { kind: "success", status: 200, firstByteMs: 1, totalMs: 1 };
  for (const key of ["b", "c", "d"]) brain.settle(held.get(key)!, done, 1);
  brain.adopt({ ...old, endpoints: old.endpoints.filter(({ key }) => key !== "gone") }, 1);
  brain.setHealthy("b", false, 1);
  const explanation = brain.explain({ tried: [held.get("c")!.slot] }, 2);
  assert.deepEqual(Object.fromEntries(explanation.filtered.map(({ key, reason }) => [key, reason])), {
    gone: "leaving",
    a: "full",
    b: "unhealthy",
    c: "tried",
    slow: "draining",
  });
  assert.equal(explanation.chosen, "d");
  assert.equal(explanation.eligible, 2);
  assert.equal(explanation.panic, false);
});

test("a refusal is explained too", () => {
  const brain = new PoolBrain({ prng: createPrng(1) });
  brain.adopt(spec([]), 0);
  assert.equal(brain.explain({ tried: [] }, 0).refused, "no-endpoint");
  brain.adopt(spec(["a"], "Auto", { maxConnections: 1 }), 0);
  brain.pick({ tried: [] }, 0);
  const explanation = brain.explain({ tried: [] }, 0);
  assert.equal(explanation.refused, "pool-full");
  assert.equal(explanation.chosen, undefined);
});

test("factors carry names and units", () => {
  const brain = new PoolBrain({ prng: createPrng(1) });
  brain.adopt(spec(keys(2), "PeakEwma"), 0);
  const verdict = brain.pick({ tried: [] }, 0);
  assert.ok(verdict.kind === "send");
  brain.settle(verdict.ticket, { kind: "success", status: 200, firstByteMs: 40, totalMs: 40 }, 40);
  const { considered } = brain.explain({ tried: [] }, 40);
  const seen = considered.find(({ key }) => key === verdict.ticket.endpoint.key)!;
  assert.deepEqual(
    seen.factors.find(({ name }) => name === "latency"),
    { name: "latency", value: 40, unit: "ms" },
  );
  assert.equal(seen.score, 40);
});

test("the record grows with the decisions and loses none of them on the way to 4096", () => {
  const brain = new PoolBrain({ prng: createPrng(1) });
  brain.adopt(spec(["a", "b"], "RoundRobin"), 0);
  const chosen: string[] = [];
  for (let i = 0; i < 4095; i++) {
    const verdict = brain.pick({ tried: [] }, i);
    assert.ok(verdict.kind === "send");
    assert.equal(verdict.ticket.decision, i + 1);
    chosen.push(verdict.ticket.endpoint.key);
    brain.settle(verdict.ticket, { kind: "success", status: 200, firstByteMs: 1, totalMs: 1 }, i);
    if ((i & (i + 1)) > 0 && i < 4094) continue;
    // At the powers of two, where it grows, and at the end.
    const all = brain.recent.newest(5000);
    assert.deepEqual(all.map((each) => each.chosen).toReversed(), chosen);
    assert.deepEqual([all[0]!.id, all[0]!.atMs, all.at(-1)!.id], [i + 1, i, 1]);
  }
});

test("the record keeps the last 4096 and names endpoints that have left", () => {
  const brain = new PoolBrain({ prng: createPrng(1) });
  brain.adopt(spec(["a", "b"], "LeastRequest"), 0);
  const first = brain.pick({ tried: [] }, 7);
  assert.ok(first.kind === "send");
  const { decision, endpoint: chosen } = first.ticket;
  const outcome: Outcome = { kind: "success", status: 200, firstByteMs: 1, totalMs: 1 };
  brain.settle(first.ticket, outcome, 8);
  brain.adopt(spec(["c"], "LeastRequest"), 9);
  const recorded = brain.recent.find(decision)!;
  assert.equal(recorded.chosen, chosen.key);
  assert.equal(recorded.atMs, 7);
  assert.deepEqual(
    recorded.considered.map(({ key }) => key).toSorted((x, y) => (x < y ? -1 : 1)),
    ["a", "b"],
  );
  for (let i = 0; i < 4096; i++) {
    const verdict = brain.pick({ tried: [] }, i);
    if (verdict.kind === "send") brain.settle(verdict.ticket, outcome, i);
  }
  assert.equal(brain.recent.find(decision), undefined);
  assert.equal(brain.recent.find(0), undefined);
  assert.equal(brain.recent.newest(5000).length, 4096);
  assert.equal(brain.recent.newest(2)[0]!.id, decision + 4096);
});
