/**
 * 64 bits of bytes of any number, for parts of a prompt that are not text: an image of a megabyte must change what
 * follows it, but is no megabyte of prompt.
 */
import { chain, createLanes, hashWords, type Lanes } from "./block-hash.ts";

const PIECE_BYTES = 256;

export class ByteDigest {
  readonly #piece = new Uint8Array(PIECE_BYTES);
  readonly #words = new Int32Array(this.#piece.buffer);
  readonly #lanes = createLanes();
  readonly #state = createLanes();
  #filled = 0;

  reset(): void {
    this.#state.fill(0);
    this.#filled = 0;
  }

  run(bytes: Uint8Array, start: number, end: number): void {
    const piece = this.#piece;
    for (let at = start; at < end;) {
      const stop = Math.min(end, at + PIECE_BYTES - this.#filled);
      let filled = this.#filled;
      for (; at < stop; at++) piece[filled++] = bytes[at]!;
      this.#filled = filled;
      if (filled === PIECE_BYTES) this.#seal();
    }
  }

  /** Valid until the next call. */
  finish(): Lanes {
    this.#piece.fill(0, this.#filled);
    this.#seal();
    return this.#state;
  }

  #seal(): void {
    hashWords(this.#words, PIECE_BYTES >>> 2, this.#filled, this.#lanes);
    chain(this.#state, this.#lanes[0]!, this.#lanes[1]!);
    this.#filled = 0;
  }
}
