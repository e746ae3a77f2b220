/**
 * How many attempts beyond the first a pool may have under way at a time (Envoy's max_retries circuit breaker), hedges
 * included. The budget bounds their share of the traffic; this bounds their number while each of them hangs.
 *
 * Invariant: 0 <= underWay; every `begin` is followed by one `end`.
 */
export class RetryConcurrency {
  #underWay = 0;

  get underWay(): number {
    return this.#underWay;
  }

  /** `most` undefined: no limit. */
  hasRoom(most: number | undefined): boolean {
    return most === undefined || this.#underWay < most;
  }

  begin(): void {
    this.#underWay++;
  }

  end(): void {
    if (this.#underWay === 0) throw new Error("a retry ended that had not begun");
    this.#underWay--;
  }
}
