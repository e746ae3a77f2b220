/** Pinned values, and the properties the tables lean on: spread and independence of seeds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { mixed, murmur3 } from "./murmur3.ts";

test("values are pinned: gateways of different releases must agree", () => {
  assert.equal(mixed(0), 0);
  // fmix32(1), known from the reference implementation.
  assert.equal(mixed(1) >>> 0, 0x514e28b7);
  assert.deepEqual(
    ["", "a", "ab", "abc", "10.0.0.1:8080", "é水"].map((text) => murmur3(text, 0) >>> 0),
    PINNED,
  );
});

const PINNED = [0, 1009084850, 3780547604, 1968171120, 4022786657, 961940158];

test("keys that differ in one place fall evenly into buckets, and seeds are unrelated", () => {
  const buckets = new Int32Array(64);
  let same = 0;
  for (let i = 0; i < 64_000; i++) {
    const text = `10.0.${i >> 8}.${i & 255}:8080`;
    const bucket = murmur3(text, 1) & 63;
    buckets[bucket] = buckets[bucket]! + 1;
    if ((murmur3(text, 2) & 63) === bucket) same++;
  }
  // 63 degrees of freedom: 99.99 % lie below 113.
  const chi = buckets.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  assert.ok(chi < 113, `chi-squared ${chi}`);
  assert.ok(Math.abs(same - 1000) < 150, `${same} of 64000 in the same bucket under both seeds`);
});
