/**
 * The field section of a message: where each field stands in the buffer, and which of them the proxy must know.
 *
 * Nothing is copied: a field is four offsets and a kind, valid while the buffer is. Strict as RFC 9112 section 5
 * allows: no white space before the colon, no line folding, no bare CR or LF, no control characters.
 * One table is reused for message after message, so parsing allocates nothing.
 */
import { COLON, CR, FIELD_VALUE, HTAB, LF, SP, TOKEN, equalsIgnoreCase } from "./grammar.ts";

/** Fields that the proxy reads or must not pass on; everything else is `OTHER` and passes as it is. */
export const FieldKind = {
  OTHER: 0,
  HOST: 1,
  CONTENT_LENGTH: 2,
  TRANSFER_ENCODING: 3,
  CONNECTION: 4,
  UPGRADE: 5,
  EXPECT: 6,
  KEEP_ALIVE: 7,
  /** Meant for this hop only, or dangerous to pass on: TE, Proxy-Connection, HTTP2-Settings, Proxy. */
  HOP: 8,
  FORWARDED_FOR: 9,
  FORWARDED_PROTO: 10,
  FORWARDED_HOST: 11,
  REQUEST_ID: 12,
  /** Named by a Connection field of this message. */
  NOMINATED: 13,
} as const;

/** Results of parsing besides "the index after the section", which is always positive. */
export const NEEDS_MORE = 0;
export const MALFORMED = -1;
export const TOO_LARGE = -2;

/** Fields in one section; the table's size and the limit a user sees are the same number. */
export const FIELD_COUNT_MAX = 128;

export class FieldTable {
  count = 0;
  /** What was wrong, for the log, after MALFORMED. */
  fault = "";
  readonly nameAt: Int32Array = new Int32Array(FIELD_COUNT_MAX);
  readonly nameEnd: Int32Array = new Int32Array(FIELD_COUNT_MAX);
  readonly valueAt: Int32Array = new Int32Array(FIELD_COUNT_MAX);
  readonly valueEnd: Int32Array = new Int32Array(FIELD_COUNT_MAX);
  /** The index after the line's CRLF. */
  readonly lineEnd: Int32Array = new Int32Array(FIELD_COUNT_MAX);
  readonly kind: Uint8Array = new Uint8Array(FIELD_COUNT_MAX);

  /** Reads from the first field line to the empty line; returns the index after it, or a result above. */
  parse(buffer: Uint8Array, start: number, end: number): number {
    this.count = 0;
    let i = start;
    for (;;) {
      if (i >= end) return NEEDS_MORE;
      if (buffer[i] === CR) {
        if (i + 1 >= end) return NEEDS_MORE;
        return buffer[i + 1] === LF ? i + 2 : this.#malformed("bare CR");
      }
      if (this.count === FIELD_COUNT_MAX) return TOO_LARGE;
      i = this.#parseLine(buffer, i, end);
      if (i <= 0) return i;
    }
  }

  #parseLine(buffer: Uint8Array, start: number, end: number): number {
    let i = start;
    while (i < end && TOKEN[buffer[i]!] === 1) i++;
    if (i === end) return NEEDS_MORE;
    if (buffer[i] !== COLON || i === start) return this.#malformed(nameFault(buffer[i]!, i === start));
    const nameEnd = i++;
    while (i < end && (buffer[i] === SP || buffer[i] === HTAB)) i++;
    const valueAt = i;
    while (i < end && FIELD_VALUE[buffer[i]!] === 1) i++;
    if (i + 1 >= end) {
      if (i < end && buffer[i] !== CR) return this.#malformed("control character in a field value");
      return NEEDS_MORE;
    }
    if (buffer[i] !== CR) return this.#malformed("control character in a field value");
    if (buffer[i + 1] !== LF) return this.#malformed("bare CR in a field value");
    let valueEnd = i;
    while (valueEnd > valueAt && (buffer[valueEnd - 1] === SP || buffer[valueEnd - 1] === HTAB)) valueEnd--;
    const index = this.count++;
    this.nameAt[index] = start;
    this.nameEnd[index] = nameEnd;
    this.valueAt[index] = valueAt;
    this.valueEnd[index] = valueEnd;
    this.lineEnd[index] = i + 2;
    this.kind[index] = kindOf(buffer, start, nameEnd);
    return i + 2;
  }

  #malformed(fault: string): number {
    this.fault = fault;
    return MALFORMED;
  }

  lineStart(index: number): number {
    return this.nameAt[index]!;
  }

  value(buffer: Buffer, index: number): string {
    return buffer.toString("latin1", this.valueAt[index]!, this.valueEnd[index]!);
  }

  /** The values of every field of that lower-case name, joined as RFC 9110 section 5.3 says; undefined if none. */
  joined(buffer: Buffer, name: string): string | undefined {
    let joined: string | undefined;
    for (let i = 0; i < this.count; i++) {
      if (!equalsIgnoreCase(buffer, this.nameAt[i]!, this.nameEnd[i]!, name)) continue;
      const value = this.value(buffer, i);
      joined = joined === undefined ? value : `${joined}, ${value}`;
    }
    return joined;
  }
}

function nameFault(byte: number, empty: boolean): string {
  if (byte === SP || byte === HTAB) return empty ? "line folding" : "white space before the colon";
  if (byte === LF) return "bare LF";
  return empty ? "empty field name" : "bad character in a field name";
}

function kindOf(buffer: Uint8Array, start: number, end: number): number {
  // By length first: most fields are told apart from all known ones by this alone.
  switch (end - start) {
    case 2:
      return equalsIgnoreCase(buffer, start, end, "te") ? FieldKind.HOP : FieldKind.OTHER;
    case 4:
      return equalsIgnoreCase(buffer, start, end, "host") ? FieldKind.HOST : FieldKind.OTHER;
    case 5:
      return equalsIgnoreCase(buffer, start, end, "proxy") ? FieldKind.HOP : FieldKind.OTHER;
    case 6:
      return equalsIgnoreCase(buffer, start, end, "expect") ? FieldKind.EXPECT : FieldKind.OTHER;
    case 7:
      return equalsIgnoreCase(buffer, start, end, "upgrade") ? FieldKind.UPGRADE : FieldKind.OTHER;
    case 10:
      if (equalsIgnoreCase(buffer, start, end, "connection")) return FieldKind.CONNECTION;
      return equalsIgnoreCase(buffer, start, end, "keep-alive") ? FieldKind.KEEP_ALIVE : FieldKind.OTHER;
    case 12:
      return equalsIgnoreCase(buffer, start, end, "x-request-id") ? FieldKind.REQUEST_ID : FieldKind.OTHER;
    case 14:
      if (equalsIgnoreCase(buffer, start, end, "content-length")) return FieldKind.CONTENT_LENGTH;
      // The digit is outside equalsIgnoreCase's alphabet, but 0x32 | 0x20 is still 0x32.
      return equalsIgnoreCase(buffer, start, end, "http2-settings") ? FieldKind.HOP : FieldKind.OTHER;
    case 15:
      return equalsIgnoreCase(buffer, start, end, "x-forwarded-for")
        ? FieldKind.FORWARDED_FOR
        : FieldKind.OTHER;
    case 16:
      if (equalsIgnoreCase(buffer, start, end, "x-forwarded-host")) return FieldKind.FORWARDED_HOST;
      return equalsIgnoreCase(buffer, start, end, "proxy-connection") ? FieldKind.HOP : FieldKind.OTHER;
    case 17:
      if (equalsIgnoreCase(buffer, start, end, "transfer-encoding")) return FieldKind.TRANSFER_ENCODING;
      return equalsIgnoreCase(buffer, start, end, "x-forwarded-proto")
        ? FieldKind.FORWARDED_PROTO
        : FieldKind.OTHER;
    default:
      return FieldKind.OTHER;
  }
}
