/**
 * A histogram of positive numbers with buckets 1 % wide, so that any quantile is known to within half a percent
 * whatever the scale, in constant memory. Mean and maximum are exact.
 */
const RATIO = 1.01;
const PER_LOG = 1 / Math.log(RATIO);

/** Everything at or below counts as this: a nanosecond, where times are milliseconds. */
const LEAST = 1e-6;
const OFFSET = -Math.floor(Math.log(LEAST) * PER_LOG);

/** Up to 1e9: eleven days in milliseconds. */
const BUCKETS = OFFSET + Math.ceil(Math.log(1e9) * PER_LOG) + 1;

export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sum = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  get max(): number {
    return this.#max;
  }

  add(value: number): void {
    const bucket = value <= LEAST ? 0 : Math.floor(Math.log(value) * PER_LOG) + OFFSET;
    const place = Math.min(bucket, BUCKETS - 1);
    this.#counts[place] = this.#counts[place]! + 1;
    this.#count++;
    this.#sum += value;
    if (value > this.#max) this.#max = value;
  }

  /** The value below which the share `q` lies; 0 for an empty histogram. */
  quantile(q: number): number {
    if (this.#count === 0) return 0;
    let rest = q * this.#count;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = this.#counts[bucket]!;
      if (count === 0 || rest > count) {
        rest -= count;
        continue;
      }
      // Within its bucket, as if values were spread evenly over its logarithm.
      return Math.min(this.#max, RATIO ** (bucket - OFFSET + rest / count));
    }
    return this.#max;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sum = 0;
    this.#max = 0;
  }
}
