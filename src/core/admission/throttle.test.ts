/** Client-side throttling: when it begins, how much, and that it ends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_THROTTLE } from "../../model/policy.ts";
import { createPrng } from "../../std/prng.ts";
import { Throttle } from "./throttle.ts";

/** Requests a second, each accepted with the given chance; the share refused here over the span. */
function run(throttle: Throttle, fromMs: number, forMs: number, accepted: number, seed = 1): number {
  const prng = createPrng(seed);
  let refused = 0;
  let count = 0;
  for (let nowMs = fromMs; nowMs < fromMs + forMs; nowMs += 10, count++) {
    if (throttle.refuses(nowMs)) {
      refused++;
      continue;
    }
    throttle.sent(nowMs);
    if (prng.float() < accepted) throttle.accepted(nowMs);
  }
  return refused / count;
}

test("nothing is refused while endpoints accept more than half", () => {
  const throttle = new Throttle(DEFAULT_THROTTLE, createPrng(1));
  run(throttle, 0, 10_000, 1);
  assert.ok(run(throttle, 10_000, 300_000, 0.6) < 0.001);
});

test("when they accept a tenth, what is sent settles near twice what they accept", () => {
  const throttle = new Throttle(DEFAULT_THROTTLE, createPrng(1));
  // Endpoints accept at most 10 of 100 per second however many are sent.
  let accepts = 0;
  let sent = 0;
  for (let nowMs = 0; nowMs < 600_000; nowMs += 10) {
    if (nowMs % 1000 === 0) accepts = 0;
    if (throttle.refuses(nowMs)) continue;
    throttle.sent(nowMs);
    if (nowMs >= 480_000) sent++;
    if (accepts++ < 10) throttle.accepted(nowMs);
  }
  assert.ok(sent / 120 > 18 && sent / 120 < 24, `${sent / 120} per second sent for 10 accepted`);
});

test("never more than 80 % is refused, and after an outage full flow returns", () => {
  const throttle = new Throttle(DEFAULT_THROTTLE, createPrng(1));
  assert.ok(Math.abs(run(throttle, 0, 300_000, 0) - 0.8) < 0.02);
  run(throttle, 300_000, 170_000, 1);
  assert.ok(run(throttle, 470_000, 60_000, 1) < 0.01);
});

test("a long silence forgets everything", () => {
  const throttle = new Throttle(DEFAULT_THROTTLE, createPrng(1));
  run(throttle, 0, 100_000, 0);
  assert.equal(throttle.refuses(10_000_000), false);
  assert.equal(throttle.refusedRatio, 0);
});
