/**
 * Bytes that may be held for others' sake, by all streams together: what is taken is given back.
 *
 * Ten thousand streams with a few megabytes of prompt each are more than a machine has; a limit per stream alone would
 * not hold them.
 */
export class ByteBudget {
  readonly max: number;
  #used = 0;

  constructor(max: number) {
    this.max = max;
  }

  get used(): number {
    return this.#used;
  }

  /** False: there is no room, and nothing was taken. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.max) return false;
    this.#used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}
