/**
 * Reads a response's head from an endpoint: status line, fields, body length and whether the connection lives on.
 *
 * Source: RFC 9112 sections 4 and 6. An endpoint is trusted no more than a client: two readings are one too many,
 * and the connection is given up.
 */
import { ConnectionOption, readConnection, upgradesOnlyToWebSocket } from "./connection-options.ts";
import { FieldKind, FieldTable, MALFORMED, NEEDS_MORE } from "./fields.ts";
import { AMBIGUOUS, CHUNKED, UNSTATED, UNTIL_CLOSE, statedLength, type BodyLength } from "./framing.ts";
import { CR, FIELD_VALUE, LF, SP } from "./grammar.ts";

/** The head is malformed, too large or ambiguous; `fault` says why. */
export const UNREADABLE = -1;

export class ResponseHead {
  status = 0;
  minorVersion = 1;
  /** The reason phrase, possibly empty. */
  reason = "";
  bodyLength: BodyLength = 0;
  /** The endpoint keeps the connection open after this response. */
  keepAlive = true;
  /** From `Keep-Alive: timeout=N`: how long the endpoint keeps an idle connection, in ms; 0 if not said. */
  keepAliveMs = 0;
  /** The endpoint names itself or the exchange in X-Request-Id already. */
  hasRequestId = false;
  /** Index of the first field in which the endpoint reports its load, or -1. */
  loadField = -1;
  switchesToWebSocket = false;
  fault = "";
  readonly fields: FieldTable = new FieldTable();

  /** Returns the index after the head, NEEDS_MORE, or UNREADABLE. `headRequest`: the response has no body. */
  parse(buffer: Buffer, start: number, end: number, headRequest: boolean): number {
    let at = this.#parseStatusLine(buffer, start, end);
    if (at <= 0) return at;
    at = this.fields.parse(buffer, at, end);
    if (at === NEEDS_MORE) return NEEDS_MORE;
    if (at < 0) return this.#fail(at === MALFORMED ? this.fields.fault : "too many fields");
    return this.#interpret(buffer, headRequest) ? at : UNREADABLE;
  }

  #parseStatusLine(buffer: Buffer, start: number, end: number): number {
    // "HTTP/1.1 200" and then a space and a reason, or CR LF at once.
    if (!startsLikeHttp(buffer, start, end)) return this.#fail("not HTTP/1.x");
    if (end - start < 13) return NEEDS_MORE;
    const minor = buffer[start + 7]! - 0x30;
    if (minor !== 0 && minor !== 1) return this.#fail("not HTTP/1.0 or HTTP/1.1");
    const hundreds = buffer[start + 9]! - 0x30;
    const tens = buffer[start + 10]! - 0x30;
    const ones = buffer[start + 11]! - 0x30;
    if (
      buffer[start + 8] !== SP ||
      !isDigit(hundreds) ||
      !isDigit(tens) ||
      !isDigit(ones) ||
      hundreds === 0
    ) {
      return this.#fail("malformed status line");
    }
    let i = start + 12;
    if (buffer[i] === SP) {
      const reasonAt = ++i;
      while (i < end && FIELD_VALUE[buffer[i]!] === 1) i++;
      if (i + 1 >= end && (i === end || buffer[i] === CR)) return NEEDS_MORE;
      this.reason = buffer.toString("latin1", reasonAt, i);
    } else {
      if (i + 1 >= end) return NEEDS_MORE;
      this.reason = "";
    }
    if (buffer[i] !== CR || buffer[i + 1] !== LF) return this.#fail("malformed end of the status line");
    this.minorVersion = minor;
    this.status = hundreds * 100 + tens * 10 + ones;
    return i + 2;
  }

  #interpret(buffer: Buffer, headRequest: boolean): boolean {
    const fields = this.fields;
    const connection = readConnection(fields, buffer);
    if ((connection & ConnectionOption.MALFORMED) !== 0)
      return this.#reject("Connection names a framing field");
    this.keepAlive =
      (connection & ConnectionOption.CLOSE) === 0 &&
      (this.minorVersion === 1 || (connection & ConnectionOption.KEEP_ALIVE) !== 0);
    // Neither a closing connection nor HTTP/1.0 leaves room for the final response that must follow.
    if (this.status < 200 && !this.keepAlive)
      return this.#reject("an interim response that ends the connection");
    const stated = statedLength(fields, buffer);
    if (stated === AMBIGUOUS) return this.#reject("ambiguous body length");
    // RFC 9112 section 6.1: such framing is faulty.
    if (stated === CHUNKED && this.minorVersion === 0) return this.#reject("Transfer-Encoding in HTTP/1.0");
    this.switchesToWebSocket =
      (connection & ConnectionOption.UPGRADE) !== 0 && upgradesOnlyToWebSocket(fields, buffer);
    this.#readOthers(buffer, fields);
    if (headRequest || this.status < 200 || this.status === 204 || this.status === 304) {
      // RFC 9112 section 6.3: no body whatever the fields say.
      this.bodyLength = 0;
      if (stated !== UNSTATED && (this.status < 200 || this.status === 204)) {
        // RFC 9110 section 8.6: not even a length. That of nothing is forgiven, and goes no further.
        if (stated !== 0) return this.#reject("a body length where no body can be");
        dropLength(fields);
      }
    } else if (stated === UNSTATED) {
      this.bodyLength = UNTIL_CLOSE;
      this.keepAlive = false;
    } else {
      this.bodyLength = stated;
    }
    return true;
  }

  #readOthers(buffer: Buffer, fields: FieldTable): void {
    this.keepAliveMs = 0;
    this.hasRequestId = false;
    this.loadField = -1;
    for (let i = 0; i < fields.count; i++) {
      const kind = fields.kind[i];
      if (kind === FieldKind.OTHER) continue;
      if (kind === FieldKind.REQUEST_ID) this.hasRequestId = true;
      else if (kind === FieldKind.LOAD && this.loadField === -1) this.loadField = i;
      else if (kind === FieldKind.KEEP_ALIVE) {
        const seconds = /timeout=([0-9]{1,6})/.exec(fields.value(buffer, i));
        if (seconds !== null) this.keepAliveMs = Number(seconds[1]) * 1000;
      }
    }
  }

  #fail(fault: string): number {
    this.fault = fault;
    return UNREADABLE;
  }

  #reject(fault: string): boolean {
    this.fault = fault;
    return false;
  }
}

function dropLength(fields: FieldTable): void {
  for (let i = 0; i < fields.count; i++) {
    if (fields.kind[i] === FieldKind.CONTENT_LENGTH) fields.kind[i] = FieldKind.NOMINATED;
  }
}

function isDigit(value: number): boolean {
  return value >= 0 && value <= 9;
}

function startsLikeHttp(buffer: Uint8Array, start: number, end: number): boolean {
  const word = "HTTP/1.";
  const length = Math.min(end - start, word.length);
  for (let i = 0; i < length; i++) if (buffer[start + i] !== word.charCodeAt(i)) return false;
  return true;
}
