/**
 * Retry budget: how many retries a pool may afford, as a share of its recent requests.
 *
 * The rule is Finagle's: over the last ten seconds at most 20 % of requests, plus ten per second so that a pool
 * with little traffic can still retry. When everything fails, load grows by a fifth and not by the number of
 * attempts: the control that keeps a bad minute from becoming a retry storm.
 *
 * A bucket in ten windows of a second: deposits and withdrawals are entered in the window of their time and
 * expire with it. Amounts are whole thousandths of a retry, so sums are exact. O(1) per call; a clock that steps back is
 * read as standing still.
 *
 * Invariant: the balance is the reserve plus the sum of the windows, and never negative after a withdrawal.
 */
export interface RetryBudgetOptions {
  /** Retries earned per request. */
  readonly ratio?: number;
  /** Retries per second granted regardless of traffic. */
  readonly floorPerSec?: number;
}

const RATIO_DEFAULT = 0.2;
const FLOOR_PER_SEC_DEFAULT = 10;
const WINDOWS = 10;
const WINDOW_MS = 1000;
const PER_RETRY = 1000;

export class RetryBudget {
  readonly #deposit: number;
  readonly #reserve: number;
  readonly #windows = new Float64Array(WINDOWS);
  #sum = 0;
  /** Number of the current window since time 0. */
  #current = Number.NEGATIVE_INFINITY;

  constructor(options: RetryBudgetOptions = {}) {
    this.#deposit = Math.round((options.ratio ?? RATIO_DEFAULT) * PER_RETRY);
    const ttlSec = (WINDOWS * WINDOW_MS) / 1000;
    this.#reserve = Math.round((options.floorPerSec ?? FLOOR_PER_SEC_DEFAULT) * ttlSec * PER_RETRY);
  }

  /** A request was sent for the first time. */
  deposit(nowMs: number): void {
    this.#advance(nowMs);
    this.#add(this.#deposit);
  }

  /** Takes one retry if it can be afforded. */
  tryWithdraw(nowMs: number): boolean {
    this.#advance(nowMs);
    if (this.#reserve + this.#sum < PER_RETRY) return false;
    this.#add(-PER_RETRY);
    return true;
  }

  /** Whole retries that could be taken now. */
  available(nowMs: number): number {
    this.#advance(nowMs);
    return Math.max(0, Math.floor((this.#reserve + this.#sum) / PER_RETRY));
  }

  #add(amount: number): void {
    const index = this.#current % WINDOWS;
    this.#windows[index] = this.#windows[index]! + amount;
    this.#sum += amount;
  }

  #advance(nowMs: number): void {
    const now = Math.max(0, Math.floor(nowMs / WINDOW_MS));
    if (now <= this.#current) return;
    const passed = Math.min(WINDOWS, now - this.#current);
    for (let step = 0; step < passed; step++) {
      const index = (((now - step) % WINDOWS) + WINDOWS) % WINDOWS;
      this.#sum -= this.#windows[index]!;
      this.#windows[index] = 0;
    }
    this.#current = now;
  }
}
