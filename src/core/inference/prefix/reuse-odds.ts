/**
 * How probable it is that a cached block that has not been used for so long is asked for again, the fleet's mean.
 *
 * From what became of blocks: used again at an age, or pushed out at one. Ages fall into octaves from FIRST_MS on; an octave's
 * hazard is the share of those that reached it and were used again within it. A block pushed out says only that it was not used until
 * then (Kaplan and Meier 1958). So
 *
 *     odds(age) = 1 - product over octaves from the age's on of (1 - used again in it / reached it)         in [0, 1]
 *
 * with straight lines between octaves. Ages nobody reached count as never used again, which PRIOR blocks that lasted for ever see to.
 *
 * Counts are in blocks and are halved each time there are MEMORY of them; the products follow each hundredth of what there is.
 */
const OCTAVES = 24;
const FIRST_MS = 64;
const MEMORY = 100_000;
const PRIOR = 16;

export class ReuseOdds {
  readonly #hits = new Float64Array(OCTAVES);
  readonly #gone = new Float64Array(OCTAVES);
  readonly #odds = new Float64Array(OCTAVES + 1);
  #sum = 0;
  #news = 0;

  /** Used again, after `idleMs`. */
  hit(idleMs: number, blocks: number): void {
    const octave = octaveOf(idleMs);
    this.#hits[octave] = this.#hits[octave]! + blocks;
    this.#count(blocks);
  }

  evicted(idleMs: number): void {
    const octave = octaveOf(idleMs);
    this.#gone[octave] = this.#gone[octave]! + 1;
    this.#count(1);
  }

  of(idleMs: number): number {
    if (idleMs === Number.POSITIVE_INFINITY) return 0;
    const place = Math.max(0, Math.log2(idleMs / FIRST_MS));
    const octave = Math.min(OCTAVES - 1, Math.floor(place));
    const part = Math.min(1, place - octave);
    return this.#odds[octave]! * (1 - part) + this.#odds[octave + 1]! * part;
  }

  #count(blocks: number): void {
    this.#sum += blocks;
    this.#news += blocks;
    if (this.#sum > MEMORY) {
      this.#sum /= 2;
      for (let i = 0; i < OCTAVES; i++) {
        this.#hits[i] = this.#hits[i]! / 2;
        this.#gone[i] = this.#gone[i]! / 2;
      }
    }
    if (this.#news * 100 < this.#sum) return;
    this.#news = 0;
    let reached = PRIOR;
    let never = 1;
    for (let i = OCTAVES - 1; i >= 0; i--) {
      reached += this.#hits[i]! + this.#gone[i]!;
      never *= 1 - this.#hits[i]! / reached;
      this.#odds[i] = 1 - never;
    }
  }
}

function octaveOf(idleMs: number): number {
  return idleMs < FIRST_MS ? 0 : Math.min(OCTAVES - 1, Math.floor(Math.log2(idleMs / FIRST_MS)));
}
