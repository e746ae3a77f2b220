/**
 * What the number of a batch means: the next, one known already, a gap, or an engine that has started anew. Pure.
 *
 * Two streams carry the same numbers: live and replayed. A live number that does not rise is a new life of the engine, for a
 * publisher never goes back; one that rises but lies behind what a replay has brought is known already.
 *
 * Invariant: `expected` is one past the last batch taken, or undefined while nothing is known and any will do.
 */
export type Place = "next" | "known" | "gap";

export class Sequence {
  #expected: number | undefined = undefined;
  #lastLive = -1;

  get expected(): number | undefined {
    return this.#expected;
  }

  /** A live batch has come: false where its number has not risen, which is a new life of the engine: `reset`. */
  rises(sequence: number): boolean {
    if (sequence <= this.#lastLive) return false;
    this.#lastLive = sequence;
    return true;
  }

  /** Batches before this one have not come. */
  lacks(sequence: number): boolean {
    return this.#expected !== undefined && sequence > this.#expected;
  }

  /** Of any batch whose turn it is, live or replayed. After `gap` nothing has been taken. */
  place(sequence: number): Place {
    if (this.#expected === undefined || sequence === this.#expected) {
      this.#expected = sequence + 1;
      return "next";
    }
    return sequence < this.#expected ? "known" : "gap";
  }

  /** All up to `sequence` is known, there being nothing: one before it is not missed, one after it shows a gap. */
  expect(sequence: number): void {
    this.#expected ??= sequence;
  }

  /** Whatever comes next is taken: what lies between is lost, or was never wanted. */
  resume(): void {
    this.#expected = undefined;
  }

  /** From nothing: a new connection, or a new life of the engine. */
  reset(): void {
    this.#expected = undefined;
    this.#lastLive = -1;
  }
}
