/**
 * Things that are costly to make and needed for a while: lent, taken back, lent again. As many are kept as were ever out at
 * once, up to KEPT_MAX.
 */
const KEPT_MAX = 256;

export class Spares<T> {
  readonly #make: () => T;
  readonly #kept: T[] = [];

  constructor(make: () => T) {
    this.#make = make;
  }

  take(): T {
    return this.#kept.pop() ?? this.#make();
  }

  giveBack(thing: T): void {
    if (this.#kept.length < KEPT_MAX) this.#kept.push(thing);
  }
}
