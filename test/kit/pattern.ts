/**
 * A body whose every byte follows from its position, so that a huge transfer can be checked piece by piece
 * without keeping it: lost, doubled and swapped bytes all show.
 *
 * The period is a prime above any buffer's alignment (65,536 and its divisors), so a piece that slipped by a
 * whole buffer does not look right.
 */
const PERIOD = 65_537;

const CYCLE: Buffer = Buffer.alloc(PERIOD * 2);
for (let i = 0; i < CYCLE.length; i++) CYCLE[i] = ((i % PERIOD) * 31 + ((i % PERIOD) >> 8)) & 0xff;

/** Bytes `offset` to `offset + length` of the pattern. `length` is at most 65,537. */
export function patternAt(offset: number, length: number): Buffer {
  if (length > PERIOD) throw new RangeError(`pattern pieces are at most ${PERIOD} bytes`);
  const start = offset % PERIOD;
  return CYCLE.subarray(start, start + length);
}

/** Swallows a stream and fails at the first byte that is not the pattern's. */
export class PatternCheck {
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(piece: Buffer): void {
    for (let at = 0; at < piece.length; at += PERIOD) {
      const part = piece.subarray(at, at + PERIOD);
      if (!part.equals(patternAt(this.#bytes, part.length))) {
        throw new Error(
          `body differs from the pattern within ${part.length} bytes after byte ${this.#bytes}`,
        );
      }
      this.#bytes += part.length;
    }
  }
}
