/**
 * Reads MessagePack (github.com/msgpack/msgpack/blob/master/spec.md) as a cursor over bytes: one value after another, or past it.
 *
 * It builds nothing by itself: whoever reads knows what should come, asks for it, and skips what is of no interest. So a
 * hostile message costs no more than its length, however deep or long it claims to be. Every method throws Malformed where
 * something else stands there or the bytes end; nothing else is thrown.
 */

/** Arrays in arrays; the events have four. */
const DEPTH_MAX = 32;
const TWO_TO_32 = 4_294_967_296;
/** The low 21 bits of the upper half: with the lower half, 53 bits, which a double counts exactly. */
const UPPER_MASK = 0x1f_ffff;

export class Malformed extends Error {
  override readonly name = "Malformed";
}

export type Kind = "nil" | "boolean" | "integer" | "float" | "text" | "bytes" | "array" | "map" | "extension";

const decoder = new TextDecoder();

export class MessagePackCursor {
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;

  open(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
  }

  /** Of the value that comes next. */
  get kind(): Kind {
    const byte = this.#peek();
    if (byte <= 0x7f || byte >= 0xe0 || (byte >= 0xcc && byte <= 0xd3)) return "integer";
    if (byte <= 0x8f || byte >= 0xde) return "map";
    if (byte <= 0x9f || byte >= 0xdc) return "array";
    if (byte <= 0xbf || byte >= 0xd9) return "text";
    if (byte === 0xc0) return "nil";
    if (byte === 0xc2 || byte === 0xc3) return "boolean";
    if (byte >= 0xc4 && byte <= 0xc6) return "bytes";
    if (byte === 0xca || byte === 0xcb) return "float";
    if (byte === 0xc1) throw new Malformed("a byte that is never used");
    return "extension";
  }

  /** Past a nil, if one comes next. */
  nil(): boolean {
    if (this.#peek() !== 0xc0) return false;
    this.#at++;
    return true;
  }

  /** How many values follow as members. */
  array(): number {
    const byte = this.#byte();
    let count: number;
    if (byte >= 0x90 && byte <= 0x9f) count = byte & 0x0f;
    else if (byte === 0xdc) count = this.#uint(2);
    else if (byte === 0xdd) count = this.#uint(4);
    else throw new Malformed("an array was expected");
    return this.#credible(count);
  }

  /** How many pairs of values follow. */
  map(): number {
    const byte = this.#byte();
    let count: number;
    if (byte >= 0x80 && byte <= 0x8f) count = byte & 0x0f;
    else if (byte === 0xde) count = this.#uint(2);
    else if (byte === 0xdf) count = this.#uint(4);
    else throw new Malformed("a map was expected");
    return this.#credible(count * 2) / 2;
  }

  /** Also of bytes, which some encoders make of texts. */
  text(): string {
    const { start, end } = this.#raw();
    return decoder.decode(this.#bytes.subarray(start, end));
  }

  /** An integer or a float that is one; beyond 2^53 the nearest double. */
  number(): number {
    const byte = this.#byte();
    if (byte <= 0x7f) return byte;
    if (byte >= 0xe0) return byte - 256;
    switch (byte) {
      case 0xca:
        return this.#view.getFloat32(this.#take(4));
      case 0xcb:
        return this.#view.getFloat64(this.#take(8));
      case 0xcc:
        return this.#uint(1);
      case 0xcd:
        return this.#uint(2);
      case 0xce:
        return this.#uint(4);
      case 0xcf:
        return this.#uint(4) * TWO_TO_32 + this.#uint(4);
      case 0xd0:
        return this.#view.getInt8(this.#take(1));
      case 0xd1:
        return this.#view.getInt16(this.#take(2));
      case 0xd2:
        return this.#view.getInt32(this.#take(4));
      case 0xd3:
        return this.#view.getInt32(this.#take(4)) * TWO_TO_32 + this.#uint(4);
      default:
        throw new Malformed("a number was expected");
    }
  }

  /**
   * The low 53 bits of an integer (signed or not: two's complement), or of the last 8 bytes of a byte string: what both
   * encodings of a block's hash have in common.
   */
  hash(): number {
    const byte = this.#peek();
    if (byte === 0xcf || byte === 0xd3) {
      this.#at++;
      const upper = this.#uint(4);
      return (upper & UPPER_MASK) * TWO_TO_32 + this.#uint(4);
    }
    if (this.kind === "bytes" || this.kind === "text") {
      const { start, end } = this.#raw();
      let hash = 0;
      for (let at = Math.max(start, end - 8); at < end; at++) {
        // Upper bits beyond the 53rd fall off with each step.
        hash = (hash % (TWO_TO_32 * 0x2000)) * 256 + this.#bytes[at]!;
      }
      return hash;
    }
    const value = this.number();
    if (!Number.isSafeInteger(value)) throw new Malformed("a hash was expected");
    // A short negative number, sign-extended to 64 bits.
    return value >= 0 ? value : UPPER_MASK * TWO_TO_32 + (value + TWO_TO_32);
  }

  /** Past the next value, whatever it is. */
  skip(depth = 0): void {
    if (depth > DEPTH_MAX) throw new Malformed("too deep");
    switch (this.kind) {
      case "nil":
      case "boolean":
        this.#take(1);
        return;
      case "integer":
      case "float":
        this.number();
        return;
      case "text":
      case "bytes":
        this.#raw();
        return;
      case "array":
        for (let left = this.array(); left > 0; left--) this.skip(depth + 1);
        return;
      case "map":
        for (let left = this.map() * 2; left > 0; left--) this.skip(depth + 1);
        return;
      case "extension":
        this.#skipExtension();
    }
  }

  #skipExtension(): void {
    const byte = this.#byte();
    let size: number;
    if (byte >= 0xd4 && byte <= 0xd8) size = 1 << (byte - 0xd4);
    else size = this.#uint(1 << (byte - 0xc7));
    this.#take(size + 1);
  }

  #raw(): { readonly start: number; readonly end: number } {
    const byte = this.#byte();
    let size: number;
    if (byte >= 0xa0 && byte <= 0xbf) size = byte & 0x1f;
    else if (byte >= 0xd9 && byte <= 0xdb) size = this.#uint(1 << (byte - 0xd9));
    else if (byte >= 0xc4 && byte <= 0xc6) size = this.#uint(1 << (byte - 0xc4));
    else throw new Malformed("a text was expected");
    const start = this.#take(size);
    return { start, end: start + size };
  }

  /** Every member takes at least a byte: a count beyond what is left is a lie, and found out before any loop. */
  #credible(count: number): number {
    if (count > this.#bytes.length - this.#at) throw new Malformed("more members than bytes");
    return count;
  }

  #peek(): number {
    if (this.#at >= this.#bytes.length) throw new Malformed("cut short");
    return this.#bytes[this.#at]!;
  }

  #byte(): number {
    const byte = this.#peek();
    this.#at++;
    return byte;
  }

  /** Past `size` bytes; returns where they begin. */
  #take(size: number): number {
    const start = this.#at;
    if (size > this.#bytes.length - start) throw new Malformed("cut short");
    this.#at = start + size;
    return start;
  }

  /** Big-endian, of 1, 2 or 4 bytes. */
  #uint(size: number): number {
    const at = this.#take(size);
    if (size === 1) return this.#view.getUint8(at);
    return size === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }
}
