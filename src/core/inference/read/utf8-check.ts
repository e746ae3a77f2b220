/**
 * Whether bytes beyond ASCII are UTF-8, character by character, also where a chunk ends inside one.
 */
import { FOLLOWERS, SECOND_MAX, SECOND_MIN } from "./json-grammar.ts";

export class Utf8Check {
  /** Continuation bytes still to come. */
  #need = 0;
  /** Bounds of the next. */
  #min = 0;
  #max = 0;

  reset(): void {
    this.#need = 0;
  }

  get isInside(): boolean {
    return this.#need > 0;
  }

  /** A character that begins at `at`: the place behind it, or behind what the chunk has of it; ~place of a wrong byte. */
  character(bytes: Uint8Array, at: number, end: number): number {
    const byte = bytes[at]!;
    if (byte >= 0xe1 && byte <= 0xec && at + 2 < end) {
      // Most characters of three bytes, where the two that follow have the usual bounds.
      if ((bytes[at + 1]! & 0xc0) === 0x80 && (bytes[at + 2]! & 0xc0) === 0x80) return at + 3;
    }
    this.#need = FOLLOWERS[byte]!;
    if (this.#need === 0) return ~at;
    this.#min = SECOND_MIN[byte]!;
    this.#max = SECOND_MAX[byte]!;
    return this.rest(bytes, at + 1, end);
  }

  /** The rest of a character that an earlier chunk began. */
  rest(bytes: Uint8Array, from: number, end: number): number {
    let at = from;
    while (this.#need > 0 && at < end) {
      const byte = bytes[at]!;
      if (byte < this.#min || byte > this.#max) return ~at;
      this.#min = 0x80;
      this.#max = 0xbf;
      this.#need--;
      at++;
    }
    return at;
  }
}
