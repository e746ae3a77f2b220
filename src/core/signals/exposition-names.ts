/**
 * Which series of a metrics page are wanted: a trie over the bytes of their names, built once and shared by all readers.
 *
 * A line whose name is not wanted is known within the few bytes it shares with one that is, which is what makes a page
 * of thousands of lines cheap. Names are ASCII (letters, digits, `_`, `:`); anything else is a bug of the table and throws.
 * A name's number is its index in the list given.
 */

/** No such name. */
export const NOT_WANTED = -1;
/** The bytes end inside what may still become a wanted name. */
export const UNDECIDED = -2;

const ALPHABET = 128;

export class WantedNames {
  readonly names: readonly string[];
  /** Of node n and byte b, at `n * 128 + b`: the next node; 0: none, since nothing leads back to the root. */
  readonly #next: Int16Array;
  /** Of node n: the name that ends there, or NOT_WANTED. */
  readonly #ends: Int16Array;

  constructor(names: readonly string[]) {
    this.names = names;
    const nodes = names.reduce((sum, name) => sum + name.length, 1);
    if (nodes > 32_767) throw new Error("too many names for one table");
    this.#next = new Int16Array(nodes * ALPHABET);
    this.#ends = new Int16Array(nodes).fill(NOT_WANTED);
    let count = 1;
    for (const [number, name] of names.entries()) {
      if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) throw new Error(`not a metric name: ${name}`);
      let node = 0;
      for (let i = 0; i < name.length; i++) {
        const place = node * ALPHABET + name.charCodeAt(i);
        if (this.#next[place] === 0) this.#next[place] = count++;
        node = this.#next[place]!;
      }
      if (this.#ends[node] !== NOT_WANTED) throw new Error(`named twice: ${name}`);
      this.#ends[node] = number;
    }
  }

  /**
   * The number of the wanted name that stands at `start`, whole; NOT_WANTED; or UNDECIDED where `end` comes too early
   * to tell.
   */
  find(bytes: Uint8Array, start: number, end: number): number {
    let node = 0;
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      const next = byte < ALPHABET ? this.#next[node * ALPHABET + byte]! : 0;
      if (next === 0) return isNameByte(byte) ? NOT_WANTED : this.#ends[node]!;
      node = next;
    }
    return UNDECIDED;
  }

  /** Bytes of a name. */
  length(name: number): number {
    return this.names[name]!.length;
  }
}

function isNameByte(byte: number): boolean {
  return (
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x30 && byte <= 0x3a) ||
    byte === 0x5f
  );
}
