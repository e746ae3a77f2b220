/**
 * The prefix index against a slow reference that keeps ordered maps per slot and walks block by block; and its bounds.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PrefixIndex } from "./prefix-index.ts";

interface Prompt {
  readonly hashes: Float64Array;
  readonly count: number;
}

/** A chain per path through a small tree, so that prompts share beginnings. */
function promptOf(path: readonly number[]): Prompt {
  const hashes = new Float64Array(path.length);
  let hash = 17;
  path.forEach((step, i) => {
    hash = (hash * 31 + step + 1) % 9_007_199_254_740_881;
    hashes[i] = hash;
  });
  return { hashes, count: path.length };
}

/** Least recently used first, as a Map keeps its order of insertion. */
class Reference {
  readonly slots: Map<number, true>[] = [];
  readonly capacities: number[] = [];

  joined(slot: number): void {
    this.slots[slot] = new Map();
    this.capacities[slot] = Number.POSITIVE_INFINITY;
  }

  used(slot: number, prompt: Prompt): void {
    const held = this.slots[slot]!;
    for (let i = prompt.count - 1; i >= 0; i--) {
      const hash = prompt.hashes[i]!;
      const had = held.delete(hash);
      if (!had && this.capacities[slot]! < 1) continue;
      if (!had && held.size >= this.capacities[slot]!) held.delete(held.keys().next().value!);
      held.set(hash, true);
    }
  }

  removed(slot: number, hash: number): void {
    this.slots[slot]!.delete(hash);
  }

  setCapacity(slot: number, blocks: number): void {
    this.capacities[slot] = blocks;
    const held = this.slots[slot]!;
    while (held.size > blocks) held.delete(held.keys().next().value!);
  }

  depth(slot: number, prompt: Prompt): number {
    let depth = 0;
    while (depth < prompt.count && this.slots[slot]!.has(prompt.hashes[depth]!)) depth++;
    return depth;
  }
}

const SLOTS = [0, 1, 2, 31, 32, 40];
const slot = fc.constantFrom(...SLOTS);
const path = fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 0, maxLength: 24 });
const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant("used" as const), slot, path }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("capacity" as const),
      slot,
      blocks: fc.integer({ min: 0, max: 60 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("removed" as const), slot, path }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cleared" as const), slot }) },
);

test("finds what a walk over ordered maps finds", () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 60 }),
      fc.array(path, { maxLength: 5 }),
      (steps, asked) => {
        const index = new PrefixIndex(10_000);
        const reference = new Reference();
        for (const joining of SLOTS) {
          index.joined(joining);
          reference.joined(joining);
        }
        const prompts = [...asked];
        for (const doing of steps) {
          switch (doing.kind) {
            case "used": {
              const prompt = promptOf(doing.path);
              prompts.push(doing.path);
              index.used(doing.slot, prompt);
              reference.used(doing.slot, prompt);
              break;
            }
            case "capacity":
              index.setCapacity(doing.slot, doing.blocks);
              reference.setCapacity(doing.slot, doing.blocks);
              break;
            case "removed": {
              const prompt = promptOf(doing.path);
              if (prompt.count === 0) break;
              index.mayHaveGaps(doing.slot);
              index.removed(doing.slot, prompt, prompt.count - 1);
              reference.removed(doing.slot, prompt.hashes[prompt.count - 1]!);
              break;
            }
            case "cleared":
              index.cleared(doing.slot);
              reference.slots[doing.slot]!.clear();
              break;
          }
        }
        const candidates = Int32Array.from(SLOTS);
        for (const asking of prompts) {
          const prompt = promptOf(asking);
          index.match(prompt, candidates, candidates.length);
          for (const at of SLOTS) {
            const expected = reference.depth(at, prompt);
            assert.equal(index.depths[at], expected);
            assert.equal(index.depthOf(at, prompt), expected);
          }
        }
        let size = 0;
        const blocks = new Set<number>();
        for (const at of SLOTS) {
          assert.equal(index.held(at), reference.slots[at]!.size);
          size += reference.slots[at]!.size;
          for (const hash of reference.slots[at]!.keys()) blocks.add(hash);
        }
        assert.equal(index.size, size);
        assert.equal(index.blocks, blocks.size);
      },
    ),
    { numRuns: 300, seed: 5 },
  );
});

test("never holds more than its budget, and stays right at it", () => {
  const index = new PrefixIndex(500);
  const slots = Int32Array.of(0, 1, 2);
  for (const at of slots) index.joined(at);
  for (let i = 0; i < 400; i++) {
    const at = i % 3;
    const prompt = promptOf(Array.from({ length: 40 }, (_, depth) => (depth < 10 ? 0 : i)));
    index.used(at, prompt);
    assert.ok(index.size <= 500);
    assert.equal(index.held(0) + index.held(1) + index.held(2), index.size);
    index.match(prompt, slots, 3);
    assert.equal(index.depths[at], 40, "what was used last is there");
  }
  for (const at of slots) index.left(at);
  assert.equal(index.size, 0);
  assert.equal(index.blocks, 0);
});

test("a prompt longer than the capacity keeps its beginning", () => {
  const index = new PrefixIndex(1000);
  index.joined(0);
  index.setCapacity(0, 30);
  const prompt = promptOf(Array.from({ length: 100 }, (_, i) => i));
  index.used(0, prompt);
  assert.equal(index.depthOf(0, prompt), 30);
  assert.equal(index.held(0), 30);
});

test("knows how much came in since a block was used", () => {
  const index = new PrefixIndex(1000);
  index.joined(0);
  const prompt = promptOf([1, 2, 3]);
  index.used(0, prompt);
  index.used(0, promptOf([7, 7, 7, 7]));
  // The last block of a prompt is used first: two of its own came after it.
  assert.equal(index.hit(0, prompt, 1), 4);
  assert.equal(index.hit(0, prompt, 3), 6);
  assert.equal(index.hit(0, prompt, 0), -1);
  assert.equal(index.hit(0, promptOf([12345]), 1), -1);
});

test("knows how long a slot keeps what is not used", () => {
  const index = new PrefixIndex(1000);
  index.joined(0);
  assert.equal(index.keepsMs(0), Number.POSITIVE_INFINITY);
  index.at(1000);
  index.used(0, promptOf([1, 2, 3, 4]));
  index.at(6000);
  assert.equal(index.keepsMs(0), Number.POSITIVE_INFINITY, "with room for ever");
  index.setCapacity(0, 8);
  assert.equal(index.keepsMs(0), 10_000, "half full after five seconds");
  index.used(0, promptOf([5, 6, 7, 8]));
  assert.equal(index.keepsMs(0), 5000);
});
