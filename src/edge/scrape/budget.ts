/**
 * How much of a processor scraping may take: credit that grows with time and is spent by reading.
 *
 * A target whose turn comes while there is no credit waits until there is; so when pages are large and many, everybody is looked
 * at less often, and the gateway's own work does not suffer. All in milliseconds of one monotonic clock.
 */
export class Budget {
  /** Of one core, above 0. */
  readonly #ratio: number;
  readonly #creditMaxMs: number;
  #creditMs: number;
  #asOfMs: number;

  /** `creditMaxMs`: what may be saved up while nothing is read, so what a burst may take at once. */
  constructor(ratio: number, creditMaxMs: number, nowMs: number) {
    this.#ratio = ratio;
    this.#creditMaxMs = creditMaxMs;
    this.#creditMs = creditMaxMs;
    this.#asOfMs = nowMs;
  }

  spend(spentMs: number): void {
    this.#creditMs -= spentMs;
  }

  /** 0: go on; otherwise how long until there is credit again. */
  waitMs(nowMs: number): number {
    if (nowMs > this.#asOfMs) {
      this.#creditMs = Math.min(this.#creditMaxMs, this.#creditMs + (nowMs - this.#asOfMs) * this.#ratio);
      this.#asOfMs = nowMs;
    }
    return this.#creditMs > 0 ? 0 : -this.#creditMs / this.#ratio + 1;
  }
}
