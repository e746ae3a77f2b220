/** The generator: reproducible, seeds apart, uniform, and the reference sequence of the algorithm. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { copyPrng, createPrng } from "./prng.ts";

function take(seed: number, count: number): readonly number[] {
  const prng = createPrng(seed);
  return Array.from({ length: count }, () => prng.uint32());
}

/** Slow and plain: BigInt arithmetic modulo 2^32, after the description of xoshiro128** and SplitMix32. */
function reference(seed: number, count: number): readonly number[] {
  const word = (n: bigint): bigint => n & 0xffffffffn;
  const rotate = (n: bigint, by: bigint): bigint => word(n << by) | (n >> (32n - by));
  let state = BigInt(seed);
  const s = [0, 1, 2, 3].map(() => {
    state = word(state + 0x9e3779b9n);
    let mixed = state ^ (state >> 16n);
    mixed = word(mixed * 0x21f0aaadn);
    mixed ^= mixed >> 15n;
    mixed = word(mixed * 0x735a2d97n);
    return mixed ^ (mixed >> 15n);
  });
  return Array.from({ length: count }, () => {
    const result = word(rotate(word(s[1]! * 5n), 7n) * 9n);
    const shifted = word(s[1]! << 9n);
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = rotate(s[3]!, 11n);
    return Number(result);
  });
}

test("the sequence is that of a slow reference in BigInt", () => {
  for (const seed of [0, 1, 42, 0x7fffffff]) assert.deepEqual(take(seed, 200), reference(seed, 200));
});

test("same seed, same numbers; other seeds, other numbers", () => {
  assert.deepEqual(take(7, 50), take(7, 50));
  const firsts = new Set([0, 1, 2, 3, -1, 0.1, 0.2, 2 ** 31].map((seed) => take(seed, 1)[0]));
  assert.equal(firsts.size, 8);
});

test("float is in [0, 1) with mean one half", () => {
  const prng = createPrng(3);
  let sum = 0;
  for (let i = 0; i < 100_000; i++) {
    const value = prng.float();
    assert.ok(value >= 0 && value < 1);
    sum += value;
  }
  // Standard error 0.29 / sqrt(1e5) = 0.0009; five of them.
  assert.ok(Math.abs(sum / 100_000 - 0.5) < 0.005);
});

test("below(n) is uniform: chi-squared over ten bins", () => {
  const prng = createPrng(9);
  const bins = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 100_000; i++) {
    const bin = prng.below(10);
    bins[bin] = bins[bin]! + 1;
  }
  const chi = bins.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
  // 9 degrees of freedom: 99.99 % lie below 33.7.
  assert.ok(chi < 33.7, `chi-squared ${chi}`);
  assert.equal(createPrng(1).below(1), 0);
});

test("a copy goes on as the original would, and leaves it where it stood", () => {
  const prng = createPrng(9);
  prng.uint32();
  const copy = copyPrng(prng);
  const ahead = Array.from({ length: 10 }, () => copy.uint32());
  assert.deepEqual(
    Array.from({ length: 10 }, () => prng.uint32()),
    ahead,
  );
  assert.throws(() => copyPrng({ uint32: () => 0, float: () => 0, below: () => 0 }), /createPrng/);
});
