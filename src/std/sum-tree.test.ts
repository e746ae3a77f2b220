/** The tree against plain arithmetic: sums after any operations, and draws by weight. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createPrng } from "./prng.ts";
import { SumTree } from "./sum-tree.ts";

function set(tree: SumTree, index: number, weight: number): void {
  tree.weights[index] = weight;
  tree.changed(index);
}

function treeOf(weights: readonly number[]): SumTree {
  const tree = new SumTree(weights.length);
  for (const [index, weight] of weights.entries()) set(tree, index, weight);
  return tree;
}

/** The index a walk along the weights would stop at. */
function walk(weights: readonly number[], point: number): number {
  let rest = point;
  for (const [index, weight] of weights.entries()) {
    if (rest < weight) return index;
    rest -= weight;
  }
  return -1;
}

test("after any sequence of changes and growth the tree equals a fresh one, bit for bit", () => {
  const weight = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e12, noNaN: true }));
  const change = fc.record({ index: fc.nat(99), weight, grow: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const tree = new SumTree(1);
      const plain = Array.from({ length: 128 }, () => 0);
      for (const each of changes) {
        if (each.grow) tree.grow(each.index + 1);
        if (each.index >= tree.capacity) continue;
        set(tree, each.index, each.weight);
        plain[each.index] = each.weight;
      }
      const fresh = treeOf(plain);
      const sum = plain.reduce((total, value) => total + value, 0);
      assert.ok(Math.abs(tree.total - sum) <= 1e-12 * sum);
      tree.grow(128);
      assert.equal(tree.total, fresh.total);
    }),
    { seed: 11, numRuns: 200 },
  );
});

test("find agrees with a walk along the weights, and the residual with what is left", () => {
  // Whole weights: the walk is exact, so there is no tolerance to hide in.
  const weights = fc.array(fc.nat(5), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(weights, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (list, at) => {
      const tree = treeOf(list);
      fc.pre(tree.total > 0);
      const point = Math.floor(tree.total * at);
      const found = tree.find(point);
      assert.equal(found, walk(list, point));
      const before = list.slice(0, found).reduce((sum, value) => sum + value, 0);
      assert.equal(tree.residual, point - before);
    }),
    { seed: 12, numRuns: 300 },
  );
});

test("an index without weight is never found, even past the end", () => {
  const tree = treeOf([0, 0.1, 0, 0.2, 0, 0.3, 0, 0]);
  for (const point of [0, 0.05, 0.1, 0.29, 0.3, tree.total, tree.total * 2]) {
    assert.ok(tree.weights[tree.find(point)]! > 0, `point ${point}`);
  }
});

test("draws follow the weights", () => {
  const weights = [1, 0, 2, 3, 4];
  const tree = treeOf(weights);
  const prng = createPrng(5);
  const counts = weights.map(() => 0);
  for (let i = 0; i < 100_000; i++) {
    const index = tree.draw(prng);
    counts[index] = counts[index]! + 1;
  }
  // Standard error at most sqrt(0.25 * 1e5) = 158; five of them.
  for (const [index, weight] of weights.entries()) {
    assert.ok(Math.abs(counts[index]! - weight * 10_000) < 800, `${index}: ${counts[index]}`);
  }
});
