/**
 * Which of a few known names a scanned key is: one look into a table by the hash the scanner made, then a comparison of
 * bytes, so that a hash that collides finds nothing wrong.
 */
import { KEY_BYTES_MAX, KEY_HASH_FACTOR, KEY_HASH_START, type JsonPlace } from "./json-place.ts";

/** No such name. */
export const UNKNOWN = -1;

export class NameTable {
  readonly names: readonly string[];
  readonly #bytes: readonly Uint8Array[];
  /** Index of a name by the low bits of its hash, probed linearly; a quarter full at most. */
  readonly #slots: Int16Array;
  readonly #mask: number;

  /** ASCII names, each once. */
  constructor(names: readonly string[]) {
    this.names = names;
    this.#bytes = names.map((name) => Uint8Array.from(name, (letter) => letter.charCodeAt(0)));
    let size = 16;
    while (size < names.length * 4) size *= 2;
    this.#mask = size - 1;
    this.#slots = new Int16Array(size).fill(UNKNOWN);
    for (const [index, bytes] of this.#bytes.entries()) {
      let slot = hashOfKey(bytes) & this.#mask;
      while (this.#slots[slot] !== UNKNOWN) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = index;
    }
  }

  /** Index of the innermost key of `place`, whose hash is `hash`; UNKNOWN where it is none of the names. */
  find(place: JsonPlace, hash: number): number {
    const { depth } = place;
    const length = place.keyLengths[depth]!;
    if (length > KEY_BYTES_MAX) return UNKNOWN;
    const start = depth * KEY_BYTES_MAX;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const index = this.#slots[slot]!;
      if (index === UNKNOWN) return UNKNOWN;
      const bytes = this.#bytes[index]!;
      if (bytes.length !== length) continue;
      let i = 0;
      while (i < length && bytes[i] === place.keys[start + i]) i++;
      if (i === length) return index;
    }
  }

  /** For building other tables by the same index. */
  indexOf(name: string): number {
    const index = this.names.indexOf(name);
    if (index < 0) throw new RangeError(`no such name: ${name}`);
    return index;
  }
}

function hashOfKey(bytes: Uint8Array): number {
  let hash = KEY_HASH_START;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, KEY_HASH_FACTOR);
  return hash;
}
