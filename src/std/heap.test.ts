/** What goes into a heap comes out in order; what goes into a queue comes out in the order it went in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Heap } from "./heap.ts";
import { Queue } from "./queue.ts";

test("a heap gives the least first, through any mix of pushes and pops", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer(), { nil: undefined })), (steps) => {
      const heap = new Heap<number>((a, b) => a < b);
      const model: number[] = [];
      for (const value of steps) {
        if (value === undefined) assert.equal(heap.pop(), model.shift());
        else {
          heap.push(value);
          model.push(value);
          model.sort((a, b) => a - b);
        }
        assert.equal(heap.size, model.length);
        assert.equal(heap.peek(), model[0]);
      }
    }),
  );
});

test("a queue keeps order while it wraps and grows", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer(), { nil: undefined }), { maxLength: 300 }), (steps) => {
      const queue = new Queue<number>();
      const model: number[] = [];
      for (const value of steps) {
        if (value === undefined) assert.equal(queue.shift(), model.shift());
        else {
          queue.push(value);
          model.push(value);
        }
        assert.equal(queue.size, model.length);
        assert.equal(queue.peek(), model[0]);
      }
    }),
  );
});
