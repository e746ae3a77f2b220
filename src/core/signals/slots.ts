/**
 * Which slots are taken: hands out rows of the columns and takes them back.
 *
 * A slot is stable while its endpoint lives. A freed one is reused, lowest first in a fresh pool and last-freed
 * first afterwards, and its generation is raised when it is freed, so whatever still remembers the slot can
 * notice that somebody else lives there now.
 *
 * Invariant: a slot is either in the free list with state FREE, or out of it with another state, never both.
 */
import { FREE, growColumns, resetRow, type Columns } from "./columns.ts";

export class Slots {
  readonly #columns: Columns;
  readonly #free: number[] = [];
  /** Slots at and above this have never been taken. */
  #fresh = 0;

  constructor(columns: Columns) {
    this.#columns = columns;
  }

  /** A row as for an endpoint never seen, in the given state. May replace the columns' arrays. */
  take(state: number, nowMs: number): number {
    const slot = this.#free.pop() ?? this.#fresh++;
    if (slot >= this.#columns.capacity) growColumns(this.#columns);
    this.#columns.state[slot] = state;
    this.#columns.joinedMs[slot] = nowMs;
    return slot;
  }

  release(slot: number): void {
    const columns = this.#columns;
    if (columns.state[slot] === FREE) throw new Error(`slot ${slot} is already free`);
    if (columns.inFlight[slot] !== 0) throw new Error(`slot ${slot} still has requests in flight`);
    resetRow(columns, slot);
    columns.generation[slot] = columns.generation[slot]! + 1;
    this.#free.push(slot);
  }

  /** Every slot in use is below this. */
  get bound(): number {
    return this.#fresh;
  }
}
