/** Slots: stable, reused with a new generation, rows clean, columns growing without loss. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createColumns, FREE, READY } from "./columns.ts";
import { Slots } from "./slots.ts";

test("a freed slot is reused with a clean row and a higher generation", () => {
  const columns = createColumns();
  const slots = new Slots(columns);
  const slot = slots.take(READY, 5);
  columns.latencyMs[slot] = 12;
  columns.requests[slot] = 3;
  slots.release(slot);
  assert.equal(columns.state[slot], FREE);
  assert.equal(slots.take(READY, 9), slot);
  assert.equal(columns.generation[slot], 1);
  assert.equal(columns.latencyMs[slot], -1);
  assert.equal(columns.requests[slot], 0);
  assert.equal(columns.joinedMs[slot], 9);
});

test("releasing a free or a busy slot throws", () => {
  const columns = createColumns();
  const slots = new Slots(columns);
  const slot = slots.take(READY, 0);
  columns.inFlight[slot] = 1;
  assert.throws(() => slots.release(slot), /in flight/);
  columns.inFlight[slot] = 0;
  slots.release(slot);
  assert.throws(() => slots.release(slot), /already free/);
});

test("no slot is held twice under any churn, and rows survive growth", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(60)), { maxLength: 300 }), (steps) => {
      const columns = createColumns();
      const slots = new Slots(columns);
      const held: number[] = [];
      let mark = 1;
      const markOf = new Map<number, number>();
      for (const step of steps) {
        if (step === null || held.length === 0) {
          const slot = slots.take(READY, 0);
          assert.ok(!held.includes(slot));
          held.push(slot);
          markOf.set(slot, mark);
          columns.requests[slot] = mark++;
        } else {
          slots.release(held.splice(step % held.length, 1)[0]!);
        }
      }
      for (const slot of held) assert.equal(columns.requests[slot], markOf.get(slot));
      assert.ok(Number.isInteger(Math.log2(columns.capacity)));
      assert.ok(slots.bound <= columns.capacity);
    }),
    { seed: 21, numRuns: 100 },
  );
});
