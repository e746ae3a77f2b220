/** Timers come in the order of their times whatever was set, moved and cleared before; checked against a sorted list. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NO_TIMER, TimerHeap } from "./timer-heap.ts";

test("the first is always the least time, and of equal times the lowest number", () => {
  const step = fc.record({ timer: fc.nat(40), time: fc.option(fc.nat(20), { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new TimerHeap();
      for (let i = 0; i <= 40; i++) assert.equal(heap.add(), i);
      const times = new Map<number, number>();
      for (const { timer, time } of steps) {
        if (time === undefined) heap.clear(timer);
        else heap.set(timer, time);
        if (time === undefined) times.delete(timer);
        else times.set(timer, time);
        const [first] = [...times].toSorted(([a, atA], [b, atB]) => atA - atB || a - b);
        assert.equal(heap.first, first?.[0] ?? NO_TIMER);
        assert.equal(heap.firstTime, first?.[1] ?? Number.POSITIVE_INFINITY);
      }
    }),
  );
});
