/**
 * The field section of a message: where each field stands in the buffer, and which of them the proxy must know.
 *
 * Nothing is copied: a field is four offsets and a kind, valid while the buffer is. Strict as RFC 9112 section 5
 * allows: no white space before the colon, no line folding, no bare CR or LF, no control characters.
 * One table is reused for message after message, so parsing allocates nothing.
 */
import { LOAD_HEADER, LOAD_HEADER_BINARY, LOAD_HEADER_JSON } from "../../../core/signals/orca.ts";
import { COLON, CR, FIELD_VALUE, HTAB, LF, SP, TOKEN, equalsIgnoreCase } from "./grammar.ts";

const DASH = 0x2d;
const FOLDED_UNDERSCORE = 0x5f | 0x20;

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
  /** Meant for this hop only, or dangerous to pass on: TE, Proxy-Connection, HTTP2-Settings, Proxy, Content_Length. */
  HOP: 8,
  FORWARDED_FOR: 9,
  FORWARDED_PROTO: 10,
  FORWARDED_HOST: 11,
  REQUEST_ID: 12,
  /** Named by a Connection field of this message. */
  NOMINATED: 13,
  /** An endpoint's report of its load (ORCA), meant for whoever balances. */
  LOAD: 14,
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
    return buffer.toString("latin1", this.valueAt[index], this.valueEnd[index]);
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
      return known(buffer, start, "te", FieldKind.HOP);
    case 4:
      return known(buffer, start, "host", FieldKind.HOST);
    case 5:
      return known(buffer, start, "proxy", FieldKind.HOP);
    case 6:
      return known(buffer, start, "expect", FieldKind.EXPECT);
    case 7:
      return known(buffer, start, "upgrade", FieldKind.UPGRADE);
    case 10:
      return (
        known(buffer, start, "connection", FieldKind.CONNECTION) ||
        known(buffer, start, "keep-alive", FieldKind.KEEP_ALIVE)
      );
    case 12:
      return known(buffer, start, "x-request-id", FieldKind.REQUEST_ID);
    case 14:
      return (
        known(buffer, start, "content-length", FieldKind.CONTENT_LENGTH) ||
        known(buffer, start, "http2-settings", FieldKind.HOP)
      );
    case 15:
      return known(buffer, start, "x-forwarded-for", FieldKind.FORWARDED_FOR);
    case 16:
      return (
        known(buffer, start, "x-forwarded-host", FieldKind.FORWARDED_HOST) ||
        known(buffer, start, "proxy-connection", FieldKind.HOP)
      );
    case 17:
      return (
        known(buffer, start, "transfer-encoding", FieldKind.TRANSFER_ENCODING) ||
        known(buffer, start, "x-forwarded-proto", FieldKind.FORWARDED_PROTO)
      );
    case 21:
      return known(buffer, start, LOAD_HEADER, FieldKind.LOAD);
    case 25:
      return known(buffer, start, LOAD_HEADER_BINARY, FieldKind.LOAD);
    case 26:
      return known(buffer, start, LOAD_HEADER_JSON, FieldKind.LOAD);
    default:
      return FieldKind.OTHER;
  }
}

/**
 * `kind` if the name is `word` in any case. A name that differs only in having `_` for `-` is no such field, but an
 * endpoint behind CGI or WSGI could not tell the two apart: HOP, so that it goes no further.
 */
function known(buffer: Uint8Array, start: number, word: string, kind: number): number {
  let found = kind;
  for (let i = 0; i < word.length; i++) {
    const wanted = word.charCodeAt(i);
    // In a token, 0x20 folds letters, leaves digits and the dash, and makes nothing else one of these.
    const folded = buffer[start + i]! | 0x20;
    if (folded === wanted) continue;
    if (folded !== FOLDED_UNDERSCORE || wanted !== DASH) return FieldKind.OTHER;
    found = FieldKind.HOP;
  }
  return found;
}
