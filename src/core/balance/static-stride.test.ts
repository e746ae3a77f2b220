/** Static stride: the same turns as gRPC's formula, exact shares, and members that come and go. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SlotSet } from "./slot-set.ts";
import { StaticStride, STRIDE_MAX } from "./static-stride.ts";

function setOf(count: number): SlotSet {
  const set = new SlotSet();
  for (let slot = 0; slot < count; slot++) set.add(slot);
  return set;
}

/** grpc-go's scheduler, sequence numbers and all. */
function reference(weights: readonly number[], count: number): readonly number[] {
  const turns: number[] = [];
  const n = weights.length;
  const half = (STRIDE_MAX - 1) / 2;
  for (let s = 0; turns.length < count; s++) {
    const i = s % n;
    const g = Math.floor(s / n);
    const weight = weights[i]!;
    if ((weight * g + ((i * half) % STRIDE_MAX)) % STRIDE_MAX >= STRIDE_MAX - weight) turns.push(i);
  }
  return turns;
}

const ascending = (a: number, b: number): number => a - b;

test("the turns are those of the formula", () => {
  const weights = [65_535, 30_000, 1, 65_535, 7_000];
  const stride = new StaticStride(0);
  for (const [slot, weight] of weights.entries()) stride.setWeight(slot, weight / STRIDE_MAX);
  const set = setOf(weights.length);
  const turns = Array.from({ length: 2000 }, () => stride.turn(set));
  assert.deepEqual(turns, reference(weights, 2000));
});

test("shares are exact over many rounds, and even in between", () => {
  const stride = new StaticStride(17);
  const ratios = [1, 0.5, 0.25, 0.25];
  for (const [slot, ratio] of ratios.entries()) stride.setWeight(slot, ratio);
  const set = setOf(4);
  const counts = [0, 0, 0, 0];
  for (let i = 1; i <= 4000; i++) {
    const slot = stride.turn(set);
    counts[slot] = counts[slot]! + 1;
    for (const [each, ratio] of ratios.entries()) {
      assert.ok(Math.abs(counts[each]! - (i * ratio) / 2) <= 2, `slot ${each} after ${i}`);
    }
  }
});

test("the turn goes on when members come and go", () => {
  const stride = new StaticStride(1_000_000_007);
  const set = setOf(5);
  set.remove(2);
  set.remove(4);
  const seen = new Set(Array.from({ length: 3 }, () => stride.turn(set)));
  assert.deepEqual([...seen].toSorted(ascending), [0, 1, 3]);
  set.add(40);
  const later = new Set(Array.from({ length: 4 }, () => stride.turn(set)));
  assert.deepEqual([...later].toSorted(ascending), [0, 1, 3, 40]);
  assert.equal(stride.untriedTurn(set, [0, 1, 3]), 40);
  assert.ok(set.has(stride.untriedTurn(set, [0, 1, 3, 40])));
});
