/**
 * Who waits for admission: those that were preempted, the last of them first, then those that arrived, in order.
 *
 * O(1) at both ends; taking somebody out of the middle is O(n) and rare (the client is gone).
 */
import type { Sequence } from "./sequence.ts";

/** So many places may stand empty at the front before the rest is moved up. */
const EMPTY_MAX = 64;

export class WaitingLine {
  /** The next one is at the end. */
  readonly #returned: Sequence[] = [];
  /** From #first on. */
  readonly #arrived: Sequence[] = [];
  #first = 0;

  get size(): number {
    return this.#returned.length + this.#arrived.length - this.#first;
  }

  push(sequence: Sequence): void {
    this.#arrived.push(sequence);
  }

  pushFront(sequence: Sequence): void {
    this.#returned.push(sequence);
  }

  peek(): Sequence | undefined {
    return this.#returned.at(-1) ?? this.#arrived[this.#first];
  }

  /** Only while there is one. */
  shift(): Sequence {
    const returned = this.#returned.pop();
    if (returned !== undefined) return returned;
    const sequence = this.#arrived[this.#first++]!;
    if (this.#first > EMPTY_MAX && this.#first * 2 > this.#arrived.length) {
      this.#arrived.splice(0, this.#first);
      this.#first = 0;
    }
    return sequence;
  }

  remove(sequence: Sequence): void {
    const place = this.#returned.indexOf(sequence);
    if (place >= 0) this.#returned.splice(place, 1);
    else this.#arrived.splice(this.#arrived.indexOf(sequence, this.#first), 1);
  }

  clear(): void {
    this.#returned.length = 0;
    this.#arrived.length = 0;
    this.#first = 0;
  }
}
