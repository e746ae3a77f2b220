/**
 * Quantiles of durations: a histogram whose buckets grow with the value, after HdrHistogram (Gil Tene).
 *
 * Each doubling is cut into SUB buckets of equal width, so a bucket is at most 1/SUB as wide as its values are large and
 * its middle is off by at most 1 / (2 SUB) = 1.6 %. From 1/1024 ms to 2^22 ms (70 minutes); what lies outside counts in the
 * first or the last bucket. 4 KiB whatever the number of samples, O(1) to record, O(buckets) to read.
 *
 * P2 (Jain and Chlamtac 1985) would need five numbers instead of a thousand, but answers one quantile fixed in
 * advance, cannot forget, cannot be merged, and errs without bound on two-humped durations, which are the usual ones.
 *
 * Units: ms. Invariant: `count` is the sum of the buckets.
 */
const SUB = 32;
const OCTAVES = 32;
const LEAST_MS = 1 / 1024;
const BUCKETS = SUB * OCTAVES;

export class Histogram {
  readonly #buckets = new Uint32Array(BUCKETS);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  record(valueMs: number): void {
    const index = indexOf(valueMs);
    this.#buckets[index] = this.#buckets[index]! + 1;
    this.#count++;
  }

  /** The value below which the share `q` in [0, 1] of the samples lies; below 0 without samples. */
  quantile(q: number): number {
    return quantileOfBoth(this, EMPTY, q);
  }

  clear(): void {
    this.#buckets.fill(0);
    this.#count = 0;
  }

  at(index: number): number {
    return this.#buckets[index]!;
  }
}

const EMPTY = new Histogram();

/** The same over two histograms as if they were one. */
export function quantileOfBoth(a: Histogram, b: Histogram, q: number): number {
  const total = a.count + b.count;
  if (total === 0) return -1;
  // The nearest rank: the least value such that at least q of the samples are at or below it.
  let rank = Math.max(1, Math.ceil(q * total));
  for (let index = 0; index < BUCKETS; index++) {
    rank -= a.at(index) + b.at(index);
    if (rank <= 0) return middleMs(index);
  }
  return middleMs(BUCKETS - 1);
}

/** Two histograms that take turns: quantiles over the last one to two spans, forgetting in O(1) per span. */
export class RecentHistogram {
  #now = new Histogram();
  #before = new Histogram();
  readonly #spanMs: number;
  #turnMs = Number.NEGATIVE_INFINITY;

  constructor(spanMs: number) {
    this.#spanMs = spanMs;
  }

  record(valueMs: number, nowMs: number): void {
    this.#turn(nowMs);
    this.#now.record(valueMs);
  }

  /** Samples in reach. */
  count(nowMs: number): number {
    this.#turn(nowMs);
    return this.#now.count + this.#before.count;
  }

  quantile(q: number, nowMs: number): number {
    this.#turn(nowMs);
    return quantileOfBoth(this.#now, this.#before, q);
  }

  #turn(nowMs: number): void {
    if (nowMs < this.#turnMs) return;
    const stale = nowMs >= this.#turnMs + this.#spanMs;
    const spare = this.#before;
    this.#before = this.#now;
    this.#now = spare;
    spare.clear();
    if (stale) this.#before.clear();
    this.#turnMs = nowMs + this.#spanMs;
  }
}

function indexOf(valueMs: number): number {
  const units = valueMs / LEAST_MS;
  if (!(units > 1)) return 0;
  const octave = Math.floor(Math.log2(units));
  if (octave >= OCTAVES) return BUCKETS - 1;
  const within = units / 2 ** octave - 1;
  // Rounding in log2 can put a value at the very edge of an octave one too high or too low.
  return Math.min(BUCKETS - 1, Math.max(0, octave * SUB + Math.floor(within * SUB)));
}

function middleMs(index: number): number {
  const octave = Math.floor(index / SUB);
  return LEAST_MS * 2 ** octave * (1 + ((index % SUB) + 0.5) / SUB);
}
