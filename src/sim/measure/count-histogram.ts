/**
 * A histogram of small whole numbers, exact.
 */
export class CountHistogram {
  readonly #counts: number[] = [];
  #count = 0;
  #sum = 0;

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  get max(): number {
    return Math.max(0, this.#counts.length - 1);
  }

  add(value: number): void {
    while (this.#counts.length <= value) this.#counts.push(0);
    this.#counts[value] = this.#counts[value]! + 1;
    this.#count++;
    this.#sum += value;
  }

  /** The least value that at least the share `q` does not exceed; 0 for an empty histogram. */
  quantile(q: number): number {
    let rest = q * this.#count;
    for (const [value, count] of this.#counts.entries()) {
      rest -= count;
      if (rest <= 0) return value;
    }
    return this.max;
  }
}
