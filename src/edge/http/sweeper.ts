/**
 * One timer for all deadlines: every 50 ms each watched connection is asked whether one of its times is up.
 *
 * A request then costs no timer at all; a deadline is a number in a field. Ten thousand connections cost about a
 * tenth of a millisecond per sweep. Deadlines are therefore late by up to one interval; idle times, counted from the
 * last sweep before the activity, may be short by one.
 */
const SWEEP_INTERVAL_MS = 50;

export interface Swept {
  /** Acts on whatever is overdue. `nowMs` is monotonic. May remove itself. */
  sweep(nowMs: number): void;
  /** Nothing can be overdue before this; set by the item whenever it begins to wait for something. */
  dueMs: number;
  /** Owned by the sweeper: where it stands in the list, -1 if nowhere. */
  sweptIndex: number;
}

export class Sweeper {
  /** The time of the last sweep: good enough for "was there activity lately", and free. */
  nowMs: number;
  readonly #clock: () => number;
  readonly #watched: Swept[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: () => number) {
    this.#clock = clock;
    this.nowMs = clock();
  }

  /** How many are watched. */
  get size(): number {
    return this.#watched.length;
  }

  add(item: Swept): void {
    if (item.sweptIndex !== -1) return;
    item.sweptIndex = this.#watched.length;
    this.#watched.push(item);
    if (this.#timer !== undefined) return;
    // Nothing was watched so far, so nobody kept the time.
    this.nowMs = this.#clock();
    this.#timer = setInterval(() => this.sweep(), SWEEP_INTERVAL_MS).unref();
  }

  remove(item: Swept): void {
    const index = item.sweptIndex;
    if (index === -1) return;
    item.sweptIndex = -1;
    const last = this.#watched.pop()!;
    if (last === item) return;
    this.#watched[index] = last;
    last.sweptIndex = index;
  }

  sweep(): void {
    this.nowMs = this.#clock();
    // Backwards: an item that removes itself is replaced by one that has had its turn.
    for (let i = this.#watched.length - 1; i >= 0; i--) {
      const item = this.#watched[i];
      if (item !== undefined && this.nowMs >= item.dueMs) item.sweep(this.nowMs);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
