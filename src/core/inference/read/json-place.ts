/**
 * Where in a JSON document a scanner stands: the containers that are open, and the key or index taken in each.
 *
 * Keys are kept as decoded bytes in one array, the first KEY_BYTES_MAX of each; a longer one is known by its hash and
 * length, which is enough to tell it from the names that count. Nothing is allocated after construction but the text of
 * a path that somebody asks for.
 */

/** Deeper than any request in use (tool schemas reach about 20), and small enough that the state stays in cache. */
export const DEPTH_MAX = 64;
/** Longer than any name that is looked for. */
export const KEY_BYTES_MAX = 64;

/** Of a key's bytes: FNV-1a, the one of 32 bits. */
export const KEY_HASH_START = 0x811c9dc5 | 0;
export const KEY_HASH_FACTOR = 0x01000193;

export const OBJECT = 0;
export const ARRAY = 1;
export type ContainerKind = typeof OBJECT | typeof ARRAY;

export class JsonPlace {
  /** 0: no container is open. */
  depth = 0;
  /** Decoded bytes of all keys on the path; those of level d begin at d * KEY_BYTES_MAX. Level 1 is the outermost. */
  readonly keys = new Uint8Array((DEPTH_MAX + 1) * KEY_BYTES_MAX);
  /** Decoded bytes of the whole key, also where it is longer than what is kept. */
  readonly keyLengths = new Int32Array(DEPTH_MAX + 1);
  readonly #kinds = new Uint8Array(DEPTH_MAX + 1);
  readonly #indices = new Int32Array(DEPTH_MAX + 1);

  clear(): void {
    this.depth = 0;
  }

  /** False: too deep. */
  enter(kind: ContainerKind): boolean {
    if (this.depth === DEPTH_MAX) return false;
    this.depth++;
    this.#kinds[this.depth] = kind;
    this.#indices[this.depth] = 0;
    this.keyLengths[this.depth] = -1;
    return true;
  }

  leave(): void {
    this.depth--;
  }

  /** Of the innermost container; only asked while one is open. */
  get kind(): ContainerKind {
    return this.#kinds[this.depth] === ARRAY ? ARRAY : OBJECT;
  }

  /** The next element of the innermost array begins, or no key of the innermost object is known any more. */
  next(): void {
    this.#indices[this.depth]!++;
    this.keyLengths[this.depth] = -1;
  }

  /** As many elements of the innermost array are over. */
  skip(elements: number): void {
    this.#indices[this.depth]! += elements;
  }

  /** `messages[3].content[0].text`; keys that are not plain names are quoted. */
  text(): string {
    let path = "";
    for (let level = 1; level <= this.depth; level++) {
      if (this.#kinds[level] === ARRAY) path += `[${this.#indices[level]}]`;
      else {
        const key = this.#keyText(level);
        if (key === undefined) continue;
        if (/^[A-Za-z_$][\w$-]*$/.test(key)) path += path === "" ? key : `.${key}`;
        else path += `[${JSON.stringify(key)}]`;
      }
    }
    return path;
  }

  #keyText(level: number): string | undefined {
    const length = this.keyLengths[level]!;
    if (length < 0) return undefined;
    const start = level * KEY_BYTES_MAX;
    const kept = this.keys.subarray(start, start + Math.min(length, KEY_BYTES_MAX));
    const text = new TextDecoder().decode(kept);
    return length > KEY_BYTES_MAX ? `${text}…` : text;
  }
}
