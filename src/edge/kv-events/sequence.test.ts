/** What the numbers of batches mean. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Sequence } from "./sequence.ts";

test("any number begins, the next follows, and what lacks is seen before it is taken", () => {
  const sequence = new Sequence();
  assert.equal(sequence.expected, undefined);
  assert.equal(sequence.lacks(7), false);
  assert.equal(sequence.place(7), "next");
  assert.equal(sequence.place(8), "next");
  assert.equal(sequence.lacks(9), false);
  assert.equal(sequence.lacks(11), true);
  assert.equal(sequence.place(11), "gap");
  assert.equal(sequence.expected, 9);
  assert.equal(sequence.place(8), "known");
  sequence.resume();
  assert.equal(sequence.place(11), "next");
  assert.equal(sequence.expected, 12);
});

test("a replay may run ahead of what is live; only live numbers tell of a new life", () => {
  const sequence = new Sequence();
  assert.equal(sequence.rises(5), true);
  for (let replayed = 0; replayed <= 9; replayed++) assert.equal(sequence.place(replayed), "next");
  assert.equal(sequence.rises(6), true);
  assert.equal(sequence.place(6), "known");
  assert.equal(sequence.rises(10), true);
  assert.equal(sequence.place(10), "next");
  assert.equal(sequence.rises(10), false);
  assert.equal(sequence.rises(0), false);
  sequence.reset();
  assert.equal(sequence.rises(0), true);
  assert.equal(sequence.place(0), "next");
});

test("after an empty replay the first live batch shows what was lost before it", () => {
  const sequence = new Sequence();
  sequence.expect(0);
  assert.equal(sequence.rises(1), true);
  assert.equal(sequence.lacks(1), true);
  assert.equal(sequence.place(0), "next");
  // Where something is known, it says more.
  sequence.expect(0);
  assert.equal(sequence.expected, 1);
});
