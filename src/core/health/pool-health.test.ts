/** Ejection and slow start inside the pool's brain, in virtual time: short stories of whole pools. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { OutcomeKind } from "../../model/outcome.ts";
import { DEFAULT_OUTLIER, DEFAULT_SLOW_START, type BalancingPolicy } from "../../model/policy.ts";
import type { PoolSpec } from "../../model/pool.ts";
import { createPrng } from "../../std/prng.ts";
import { FIRST_TRY, PoolBrain } from "../balance/pool-brain.ts";
import { type Answer, keys, spec, VirtualPool } from "../balance/virtual-pool.test.ts";

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

test("round robin stops sending to a dead endpoint after five requests, and asks five more per ejection", () => {
  const pool = new VirtualPool(guarded(10), (key) => (key === "e0" ? DEAD : GOOD));
  const sent = pool.run(300_000, EVERY_MS).get("e0") ?? 0;
  // Out for 30, 60, 90, 120 s: five rows of five in five minutes. Without ejection: 6,000.
  assert.ok(sent >= 20 && sent <= 30, `${sent}`);
  const events = pool.brain.takeHealthEvents().map(({ kind, endpoint }) => `${kind} ${endpoint.key}`);
  assert.deepEqual(events.slice(0, 3), ["ejected e0", "returned e0", "ejected e0"]);
  const report = pool.brain.report(pool.nowMs).find(({ key }) => key === "e0")!;
  assert.equal(report.state, "ejected");
  assert.equal(report.ejection?.reason, "consecutive-errors");
  assert.equal(report.share, 0);
  assert.ok(report.ejection.untilMs > pool.nowMs);
});

test("one that recovers comes back gradually and to its full share", () => {
  for (const balancing of ["RoundRobin", "LeastRequest", "Random"] as const) {
    const pool = new VirtualPool(guarded(10, balancing), (key, nowMs) =>
      key === "e0" && nowMs < 5_000 ? DEAD : GOOD,
    );
    pool.run(30_000, EVERY_MS);
    let last = 0;
    const shares: number[] = [];
    for (let span = 0; span < 24; span++) {
      const sent = pool.run(1_000, EVERY_MS).get("e0") ?? 0;
      if (sent > 0 || last > 0) shares.push(sent / 200);
      last = sent;
    }
    assert.ok(shares[1]! < 0.06, `${balancing}: ${shares[1]} in its second second`);
    const settled = pool.run(20_000, EVERY_MS).get("e0")! / 4000;
    assert.ok(settled > 0.06 && settled < 0.14, `${balancing}: ${settled} at last`);
  }
});

test("when every endpoint fails, none is ejected for long and every request is still sent", () => {
  const pool = new VirtualPool(guarded(10), (_, nowMs) =>
    nowMs > 10_000 && nowMs < 40_000 ? { kind: "server-error", afterMs: 5 } : GOOD,
  );
  pool.run(10_000, EVERY_MS);
  pool.run(30_000, EVERY_MS);
  assert.deepEqual(pool.brain.takeHealthEvents(), []);
});

test("a passing check brings back the first time; an unhealthy one that recovers starts slowly", () => {
  const brain = new PoolBrain({ prng: createPrng(1) });
  brain.adopt(guarded(3), 0);
  const stateOf = (key: string) => brain.report(0).find((each) => each.key === key)!.state;
  for (let i = 0; i < 30; i++) {
    const verdict = brain.pick(FIRST_TRY, i);
    if (verdict.kind !== "send") continue;
    const kind = verdict.ticket.endpoint.key === "e1" ? "connect-failure" : "success";
    brain.settle(verdict.ticket, { kind, status: 0, firstByteMs: 1, totalMs: 1 }, i);
  }
  assert.equal(stateOf("e1"), "ejected");
  brain.checkPassed("nobody", 40);
  brain.checkPassed("e1", 40);
  assert.equal(stateOf("e1"), "healthy");
  const share = (key: string, nowMs: number) => brain.weigh(nowMs).find((each) => each.key === key)!.share;
  assert.ok(share("e1", 41) < 0.1, "in slow start");
  brain.judge(20_000);
  assert.ok(share("e1", 20_000) > 0.3);
  brain.setHealthy("e2", false, 20_000);
  brain.setHealthy("e2", true, 21_000);
  assert.ok(share("e2", 21_000) < 0.1);
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
