/**
 * A strict JSON scanner (RFC 8259) over chunks of bytes that may be cut anywhere, without a tree and without text.
 *
 * It tells a visitor what it meets, as it meets it; contents of strings come as runs of decoded UTF-8, most of them views
 * of the chunk itself. A lone surrogate escape, which JSON allows and UTF-8 has no form for, comes as WTF-8.
 *
 * Invariants: the same visits, but for where runs are cut, however the bytes are chunked; after the first fault nothing
 * is visited; memory is fixed. Agrees with JSON.parse on what is JSON, but for bytes that are not UTF-8 and depth.
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
  IN_ESCAPE,
  IN_HEX,
  IN_LITERAL,
  IN_NUMBER,
  IN_STRING,
  PLAIN,
  QUOTE,
} from "./json-grammar.ts";
import { IntegerList } from "./integer-list.ts";
import { JsonLiteral } from "./json-literal.ts";
import { JsonNumber } from "./json-number.ts";
import {
  ARRAY,
  DEPTH_MAX,
  JsonPlace,
  KEY_BYTES_MAX,
  KEY_HASH_FACTOR,
  KEY_HASH_START,
  OBJECT,
  type ContainerKind,
} from "./json-place.ts";
import type { JsonFaultKind, JsonVisitor } from "./json-visitor.ts";
import { afterPlain } from "./plain-run.ts";
import { NO_CODE, UnicodeEscape } from "./unicode-escape.ts";
import { Utf8Check } from "./utf8-check.ts";
import { writeCodePoint } from "./utf8.ts";

export class JsonScanner {
  readonly place = new JsonPlace();
  /** Of the byte that begins the token being visited (for `textEnd`, the one behind its end), from the first byte on. */
  offset = 0;
  faultKind: JsonFaultKind | undefined;
  faultExpected = "";
  readonly #visitor: JsonVisitor;
  readonly #scratch = new Uint8Array(4);
  readonly #number = new JsonNumber();
  readonly #literal = new JsonLiteral();
  readonly #list = new IntegerList();
  readonly #utf8 = new Utf8Check();
  readonly #unicode = new UnicodeEscape();
  #state = BEFORE_VALUE;
  /** The chunk's bytes, to be read four at a time; connections that share a buffer share it. */
  #view: DataView = new DataView(new ArrayBuffer(0));
  /** Of the chunk's byte 0. */
  #base = 0;
  #read = 0;
  #isKey = false;
  #isWanted = false;
  #keyHash = 0;

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
    this.#utf8.reset();
    this.#unicode.reset();
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
      if (state === IN_STRING) at = this.#textPart(bytes, at, end);
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
          at = this.#openString(bytes, at, end, state) - 1;
          if (this.#state >= FAILED) return at + 1;
          break;
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
        case 0x5d: // ]
          this.#close(byte === 0x5d ? ARRAY : OBJECT, at);
          break;
        default:
          if (state > BEFORE_FIRST_ELEMENT) return this.#fail("bad-json", at, this.expected);
          if (byte >= 0x31 && byte <= 0x39) {
            // What numbers are most of the time, without leaving the loop.
            const after = this.#integer(bytes, at, end);
            if (after > at) {
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
    const atOnce = kind === ARRAY ? BEFORE_FIRST_ELEMENT : BEFORE_FIRST_KEY;
    if (this.#state !== atOnce && !(this.#state === AFTER_VALUE && this.place.kind === kind)) {
      this.#fail("bad-json", at, this.expected);
      return;
    }
    this.offset = this.#base + at;
    this.place.leave();
    this.#ended();
    this.#visitor.close(kind);
  }

  #ended(): void {
    this.#state = this.place.depth === 0 ? AT_END : AFTER_VALUE;
  }

  #openString(bytes: Uint8Array, at: number, end: number, state: number): number {
    this.offset = this.#base + at;
    if (state <= BEFORE_FIRST_ELEMENT) {
      this.#isKey = false;
      this.#state = IN_STRING;
      this.#isWanted = this.#visitor.text();
      return this.#state === IN_STRING && at + 1 < end ? this.#textPart(bytes, at + 1, end) : at + 1;
    }
    if (state !== BEFORE_KEY && state !== BEFORE_FIRST_KEY) return this.#fail("bad-json", at, this.expected);
    const after = this.#plainKey(bytes, at + 1, end);
    if (after > at + 1) return after;
    this.#isKey = true;
    this.#state = IN_STRING;
    this.#keyHash = KEY_HASH_START;
    this.place.keyLengths[this.place.depth] = 0;
    return at + 1;
  }

  /** A key that is kept whole, has no escape and no character beyond ASCII and ends in sight; otherwise `start`. */
  #plainKey(bytes: Uint8Array, start: number, end: number): number {
    const { keys, depth } = this.place;
    const first = depth * KEY_BYTES_MAX - start;
    const stop = Math.min(end, start + KEY_BYTES_MAX);
    let hash = KEY_HASH_START;
    let at = start;
    for (; at < stop; at++) {
      const byte = bytes[at]!;
      if (PLAIN[byte] !== 1) break;
      keys[first + at] = byte;
      hash = Math.imul(hash ^ byte, KEY_HASH_FACTOR);
    }
    if (at >= stop || bytes[at] !== QUOTE) return start;
    this.place.keyLengths[depth] = at - start;
    this.#state = BEFORE_COLON;
    this.#visitor.key(hash);
    return at + 1;
  }

  /** Plain integers from `at` on; `at` where there is none whose end is in sight. */
  #integer(bytes: Uint8Array, at: number, end: number): number {
    if (this.#visitor.wantsIntegers && this.place.kind === ARRAY) {
      const list = this.#list;
      const after = list.read(bytes, at, end);
      if (after > at) {
        this.place.skip(list.count);
        this.#visitor.integers(list.values, list.count);
        this.#state = BEFORE_VALUE;
        return after;
      }
    }
    const after = this.#number.readShort(bytes, at, end);
    if (after > at) {
      this.offset = this.#base + at;
      this.#ended();
      this.#visitor.number(this.#number);
    }
    return after;
  }

  #openScalar(byte: number, at: number): number {
    this.offset = this.#base + at;
    if (this.#literal.begin(byte)) this.#state = IN_LITERAL;
    else if (this.#number.begin(byte)) this.#state = IN_NUMBER;
    else return this.#fail("bad-json", at, this.expected);
    return at + 1;
  }

  /** Inside a string, up to its end, an escape or the end of the chunk. */
  #textPart(bytes: Uint8Array, start: number, end: number): number {
    const unicode = this.#unicode;
    if (unicode.isWaiting && bytes[start] !== BACKSLASH) this.#putCodePoint(unicode.takeHigh());
    const plain = PLAIN;
    const view = this.#view;
    let from = start;
    let at = start;
    if (this.#utf8.isInside) at = this.#utf8.rest(bytes, at, end);
    // Below 0: the wrong byte of what is not UTF-8.
    while (at < end) {
      if (at < 0) return this.#fail("bad-text", ~at, "UTF-8");
      const byte = bytes[at]!;
      if (plain[byte] === 1) at = afterPlain(view, at + 1, end);
      else if (byte >= 0x80) at = this.#utf8.character(bytes, at, end);
      else {
        this.#put(bytes, from, at);
        if (byte === QUOTE) return this.#closeString(at);
        if (byte !== BACKSLASH) return this.#fail("bad-text", at, "no control character");
        const escaped = at + 1 < end && !unicode.isWaiting ? bytes[at + 1]! : 0;
        if (ESCAPED[escaped] === 0) {
          this.#state = IN_ESCAPE;
          return at + 1;
        }
        // What escapes are most of the time, without leaving the loop.
        this.#put(ESCAPED, escaped, escaped + 1);
        at += 2;
        from = at;
      }
    }
    this.#put(bytes, from, at);
    return at;
  }

  #closeString(at: number): number {
    if (this.#isKey) {
      this.#state = BEFORE_COLON;
      this.#visitor.key(this.#keyHash);
    } else {
      this.#ended();
      this.offset = this.#base + at + 1;
      this.#visitor.textEnd();
    }
    return at + 1;
  }

  /** Decoded bytes of the string. */
  #put(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    if (this.#isKey) this.#putKey(bytes, start, end);
    else if (this.#isWanted) this.#visitor.run(bytes, start, end);
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

  #escape(byte: number, at: number): void {
    if (byte === 0x75) {
      this.#unicode.begin();
      this.#state = IN_HEX;
      return;
    }
    const code = ESCAPED[byte]!;
    if (code === 0) {
      this.#fail("bad-text", at, 'one of the escapes \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u');
      return;
    }
    this.#state = IN_STRING;
    if (this.#unicode.isWaiting) this.#putCodePoint(this.#unicode.takeHigh());
    this.#putCodePoint(code);
  }

  #hex(byte: number, at: number): void {
    const unicode = this.#unicode;
    if (!unicode.digit(byte)) {
      this.#fail("bad-text", at, "four hexadecimal digits after \\u");
      return;
    }
    if (!unicode.isWhole) return;
    this.#state = IN_STRING;
    if (unicode.isSplit) this.#putCodePoint(unicode.takeHigh());
    const code = unicode.takeCode();
    if (code !== NO_CODE) this.#putCodePoint(code);
  }

  #putCodePoint(code: number): void {
    this.#put(this.#scratch, 0, writeCodePoint(this.#scratch, code));
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
    const literal = this.#literal;
    if (!literal.next(byte)) this.#fail("bad-json", at, literal.name);
    else if (literal.isWhole) {
      this.#ended();
      this.#visitor.literal(literal.name);
    }
  }
}
