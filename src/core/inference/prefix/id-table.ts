/**
 * An open-addressing table of small integers ("ids"), without the keys: what an id stands for lies with the caller, who
 * finds and compares. Shared by the two tables of the prefix index.
 *
 * Linear probing at a load of at most one half, deletion by shifting back, so there are no tombstones and a look-up
 * ends at the first empty place. Nothing grows: the places are made once for the most ids there can be, and the
 * operating system gives memory only for those touched.
 *
 * Invariant: between an id's home and its place no place is empty.
 */
export const NO_ID = -1;

export class IdTable {
  /** The id plus one; 0: empty, as fresh memory is. */
  readonly places: Int32Array;
  readonly mask: number;
  /** By id: the well-mixed hash its home comes from. */
  readonly #hashOf: Int32Array;

  constructor(idsMax: number) {
    let size = 16;
    while (size < idsMax * 2) size *= 2;
    this.places = new Int32Array(size);
    this.mask = size - 1;
    this.#hashOf = new Int32Array(idsMax);
  }

  /** The id is not in the table. */
  add(id: number, hash: number): void {
    const { places, mask } = this;
    let place = hash & mask;
    while (places[place] !== 0) place = (place + 1) & mask;
    places[place] = id + 1;
    this.#hashOf[id] = hash;
  }

  /** The id is in the table. */
  remove(id: number): void {
    const { places, mask } = this;
    let hole = this.#hashOf[id]! & mask;
    while (places[hole] !== id + 1) hole = (hole + 1) & mask;
    let place = hole;
    for (;;) {
      place = (place + 1) & mask;
      const other = places[place]!;
      if (other === 0) break;
      const home = this.#hashOf[other - 1]! & mask;
      // It may fill the hole unless its home lies behind the hole, cyclically.
      if (((place - home) & mask) < ((place - hole) & mask)) continue;
      places[hole] = other;
      hole = place;
    }
    places[hole] = 0;
  }
}
