/**
 * The distribution of requests in flight (RIF) over recent probes, and the quantile of it that parts hot from cold
 * (Prequal, NSDI 2024, section 4).
 *
 * The last WINDOW values in buckets: one each below 128, sixteen to the octave above (4.4 % wide). The quantile's bucket is
 * moved along as values come and go, so both adding and asking are O(1) on average.
 *
 * Invariant: `threshold` is the least bucket such that at least q of the values lie in it or below.
 */
const WINDOW = 256;
const EXACT_BELOW = 128;
const PER_OCTAVE = 16;
const BUCKETS = 256;

export function rifBucket(rif: number): number {
  if (rif < EXACT_BELOW) return Math.max(0, Math.floor(rif));
  return Math.min(BUCKETS - 1, EXACT_BELOW + Math.floor(PER_OCTAVE * Math.log2(rif / EXACT_BELOW)));
}

export class RifDistribution {
  readonly #quantile: number;
  readonly #window = new Uint8Array(WINDOW);
  readonly #counts = new Int32Array(BUCKETS);
  #next = 0;
  #total = 0;
  #threshold = 0;
  /** Values in the threshold's bucket or below. */
  #below = 0;

  /** `quantile` in (0, 1). */
  constructor(quantile: number) {
    this.#quantile = quantile;
  }

  /** A value is hot if its bucket is above this. */
  get threshold(): number {
    return this.#threshold;
  }

  /** Takes in `rifs[at]`: as an argument it would be boxed. */
  add(rifs: Float64Array, at: number): void {
    const bucket = rifBucket(rifs[at]!);
    if (this.#total === WINDOW) {
      const oldest = this.#window[this.#next]!;
      this.#counts[oldest] = this.#counts[oldest]! - 1;
      if (oldest <= this.#threshold) this.#below--;
    } else this.#total++;
    this.#window[this.#next] = bucket;
    this.#next = (this.#next + 1) % WINDOW;
    this.#counts[bucket] = this.#counts[bucket]! + 1;
    if (bucket <= this.#threshold) this.#below++;
    this.#settle();
  }

  clear(): void {
    this.#counts.fill(0);
    this.#next = 0;
    this.#total = 0;
    this.#threshold = 0;
    this.#below = 0;
  }

  copy(): RifDistribution {
    const copied = new RifDistribution(this.#quantile);
    copied.#window.set(this.#window);
    copied.#counts.set(this.#counts);
    copied.#next = this.#next;
    copied.#total = this.#total;
    copied.#threshold = this.#threshold;
    copied.#below = this.#below;
    return copied;
  }

  #settle(): void {
    const wanted = Math.ceil(this.#quantile * this.#total);
    while (this.#below < wanted) this.#below += this.#counts[++this.#threshold]!;
    while (this.#threshold > 0 && this.#below - this.#counts[this.#threshold]! >= wanted) {
      this.#below -= this.#counts[this.#threshold--]!;
    }
  }
}
