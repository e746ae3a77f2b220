/**
 * Weights by index with their sum: change one weight, or draw an index in proportion to its weight, in O(log n).
 *
 * The idea of a tree that carries the sum of what is below is that of brpc's locality-aware balancer; the shape
 * here is the implicit binary tree with leaves in the second half of one array. Each inner node is *recomputed*
 * as left + right on the way up and never adjusted by a difference, so no floating-point drift builds up and
 * no periodic rebuild is owed: the tree is always exactly what a fresh build from its leaves would give.
 *
 * A weight is changed by writing `weights[index]` and calling `changed(index)`: typed-array cells cross function
 * calls without boxing, fractional arguments and results do not.
 *
 * Invariants (after `changed`): weights are finite and >= 0; nodes[i] === nodes[2i] + nodes[2i+1] for every inner i,
 * bit for bit; neither `find` nor `draw` answers an index of weight 0 while the total is above 0.
 */
import type { Prng } from "./prng.ts";

export class SumTree {
  #capacity: number;
  /** nodes[1] is the root; leaf k is nodes[capacity + k]; nodes[0] holds how far a descent still has to go. */
  #nodes: Float64Array;
  #weights: Float64Array;

  constructor(capacity: number) {
    this.#capacity = powerOfTwoAtLeast(capacity);
    this.#nodes = new Float64Array(this.#capacity * 2);
    this.#weights = this.#nodes.subarray(this.#capacity);
  }

  get capacity(): number {
    return this.#capacity;
  }

  get total(): number {
    return this.#nodes[1]!;
  }

  /** The leaves, live. Replaced by `grow`. */
  get weights(): Float64Array {
    return this.#weights;
  }

  /** How far into the found index's own weight the last find or draw landed: in [0, weight] save for rounding. */
  get residual(): number {
    return this.#nodes[0]!;
  }

  /** Carries a changed weight up to the root. */
  changed(index: number): void {
    const nodes = this.#nodes;
    let node = this.#capacity + index;
    while (node > 1) {
      const sum = nodes[node]! + nodes[node ^ 1]!;
      node >>= 1;
      // The same after rounding: so is everything above.
      if (nodes[node] === sum) return;
      nodes[node] = sum;
    }
  }

  /** The same for many weights at once, in O(capacity). */
  changedAll(): void {
    const nodes = this.#nodes;
    for (let node = this.#capacity - 1; node >= 1; node--)
      nodes[node] = nodes[node * 2]! + nodes[node * 2 + 1]!;
  }

  /** The index whose stretch of [0, total) contains `point`. Meaningless while the total is 0. */
  find(point: number): number {
    this.#nodes[0] = point;
    return this.#descend();
  }

  /** An index in proportion to its weight. Meaningless while the total is 0. */
  draw(prng: Prng): number {
    this.#nodes[0] = prng.float() * this.#nodes[1]!;
    return this.#descend();
  }

  /** Makes room for indices below `capacity`, keeping all weights. */
  grow(capacity: number): void {
    if (capacity <= this.#capacity) return;
    const before = this.#weights;
    this.#capacity = powerOfTwoAtLeast(capacity);
    this.#nodes = new Float64Array(this.#capacity * 2);
    this.#weights = this.#nodes.subarray(this.#capacity);
    this.#weights.set(before);
    this.changedAll();
  }

  #descend(): number {
    const nodes = this.#nodes;
    const capacity = this.#capacity;
    let rest = nodes[0]!;
    let node = 1;
    while (node < capacity) {
      node <<= 1;
      const left = nodes[node]!;
      // Rounding may carry the point past the last weight; an empty right side is never entered.
      if (rest >= left && nodes[node + 1]! > 0) {
        rest -= left;
        node++;
      }
    }
    nodes[0] = rest;
    return node - capacity;
  }
}

function powerOfTwoAtLeast(n: number): number {
  let power = 1;
  while (power < n) power *= 2;
  return power;
}
