/**
 * A strict JSON scanner (RFC 8259) over chunks of bytes that may be cut anywhere, without a tree and without text.
 *
 * It tells a visitor what it meets, in order, as it meets it; contents of strings come as runs of decoded UTF-8, most of
 * them views of the chunk itself. A lone surrogate escape, which JSON allows and UTF-8 has no form for, comes as the three
 * bytes it would have (WTF-8). Work is a few operations per byte, memory is fixed.
 *
 * Invariants: the same visits, but for where runs are cut, however the bytes are chunked; after the first fault nothing
 * is visited; a byte is read once. Agrees with JSON.parse on what is JSON, but for bytes that are not UTF-8 and depth.
 */
import {
  AFTER_VALUE,
  AT_END,
  BACKSLASH,
  BEFORE_COLON,
  BEFORE_FIRST_ELEMENT,
  BEFORE_FIRST_KEY,
  BEFORE_KEY,
  BEFORE_VALUE,
  ESCAPED,
  EXPECTED,
  FAILED,
  FOLLOWERS,
  HEX,
  IN_ESCAPE,
  IN_HEX,
  IN_LITERAL,
  IN_NUMBER,
  IN_STRING,
  PLAIN,
  QUOTE,
  SECOND_MAX,
  SECOND_MIN,
} from "./json-grammar.ts";
import { JsonNumber } from "./json-number.ts";
import { ARRAY, DEPTH_MAX, JsonPlace, KEY_BYTES_MAX, OBJECT, type ContainerKind } from "./json-place.ts";
import { writeCodePoint } from "./utf8.ts";

export type LiteralName = "true" | "false" | "null";

export interface JsonVisitor {
  /** The key of the value to come: `scanner.place` has its bytes. `hash`: of all its bytes, see name-table.ts. */
  key(hash: number): void;
  open(kind: ContainerKind): void;
  close(kind: ContainerKind): void;
  /** A string begins. True: its runs are wanted. */
  text(): boolean;
  run(bytes: Uint8Array, start: number, end: number): void;
  textEnd(): void;
  /** Valid during the call. */
  number(number: JsonNumber): void;
  literal(name: LiteralName): void;
}

export type JsonFaultKind = "bad-json" | "bad-text" | "too-deep";

/** FNV-1a, the one of 32 bits. */
export const KEY_HASH_START = 0x811c9dc5 | 0;
export const KEY_HASH_FACTOR = 0x01000193;

export class JsonScanner {
  readonly place = new JsonPlace();
  /** Of the byte that begins the token being visited (for `textEnd`, the one behind its end), from the first byte on. */
  offset = 0;
  faultKind: JsonFaultKind | undefined;
  faultExpected = "";
  readonly #visitor: JsonVisitor;
  readonly #scratch = new Uint8Array(4);
  readonly #number = new JsonNumber();
  #state = BEFORE_VALUE;
  /** The chunk's bytes, to be read four at a time; connections that share a buffer share it. */
  #view: DataView = new DataView(new ArrayBuffer(0));
  /** Of the chunk's byte 0. */
  #base = 0;
  #read = 0;
  #isKey = false;
  #isWanted = false;
  #keyHash = 0;
  /** Continuation bytes still to come, and the bounds of the next. */
  #need = 0;
  #min = 0;
  #max = 0;
  #hexDigits = 0;
  #unit = 0;
  /** A high surrogate that waits for its low one; 0: none. */
  #high = 0;
  #literal: LiteralName = "null";
  #literalAt = 0;

  constructor(visitor: JsonVisitor) {
    this.#visitor = visitor;
  }

  reset(): void {
    this.place.clear();
    this.offset = 0;
    this.faultKind = undefined;
    this.faultExpected = "";
    this.#state = BEFORE_VALUE;
    this.#read = 0;
    this.#need = 0;
    this.#high = 0;
  }

  /** One whole value has been read, and nothing but white space behind it. */
  get isComplete(): boolean {
    return this.#state === AT_END;
  }

  get hasFailed(): boolean {
    return this.#state === FAILED;
  }

  /** `offset` as an index into the chunk being fed; below its start where the token began in an earlier one. */
  get chunkOffset(): number {
    return this.offset - this.#base;
  }

  /** What would have to come next. */
  get expected(): string {
    if (this.#state >= IN_STRING) return "the end of the string";
    return EXPECTED[this.#state] ?? "the rest of the value";
  }

  /** For the visitor: ends the scan at this token. */
  stop(): void {
    this.#state = FAILED;
  }

  /** False: it has failed, now or before. */
  feed(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#state === FAILED) return false;
    const { buffer, byteOffset, byteLength } = bytes;
    const view = this.#view;
    if (view.buffer !== buffer || view.byteOffset !== byteOffset || view.byteLength !== byteLength) {
      this.#view = new DataView(buffer, byteOffset, byteLength);
    }
    this.#base = this.#read - start;
    this.#read += end - start;
    for (let at = start; at < end;) {
      const state = this.#state;
      if (state === IN_STRING)
        at = this.#isKey ? this.#keyPart(bytes, at, end) : this.#textPart(bytes, at, end);
      else if (state === IN_NUMBER) at = this.#numberPart(bytes, at, end);
      else if (state < FAILED) at = this.#structure(bytes, at, end);
      else if (state === IN_ESCAPE) this.#escape(bytes[at]!, at++);
      else if (state === IN_HEX) this.#hex(bytes[at]!, at++);
      else if (state === IN_LITERAL) this.#literalPart(bytes[at]!, at++);
      else return false;
    }
    return this.#state !== FAILED;
  }

  #fail(kind: JsonFaultKind, at: number, expected: string): number {
    this.#state = FAILED;
    this.faultKind = kind;
    this.faultExpected = expected;
    this.offset = this.#base + at;
    return at + 1;
  }

  /** White space and punctuation, up to the first byte of a token. */
  #structure(bytes: Uint8Array, from: number, end: number): number {
    const { place } = this;
    for (let at = from; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) continue;
      const state = this.#state;
      switch (byte) {
        case QUOTE:
          return this.#openString(at, state);
        case 0x3a: // :
          if (state !== BEFORE_COLON) return this.#fail("bad-json", at, this.expected);
          this.#state = BEFORE_VALUE;
          break;
        case 0x2c: // ,
          if (state !== AFTER_VALUE) return this.#fail("bad-json", at, this.expected);
          place.next();
          this.#state = place.kind === ARRAY ? BEFORE_VALUE : BEFORE_KEY;
          break;
        case 0x7b: // {
        case 0x5b: // [
          if (state > BEFORE_FIRST_ELEMENT) return this.#fail("bad-json", at, this.expected);
          this.#open(byte === 0x5b ? ARRAY : OBJECT, at);
          break;
        case 0x7d: // }
          if (!(state === BEFORE_FIRST_KEY || (state === AFTER_VALUE && place.kind === OBJECT)))
            return this.#fail("bad-json", at, this.expected);
          this.#close(OBJECT, at);
          break;
        case 0x5d: // ]
          if (!(state === BEFORE_FIRST_ELEMENT || (state === AFTER_VALUE && place.kind === ARRAY)))
            return this.#fail("bad-json", at, this.expected);
          this.#close(ARRAY, at);
          break;
        default:
          if (state > BEFORE_FIRST_ELEMENT) return this.#fail("bad-json", at, this.expected);
          if (byte >= 0x31 && byte <= 0x39) {
            // What numbers are most of the time, without leaving the loop: there may be a hundred thousand token ids.
            const after = this.#number.readShort(bytes, at, end);
            if (after > at) {
              this.offset = this.#base + at;
              this.#ended();
              this.#visitor.number(this.#number);
              at = after - 1;
              break;
            }
          }
          return this.#openScalar(byte, at);
      }
      if (this.#state === FAILED) return at + 1;
    }
    return end;
  }

  #open(kind: ContainerKind, at: number): void {
    this.offset = this.#base + at;
    this.#state = kind === ARRAY ? BEFORE_FIRST_ELEMENT : BEFORE_FIRST_KEY;
    this.#visitor.open(kind);
    if (this.#state === FAILED) return;
    if (!this.place.enter(kind)) this.#fail("too-deep", at, `at most ${DEPTH_MAX} levels`);
  }

  #close(kind: ContainerKind, at: number): void {
    this.offset = this.#base + at;
    this.place.leave();
    this.#ended();
    this.#visitor.close(kind);
  }

  #ended(): void {
    this.#state = this.place.depth === 0 ? AT_END : AFTER_VALUE;
  }

  #openString(at: number, state: number): number {
    this.offset = this.#base + at;
    if (state <= BEFORE_FIRST_ELEMENT) {
      this.#isKey = false;
      this.#state = IN_STRING;
      this.#isWanted = this.#visitor.text();
    } else if (state === BEFORE_KEY || state === BEFORE_FIRST_KEY) {
      this.#isKey = true;
      this.#state = IN_STRING;
      this.#keyHash = KEY_HASH_START;
      this.place.keyLengths[this.place.depth] = 0;
    } else this.#fail("bad-json", at, this.expected);
    return at + 1;
  }

  #openScalar(byte: number, at: number): number {
    this.offset = this.#base + at;
    if (byte === 0x74 || byte === 0x66 || byte === 0x6e) {
      this.#literal = byte === 0x74 ? "true" : byte === 0x66 ? "false" : "null";
      this.#literalAt = 1;
      this.#state = IN_LITERAL;
      return at + 1;
    }
    if (!this.#number.begin(byte)) return this.#fail("bad-json", at, this.expected);
    this.#state = IN_NUMBER;
    return at + 1;
  }

  /** Value strings. */
  #textPart(bytes: Uint8Array, start: number, end: number): number {
    if (this.#high !== 0 && bytes[start] !== BACKSLASH) this.#putCodePoint(this.#takeHigh());
    const isWanted = this.#isWanted;
    const plain = PLAIN;
    const view = this.#view;
    let from = start;
    let at = start;
    if (this.#need > 0) {
      at = this.#continuation(bytes, at, end);
      if (this.#state === FAILED) return at;
    }
    while (at < end) {
      const byte = bytes[at]!;
      if (plain[byte] === 1) at = afterPlain(view, at + 1, end);
      else if (byte >= 0x80) {
        at = this.#lead(bytes, at, end);
        if (this.#state === FAILED) return at;
      } else {
        if (isWanted && at > from) this.#visitor.run(bytes, from, at);
        if (byte === BACKSLASH && this.#high === 0 && at + 1 < end && ESCAPED[bytes[at + 1]!] !== 0) {
          // What escapes are most of the time, without leaving the loop.
          if (isWanted) this.#visitor.run(ESCAPED, bytes[at + 1]!, bytes[at + 1]! + 1);
          at += 2;
          from = at;
          continue;
        }
        if (byte === QUOTE) {
          this.#ended();
          this.offset = this.#base + at + 1;
          this.#visitor.textEnd();
        } else if (byte === BACKSLASH) this.#state = IN_ESCAPE;
        else this.#fail("bad-text", at, "no control character");
        return at + 1;
      }
    }
    if (isWanted && at > from) this.#visitor.run(bytes, from, at);
    return at;
  }

  #keyPart(bytes: Uint8Array, from: number, end: number): number {
    if (this.#high !== 0 && bytes[from] !== BACKSLASH) this.#putCodePoint(this.#takeHigh());
    const plain = PLAIN;
    let at = from;
    if (this.#need > 0) {
      at = this.#continuation(bytes, at, end);
      if (this.#state === FAILED) return at;
    }
    while (at < end) {
      const byte = bytes[at]!;
      if (plain[byte] === 1) at++;
      else if (byte >= 0x80) {
        at = this.#lead(bytes, at, end);
        if (this.#state === FAILED) return at;
      } else {
        this.#putKey(bytes, from, at);
        if (byte === QUOTE) {
          this.#state = BEFORE_COLON;
          this.#visitor.key(this.#keyHash);
        } else if (byte === BACKSLASH) this.#state = IN_ESCAPE;
        else this.#fail("bad-text", at, "no control character");
        return at + 1;
      }
    }
    this.#putKey(bytes, from, at);
    return at;
  }

  #putKey(bytes: Uint8Array, start: number, end: number): void {
    const { place } = this;
    const first = place.depth * KEY_BYTES_MAX;
    let length = place.keyLengths[place.depth]!;
    let hash = this.#keyHash;
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      if (length < KEY_BYTES_MAX) place.keys[first + length] = byte;
      length++;
      hash = Math.imul(hash ^ byte, KEY_HASH_FACTOR);
    }
    place.keyLengths[place.depth] = length;
    this.#keyHash = hash;
  }

  /** A character beyond ASCII, or as much of it as the chunk has. */
  #lead(bytes: Uint8Array, at: number, end: number): number {
    const byte = bytes[at]!;
    if (byte >= 0xe1 && byte <= 0xec && at + 2 < end) {
      // Most characters of three bytes, where the two that follow have the usual bounds.
      if ((bytes[at + 1]! & 0xc0) === 0x80 && (bytes[at + 2]! & 0xc0) === 0x80) return at + 3;
    }
    this.#need = FOLLOWERS[byte]!;
    if (this.#need === 0) return this.#fail("bad-text", at, "UTF-8");
    this.#min = SECOND_MIN[byte]!;
    this.#max = SECOND_MAX[byte]!;
    return this.#continuation(bytes, at + 1, end);
  }

  #continuation(bytes: Uint8Array, from: number, end: number): number {
    let at = from;
    let need = this.#need;
    let min = this.#min;
    let max = this.#max;
    while (need > 0 && at < end) {
      const byte = bytes[at]!;
      if (byte < min || byte > max) return this.#fail("bad-text", at, "UTF-8");
      min = 0x80;
      max = 0xbf;
      need--;
      at++;
    }
    this.#need = need;
    this.#min = min;
    this.#max = max;
    return at;
  }

  #escape(byte: number, at: number): void {
    if (byte === 0x75) {
      this.#hexDigits = 0;
      this.#unit = 0;
      this.#state = IN_HEX;
      return;
    }
    const code = ESCAPED[byte]!;
    if (code === 0) {
      this.#fail("bad-text", at, 'one of the escapes \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u');
      return;
    }
    this.#state = IN_STRING;
    if (this.#high !== 0) this.#putCodePoint(this.#takeHigh());
    this.#putCodePoint(code);
  }

  #hex(byte: number, at: number): void {
    const digit = HEX[byte]!;
    if (digit === 255) {
      this.#fail("bad-text", at, "four hexadecimal digits after \\u");
      return;
    }
    this.#unit = (this.#unit << 4) | digit;
    if (++this.#hexDigits < 4) return;
    const unit = this.#unit;
    this.#state = IN_STRING;
    const high = this.#takeHigh();
    if (high !== 0 && unit >= 0xdc00 && unit < 0xe000) {
      this.#putCodePoint(0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00));
      return;
    }
    if (high !== 0) this.#putCodePoint(high);
    if (unit >= 0xd800 && unit < 0xdc00) this.#high = unit;
    else this.#putCodePoint(unit);
  }

  #takeHigh(): number {
    const high = this.#high;
    this.#high = 0;
    return high;
  }

  #putCodePoint(code: number): void {
    const length = writeCodePoint(this.#scratch, code);
    if (this.#isKey) this.#putKey(this.#scratch, 0, length);
    else if (this.#isWanted) this.#visitor.run(this.#scratch, 0, length);
  }

  #numberPart(bytes: Uint8Array, from: number, end: number): number {
    const number = this.#number;
    const at = number.read(bytes, from, end);
    if (at === end) return end;
    if (!number.isWhole) return this.#fail("bad-json", at, "a digit");
    this.#ended();
    this.#visitor.number(number);
    return at;
  }

  #literalPart(byte: number, at: number): void {
    const name = this.#literal;
    if (byte !== name.charCodeAt(this.#literalAt)) {
      this.#fail("bad-json", at, name);
      return;
    }
    if (++this.#literalAt < name.length) return;
    this.#ended();
    this.#visitor.literal(name);
  }
}

/**
 * The first of the four bytes in which something ends a plain run, or where fewer than four are left. Exact, since all
 * bytes before it are plain: below 0x80, a subtraction reaches a byte's top bit only from below the constant.
 */
function afterPlain(view: DataView, from: number, end: number): number {
  let at = from;
  for (; at + 4 <= end; at += 4) {
    const word = view.getInt32(at, true);
    const quotes = (word ^ 0x22222222) - 0x01010101;
    const backslashes = (word ^ 0x5c5c5c5c) - 0x01010101;
    if (((word | quotes | backslashes | (word - 0x20202020)) & 0x80808080) !== 0) break;
  }
  return at;
}
