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

test("stays where it is right while samples say little new, for as long as they come", () => {
  const model = new StepModel();
  const prng = createPrng(4);
  for (let slot = 0; slot < 8; slot++) model.joined(slot, 0);
  let nowMs = 0;
  for (let i = 0; i < 80_000; i++) {
    nowMs += 5;
    const slot = i % 8;
    // More and more streams, then many with much context, always about the same: the step at rest cannot be told from them.
    const streams = Math.min(88, 1 + Math.floor(i / 600)) + prng.below(10);
    const context = streams * (2000 + Math.min(2700, i / 18) + prng.below(300));
    const stepMs = 7.2 + 0.0075 * streams + 0.0405e-3 * context * (0.985 + 0.03 * prng.float());
    model.decoded(slot, 8, 8 * stepMs, streams, context, nowMs);
    if (i < 2000) continue;
    const told = model.stepMs(streams, context) * model.decodePace(slot, nowMs);
    assert.ok(Math.abs(told / stepMs - 1) < 0.1, `${told} ms for ${stepMs} after ${i} samples`);
    assert.ok(
      model.stepMs(streams, context) < stepMs * 1.5,
      "one number is wrong and another makes up for it",
    );
  }
});

test("does not run away when its first samples are of a few slots and far from what it began with", () => {
  const model = new StepModel();
  const prng = createPrng(5);
  for (let slot = 0; slot < 8; slot++) model.joined(slot, 0);
  let nowMs = 0;
  for (let i = 0; i < 4000; i++) {
    nowMs += 20;
    const slot = [1, 3, 5, 7, 1, 3, 1, 5][i % 8]!;
    const streams = 8 + (slot % 4) + Math.min(8, Math.floor(i / 30));
    const context = streams * 7200 + prng.below(3000);
    const stepMs = 16.1 + 0.03 * streams + 0.0247e-3 * context;
    model.decoded(slot, 8, 8 * stepMs, streams, context, nowMs);
    if (i < 200) continue;
    const told = model.stepMs(streams, context);
    assert.ok(Math.abs(told / stepMs - 1) < 0.25, `${told} ms for ${stepMs} after ${i} samples`);
  }
});
