/** The ramp: its shape, who ramps, and that it ends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_POOL_POLICY, DEFAULT_SLOW_START } from "../../model/policy.ts";
import { createPrng } from "../../std/prng.ts";
import { createColumns, DRAINING, READY } from "../signals/columns.ts";
import { Slots } from "../signals/slots.ts";
import { PoolHealth } from "./pool-health.ts";
import { rampAt } from "./slow-start.ts";

test("the ramp rises from its minimum to one over the window, faster at first with more aggression", () => {
  const policy = { windowMs: 1000, aggression: 1, minRatio: 0.1 };
  for (const [ageMs, ratio] of [
    [-5, 0.1],
    [0, 0.1],
    [100, 0.1],
    [250, 0.25],
    [999, 0.999],
    [1000, 1],
    [9000, 1],
  ] as const)
    assert.equal(rampAt(policy, ageMs), ratio);
  assert.equal(rampAt({ ...policy, aggression: 2 }, 250), 0.5);
  assert.ok(rampAt({ ...policy, aggression: 0.5 }, 500) === 0.25);
});

function pool() {
  const columns = createColumns();
  const slots = new Slots(columns);
  const roster = { bound: 0, present: 3, well: 3, wellnessChanged() {} };
  const health = new PoolHealth(columns, roster, createPrng(1));
  const adopt = (running: boolean, nowMs: number) =>
    health.adopt({ ...DEFAULT_POOL_POLICY }, running, slots.bound, nowMs);
  return { columns, slots, health, adopt };
}

test("nobody ramps when all are new; who joins later does, and only the newcomer", () => {
  const { columns, slots, health, adopt } = pool();
  slots.take(READY, 0);
  slots.take(READY, 0);
  adopt(false, 0);
  assert.deepEqual([...columns.ramp.subarray(0, 2)], [1, 1]);
  const late = slots.take(READY, 50_000);
  adopt(true, 50_000);
  assert.deepEqual([...columns.ramp.subarray(0, 3)], [1, 1, DEFAULT_SLOW_START.minRatio]);
  assert.ok(health.due[0]! <= 50_000 + DEFAULT_SLOW_START.windowMs / 50);
  // A reload in between starts nothing anew.
  adopt(true, 51_000);
  health.judge(55_000);
  assert.ok(Math.abs(columns.ramp[late]! - 0.5) < 0.02);
  health.judge(60_000);
  assert.equal(columns.ramp[late], 1);
});

test("one that drained and is ready again ramps, and so does one that recovers", () => {
  const { columns, slots, health, adopt } = pool();
  slots.take(READY, 0);
  const other = slots.take(READY, 0);
  adopt(false, 0);
  columns.state[other] = DRAINING;
  adopt(true, 1000);
  assert.equal(columns.ramp[other], 1);
  columns.state[other] = READY;
  adopt(true, 2000);
  assert.equal(columns.ramp[other], 0.1);
  health.judge(20_000);
  health.recovered(0, 30_000);
  assert.deepEqual([...columns.ramp.subarray(0, 2)], [0.1, 1]);
});

test("turning it off, or leaving, ends a ramp", () => {
  const { columns, slots, health, adopt } = pool();
  slots.take(READY, 0);
  adopt(false, 0);
  const slot = slots.take(READY, 10);
  adopt(true, 10);
  assert.equal(columns.ramp[slot], 0.1);
  health.adopt({ ...DEFAULT_POOL_POLICY, slowStart: undefined }, true, slots.bound, 20);
  assert.equal(columns.ramp[slot], 1);
  adopt(true, 30);
  health.recovered(slot, 40);
  slots.release(slot);
  slots.take(READY, 50);
  health.judge(1000);
  assert.equal(columns.ramp[slot], 1, "not the ramp of who was there before");
});
