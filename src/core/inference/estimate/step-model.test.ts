/**
 * The step model against engines whose constants are known: it finds them, tells slow machines apart, and survives nonsense.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPrng } from "../../../std/prng.ts";
import { StepModel } from "./step-model.ts";

const A = 0.05;
const STEP = 12;

/** Prompts one after the other on each slot, some together in one step; decode steps between. */
function feed(model: StepModel, slownesses: readonly number[], rounds: number, seed: number): number {
  const prng = createPrng(seed);
  let nowMs = 0;
  for (const slot of slownesses.keys()) model.joined(slot, 0);
  for (let round = 0; round < rounds; round++) {
    nowMs += 2000;
    for (const [slot, slow] of slownesses.entries()) {
      const tokens = 200 + prng.below(4000);
      const noise = 0.9 + 0.2 * prng.float();
      const takenMs = (A * tokens + STEP) * slow * noise;
      model.firstToken(slot, nowMs, tokens, 0, STEP * slow, nowMs + takenMs);
      model.settle(slot, nowMs + takenMs + 50);
      const streams = 1 + prng.below(60);
      const stepMs = (STEP + 0.1 * streams) * slow;
      model.decoded(slot, 10, stepMs * 10, streams, 0, nowMs + takenMs + 700);
    }
  }
  return nowMs;
}

test("finds the constants of equal machines", () => {
  const model = new StepModel();
  const nowMs = feed(model, [1, 1, 1, 1], 60, 3);
  for (const tokens of [1000, 4000]) {
    const predicted = model.prefillWorkMs(tokens, 0) * model.prefillPace(0, nowMs);
    assert.ok(Math.abs(predicted / (A * tokens) - 1) < 0.15, `${tokens}: ${predicted} ms`);
  }
  for (const streams of [5, 50]) {
    const predicted = model.stepMs(streams, 0) * model.decodePace(0, nowMs);
    assert.ok(Math.abs(predicted / (STEP + 0.1 * streams) - 1) < 0.1, `${streams} streams: ${predicted} ms`);
  }
  for (let slot = 0; slot < 4; slot++) assert.equal(model.prefillPace(slot, nowMs), 1, "equal by chance");
});

test("tells a machine that takes three times as long from the others", () => {
  const model = new StepModel();
  const nowMs = feed(model, [1, 1, 1, 3], 40, 4);
  const apart = model.prefillPace(3, nowMs) / model.prefillPace(0, nowMs);
  // Less than three: prefill samples scatter, and what may be chance is taken off on either side.
  assert.ok(apart > 1.7 && apart < 3.7, `prefill ${apart}`);
  const decodeApart = model.decodePace(3, nowMs) / model.decodePace(0, nowMs);
  assert.ok(decodeApart > 2.3 && decodeApart < 3.7, `decode ${decodeApart}`);
});

test("notices within a few prompts that a machine has become slow, and forgets it when shunned", () => {
  const model = new StepModel();
  const slotCount = 4;
  const beforeMs = feed(
    model,
    Array.from({ length: slotCount }, () => 1),
    40,
    5,
  );
  let nowMs = beforeMs;
  for (let i = 0; i < 4; i++) {
    nowMs += 2000;
    model.firstToken(2, nowMs - 900, 4000, 0, STEP, nowMs);
    model.settle(2, nowMs + 10);
  }
  assert.ok(model.prefillPace(2, nowMs) > 1.8, `${model.prefillPace(2, nowMs)}`);
  assert.equal(model.prefillPace(2, nowMs + 300_000), 1);
});

test("stays finite and positive whatever it is fed", () => {
  const model = new StepModel();
  const prng = createPrng(6);
  model.joined(0, 0);
  let nowMs = 0;
  for (let i = 0; i < 3000; i++) {
    const takenMs = prng.below(3) === 0 ? 0 : 10 ** (prng.float() * 7);
    nowMs += takenMs + prng.below(100);
    model.firstToken(0, nowMs - takenMs, prng.below(200_000), prng.below(100_000), prng.below(100), nowMs);
    nowMs += 30;
    model.decoded(0, 1 + prng.below(50), takenMs, prng.below(500), prng.below(1_000_000), nowMs);
    for (const constant of model.constants()) assert.ok(Number.isFinite(constant) && constant >= 0);
    assert.ok(model.prefillPace(0, nowMs) > 0 && model.prefillPace(0, nowMs) < 1000);
    assert.ok(model.prefillWorkMs(1000, 0) > 0);
    assert.ok(model.stepMs(1, 0) > 0);
  }
});
