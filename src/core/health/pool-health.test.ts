/** Ejection and slow start inside the pool's brain, in virtual time: short stories of whole pools. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { OutcomeKind } from "../../model/outcome.ts";
import { DEFAULT_OUTLIER, DEFAULT_SLOW_START, type BalancingPolicy } from "../../model/policy.ts";
import type { PoolSpec } from "../../model/pool.ts";
import { createPrng } from "../../std/prng.ts";
import { FIRST_TRY } from "../balance/pick-facts.ts";
import { PoolBrain } from "../balance/pool-brain.ts";
import { type Answer, keys, POLICIES, spec, VirtualPool } from "../balance/virtual-pool.test.ts";

const GOOD: Answer = { kind: "success", afterMs: 10 };
const DEAD: Answer = { kind: "connect-failure", afterMs: 1 };
const EVERY_MS = 5;

function guarded(size: number, balancing: BalancingPolicy = "RoundRobin"): PoolSpec {
  const base = spec(keys(size), balancing);
  return {
    ...base,
    policy: { ...base.policy, outlierDetection: DEFAULT_OUTLIER, slowStart: DEFAULT_SLOW_START },
  };
}

test("round robin stops sending to a dead endpoint after five requests, and then asks with one now and then", () => {
  for (const [dead, most] of [
    // Refused at once: trials after 1, 2, 4 s and then every 5 s or a little more.
    [DEAD, 5 + 63],
    // Answers that it cannot: after 30, 60, 90, 120 s.
    [{ kind: "server-error", afterMs: 1 }, 5 + 4],
    // No connection in a second: after 1, 2, 4, 8, 16, 32, 64 s and then every 100 s.
    [{ kind: "connect-failure", afterMs: 1_000 }, 5 + 20 + 9],
  ] as const) {
    const pool = new VirtualPool(guarded(10), (key) => (key === "e0" ? dead : GOOD));
    const sent = pool.run(300_000, EVERY_MS).get("e0") ?? 0;
    // Without ejection: 6,000.
    assert.ok(sent > 5 && sent <= most, `${dead.kind} after ${dead.afterMs} ms: ${sent}`);
    const events = pool.brain.takeHealthEvents().map(({ kind, endpoint }) => `${kind} ${endpoint.key}`);
    assert.equal(events[0], "ejected e0");
    assert.deepEqual([...new Set(events.slice(1))], ["kept e0"], "it never came back");
    const report = pool.brain.report(pool.nowMs).find(({ key }) => key === "e0")!;
    assert.equal(report.state, "ejected");
    assert.equal(report.ejection?.reason, "consecutive-errors");
    assert.equal(report.share, 0);
  }
});

test("a process that is back has traffic again within its outage, at most five seconds and a little", () => {
  for (const balancing of POLICIES) {
    if (balancing === "ConsistentHash") continue;
    for (const outageMs of [300, 2_000, 20_000, 200_000]) {
      const endMs = 5_000 + outageMs;
      const pool = new VirtualPool(guarded(10, balancing), (key, nowMs) =>
        key === "e0" && nowMs >= 5_000 && nowMs < endMs ? DEAD : GOOD,
      );
      pool.run(endMs, EVERY_MS);
      // A tenth of jitter, and what a pick takes to come.
      const withinMs = Math.min(5_500, Math.max(1_100, outageMs * 1.1)) + 100;
      pool.run(withinMs, EVERY_MS);
      const state = pool.brain.report(pool.nowMs).find(({ key }) => key === "e0")!.state;
      assert.equal(state, "healthy", `${balancing} after ${outageMs} ms`);
      const sent = pool.run(15_000, EVERY_MS).get("e0") ?? 0;
      assert.ok(sent > 100, `${balancing} after ${outageMs} ms: ${sent} of 3,000`);
    }
  }
});

test("one that recovers comes back gradually and to its full share", () => {
  for (const balancing of ["RoundRobin", "LeastRequest", "Random"] as const) {
    const pool = new VirtualPool(guarded(10, balancing), (key, nowMs) =>
      key === "e0" && nowMs < 15_000 ? DEAD : GOOD,
    );
    pool.run(15_000, EVERY_MS);
    // Its trial comes within 5.5 s.
    const shares = Array.from({ length: 6 }, () => (pool.run(1_000, EVERY_MS).get("e0") ?? 0) / 200);
    const first = shares.findIndex((share) => share > 0.005);
    assert.ok(first >= 0 && shares[first]! < 0.06, `${balancing}: ${shares.join()}`);
    pool.run(10_000, EVERY_MS);
    const settled = pool.run(20_000, EVERY_MS).get("e0")! / 4000;
    assert.ok(settled > 0.06 && settled < 0.14, `${balancing}: ${settled} at last`);
  }
});

test("clients that leave do not hide an endpoint that hangs, and quick leavers accuse nobody", () => {
  const hangs = (afterMs: number) =>
    new VirtualPool(guarded(10), (key) => (key === "e0" ? { kind: "cancelled", afterMs } : GOOD));
  const patient = hangs(1_000);
  const first = patient.run(1_000, EVERY_MS).get("e0")!;
  assert.ok(first > 15, "until the first clients leave nothing is known");
  // The five that complete the row, and whatever left before they did.
  assert.ok((patient.run(60_000, EVERY_MS).get("e0") ?? 0) <= 10);
  assert.equal(patient.brain.takeHealthEvents()[0]?.kind, "ejected");
  const quick = hangs(90);
  quick.run(60_000, EVERY_MS);
  assert.deepEqual(quick.brain.takeHealthEvents(), []);
});

test("a stream that is longer than patience, and a slow upload, are no silence", () => {
  const brain = new PoolBrain({ prng: createPrng(1) });
  brain.adopt(guarded(3), 0);
  const left = { kind: "cancelled", status: 0, firstByteMs: undefined, totalMs: 5_000 } as const;
  for (let i = 0; i < 60; i++) {
    const verdict = brain.pick(FIRST_TRY, i);
    if (verdict.kind !== "send") continue;
    const { ticket } = verdict;
    if (ticket.endpoint.key === "e0") brain.excuse(ticket);
    else brain.answered(ticket, 200, i + 5);
    brain.settle(ticket, left, i + 5_000);
  }
  assert.deepEqual(brain.takeHealthEvents(), []);
});

test("when every endpoint fails, none is ejected for long and every request is still sent", () => {
  const pool = new VirtualPool(guarded(10), (_, nowMs) =>
    nowMs > 10_000 && nowMs < 40_000 ? { kind: "server-error", afterMs: 5 } : GOOD,
  );
  pool.run(10_000, EVERY_MS);
  pool.run(30_000, EVERY_MS);
  assert.deepEqual(pool.brain.takeHealthEvents(), []);
});

test("an unhealthy one that recovers is sent a request at once, and starts slowly", () => {
  const brain = new PoolBrain({ prng: createPrng(1) });
  brain.adopt(guarded(3), 0);
  const pick = (nowMs: number): string => {
    const verdict = brain.pick(FIRST_TRY, nowMs);
    assert.ok(verdict.kind === "send");
    brain.settle(verdict.ticket, { kind: "success", status: 200, firstByteMs: 1, totalMs: 1 }, nowMs);
    return verdict.ticket.endpoint.key;
  };
  const share = (key: string, nowMs: number) => brain.weigh(nowMs).find((each) => each.key === key)!.share;
  brain.setHealthy("e2", false, 20_000);
  assert.notEqual(pick(20_500), "e2");
  brain.setHealthy("e2", true, 21_000);
  assert.equal(pick(21_001), "e2");
  assert.ok(share("e2", 21_002) < 0.1, "in slow start");
  const next = Array.from({ length: 20 }, (_, i) => pick(21_002 + i)).filter((key) => key === "e2");
  assert.ok(next.length <= 2, `one request, and then its share: ${next.length} of 20`);
});

test("a reload keeps who is out, and why", () => {
  const pool = new VirtualPool(guarded(10), (key) => (key === "e0" ? DEAD : GOOD));
  pool.run(500, EVERY_MS);
  const before = pool.brain.report(pool.nowMs).find(({ key }) => key === "e0")!;
  assert.equal(before.state, "ejected");
  pool.brain.adopt(
    { ...guarded(10), policy: { ...guarded(10).policy, balancing: "LeastRequest" } },
    pool.nowMs,
  );
  const after = pool.brain.report(pool.nowMs).find(({ key }) => key === "e0")!;
  assert.deepEqual([after.state, after.ejection], [before.state, before.ejection]);
});

const KINDS: readonly OutcomeKind[] = [
  "success",
  "server-error",
  "connect-failure",
  "timeout",
  "overloaded",
  "cancelled",
];

test("whatever happens, ejection alone never takes more than its floor allows, and never stops traffic", () => {
  const attempt = fc.record({ bias: fc.nat(8), outcome: fc.nat(5), gapMs: fc.nat(400) });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 24 }),
      fc.array(attempt, { minLength: 50, maxLength: 600 }),
      (size, all) => {
        const brain = new PoolBrain({ prng: createPrng(size) });
        brain.adopt(guarded(size), 0);
        let nowMs = 0;
        for (const { bias, outcome, gapMs } of all) {
          nowMs += gapMs;
          const verdict = brain.pick(FIRST_TRY, nowMs);
          assert.equal(verdict.kind, "send");
          if (verdict.kind !== "send") return;
          // Some endpoints are much worse than others.
          const bad = verdict.ticket.slot % 3 === bias % 3;
          const kind = bad ? KINDS[outcome]! : "success";
          brain.settle(verdict.ticket, { kind, status: 500, firstByteMs: 5, totalMs: 5 }, nowMs);
          const out = brain.report(nowMs).filter(({ state }) => state === "ejected").length;
          assert.ok(out <= Math.max(1, Math.floor(size / 10)) && (size - out) * 2 >= size && out < size);
        }
      },
    ),
    { seed: 51, numRuns: 60 },
  );
});
