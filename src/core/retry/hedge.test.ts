/** When a second attempt goes out beside the first, and when it had better not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPrng, type Prng } from "../../std/prng.ts";
import { RetryConcurrency } from "./concurrency.ts";
import { HedgeGovernor, type HedgeFacts } from "./hedge.ts";

const ALLOWED: HedgeFacts = {
  room: true,
  idempotent: true,
  bodyInHand: true,
  attempts: 1,
  attemptsMax: 3,
};

/** A hundred requests a second; those slower than the delay ask. What they were told, counted. */
function run(governor: HedgeGovernor, fromMs: number, forMs: number, latencyMs: (prng: Prng) => number) {
  const prng = createPrng(fromMs + 1);
  const told: Record<string, number> = { requests: 0, hedge: 0 };
  for (let nowMs = fromMs; nowMs < fromMs + forMs; nowMs += 10) {
    governor.sent(nowMs);
    told["requests"]!++;
    const firstByteMs = latencyMs(prng);
    const delayMs = governor.delayMs(nowMs);
    if (delayMs >= 0 && firstByteMs >= delayMs) {
      const step = governor.step(ALLOWED, nowMs + delayMs);
      const name = step.kind === "hedge" ? "hedge" : step.reason;
      told[name] = (told[name] ?? 0) + 1;
    }
    governor.answered(firstByteMs, nowMs);
  }
  return told;
}

const usual = (prng: Prng): number => 5 - Math.log(1 - prng.float()) * 10;

test("nothing is hedged before fifty answers, then one in twenty", () => {
  const governor = new HedgeGovernor();
  assert.equal(governor.delayMs(0), -1);
  run(governor, 0, 10_000, usual);
  // p95 of 5 ms + exponential of mean 10 ms: 5 + 10 ln 20 = 35 ms.
  assert.ok(Math.abs(governor.delayMs(10_000) - 35) < 4, `${governor.delayMs(10_000)}`);
  const told = run(governor, 10_000, 60_000, usual);
  const share = told["hedge"]! / told["requests"]!;
  assert.ok(share > 0.03 && share <= 0.056, `${share}`);
});

test("a pool that is slow as a whole is not hedged, and never beyond the budget", () => {
  const governor = new HedgeGovernor();
  run(governor, 0, 30_000, usual);
  const slow = run(governor, 30_000, 10_000, (prng) => usual(prng) * 20);
  // Until what is slow has become what is usual, a few seconds later.
  assert.ok(slow["hedge"]! <= 55, JSON.stringify(slow));
  assert.ok(slow["pool-slow"]! > 100);
  const hangs = new HedgeGovernor();
  run(hangs, 0, 30_000, usual);
  // Every request hangs: nobody answers, all ask.
  let hedged = 0;
  for (let nowMs = 30_000; nowMs < 40_000; nowMs += 10) {
    hangs.sent(nowMs);
    if (hangs.step(ALLOWED, nowMs).kind === "hedge") hedged++;
  }
  assert.ok(hedged <= 20, `${hedged} of 1000`);
});

test("hedged only where a second copy can do no harm and there is room for it", () => {
  const governor = new HedgeGovernor();
  run(governor, 0, 10_000, usual);
  const cases: readonly [Partial<HedgeFacts>, string][] = [
    [{ room: false }, "retries-full"],
    [{ attempts: 3 }, "attempts-spent"],
    [{ idempotent: false }, "not-replayable"],
    [{ bodyInHand: false }, "not-replayable"],
  ];
  for (const [facts, reason] of cases) {
    assert.deepEqual(governor.step({ ...ALLOWED, ...facts }, 10_000), { kind: "hold", reason });
  }
});

test("concurrency of retries: up to the limit, and each end makes room for one", () => {
  const retries = new RetryConcurrency();
  for (let i = 0; i < 2; i++) {
    assert.ok(retries.hasRoom(2));
    retries.begin();
  }
  assert.equal(retries.hasRoom(2), false);
  assert.equal(retries.hasRoom(undefined), true);
  for (let i = 0; i < 2; i++) retries.end();
  assert.throws(() => retries.end(), /had not begun/);
  assert.equal(retries.hasRoom(0), false);
});
