/**
 * A Prometheus histogram: counts per bucket, sum and count, since the start.
 */
export class Histogram {
  readonly #bounds: readonly number[];
  /** One more than bounds. */
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  add(value: number): void {
    let bucket = this.#bounds.findIndex((bound) => value <= bound);
    if (bucket < 0) bucket = this.#bounds.length;
    this.#counts[bucket] = this.#counts[bucket]! + 1;
    this.#sum += value;
  }

  /** `labels`: without braces, not empty. */
  lines(name: string, labels: string): readonly string[] {
    let count = 0;
    const buckets = this.#counts.map((inBucket, i) => {
      count += inBucket;
      return `${name}_bucket{le="${this.#bounds[i] ?? "+Inf"}",${labels}} ${count}`;
    });
    return [...buckets, `${name}_count{${labels}} ${count}`, `${name}_sum{${labels}} ${this.#sum}`];
  }
}
