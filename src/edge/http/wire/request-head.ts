/**
 * Reads a request's head: request line, fields, and what they mean for routing and framing.
 *
 * Source: RFC 9112 sections 2 to 6, with no leniency: exactly one space between the parts of the request line, CRLF
 * everywhere, one Host, no dot segments in the path. What could be read in two ways is refused with a named fault,
 * the same however the bytes come in pieces.
 *
 * One RequestHead is reused for message after message. Strings it hands out are its own; offsets in `fields` are
 * valid only while the buffer of the last parse is untouched.
 */
import { isIPv6 } from "node:net";
import { ConnectionOption, readConnection, upgradesOnlyToWebSocket } from "./connection-options.ts";
import { FieldKind, FieldTable, MALFORMED, NEEDS_MORE } from "./fields.ts";
import { AMBIGUOUS, CHUNKED, UNSTATED, statedLength, type BodyLength } from "./framing.ts";
import { AUTHORITY, CR, LF, SLASH, SP, TARGET, TOKEN, equalsIgnoreCase } from "./grammar.ts";
import type { Refusal } from "../../../model/refusal.ts";

/** Result of a parse that ends in a refusal: `refusal` and `fault` say which and why. */
export const REFUSED = -1;
export { NEEDS_MORE };

const REQUEST_ID = /^[\w.:+/=-]{1,128}$/;

export class RequestHead {
  method = "";
  /** Origin form: path and query as they are forwarded. */
  target = "";
  /** Without the query. */
  path = "";
  /** Without the `?`. */
  query = "";
  /** As the client wrote it, port included; what is forwarded. */
  authority = "";
  /** Lower case, without port and trailing dot: what routes are matched on. */
  host = "";
  /** 0 or 1. */
  minorVersion = 1;
  bodyLength: BodyLength = 0;
  /** The connection may carry another request after this one. */
  keepAlive = true;
  expectsContinue = false;
  /** The client asks for a WebSocket, the one protocol that is tunnelled. */
  upgradesToWebSocket = false;
  /** The target was in absolute form, so the Host field must be written anew. */
  absoluteForm = false;
  /** The client's X-Request-Id; empty if it sent none, or none that can be logged and forwarded without harm. */
  requestId = "";
  readonly fields: FieldTable = new FieldTable();

  refusal: Refusal = "bad-request";
  fault = "";

  #buffer: Buffer = Buffer.alloc(0);
  #knownAuthority = "";
  #knownHost = "";

  /** Returns the index after the head, NEEDS_MORE, or REFUSED. */
  parse(buffer: Buffer, start: number, end: number): number {
    this.#buffer = buffer;
    let at = start;
    // RFC 9112 section 2.2: one empty line before the request line is tolerated.
    if (buffer[at] === CR) {
      if (at + 1 >= end) return NEEDS_MORE;
      if (buffer[at + 1] !== LF) return this.#refuse("bad-request", "bare CR");
      at += 2;
    }
    at = this.#parseRequestLine(buffer, at, end);
    if (at <= 0) return at;
    at = this.fields.parse(buffer, at, end);
    if (at === NEEDS_MORE) return NEEDS_MORE;
    if (at === MALFORMED) return this.#refuse("bad-request", this.fields.fault);
    if (at < 0) return this.#refuse("head-too-large", "too many fields");
    return this.#interpret(buffer) ? at : REFUSED;
  }

  /** The request's header of that lower-case name, its lines joined by commas; for route matching. */
  header(name: string): string | undefined {
    return this.fields.joined(this.#buffer, name);
  }

  #parseRequestLine(buffer: Buffer, start: number, end: number): number {
    let i = start;
    while (i < end && TOKEN[buffer[i]!] === 1) i++;
    if (i === end) return NEEDS_MORE;
    if (buffer[i] !== SP || i === start) return this.#refuse("bad-request", "malformed method");
    const methodEnd = i++;
    const targetAt = i;
    while (i < end && TARGET[buffer[i]!] === 1) i++;
    if (i === end) return NEEDS_MORE;
    if (buffer[i] !== SP || i === targetAt) return this.#refuse("bad-request", "malformed request target");
    const targetEnd = i++;
    if (!isVersionLineEnd(buffer, i, end)) return this.#refuse("bad-request", "malformed HTTP version");
    if (end - i < VERSION_LINE_END.length) return NEEDS_MORE;
    const minor = buffer[i + 7]! - 0x30;
    if (buffer[i + 5] !== 0x31 || minor > 1) {
      return this.#refuse("version-unsupported", "not HTTP/1.0 or HTTP/1.1");
    }
    this.minorVersion = minor;
    this.method = methodName(buffer, start, methodEnd);
    this.target = buffer.toString("latin1", targetAt, targetEnd);
    return i + VERSION_LINE_END.length;
  }

  #interpret(buffer: Buffer): boolean {
    const fields = this.fields;
    const connection = readConnection(fields, buffer);
    if ((connection & ConnectionOption.MALFORMED) !== 0) {
      return this.#fail("bad-request", "Connection names a field that frames or routes the message");
    }
    this.keepAlive =
      (connection & ConnectionOption.CLOSE) === 0 &&
      (this.minorVersion === 1 || (connection & ConnectionOption.KEEP_ALIVE) !== 0);
    if (!this.#interpretHostAndTarget(buffer)) return false;

    this.bodyLength = statedLength(fields, buffer);
    if (this.bodyLength === AMBIGUOUS) return this.#fail("bad-request", "ambiguous body length");
    if (this.bodyLength === CHUNKED && this.minorVersion === 0) {
      return this.#fail("bad-request", "Transfer-Encoding in HTTP/1.0");
    }
    if (this.bodyLength === UNSTATED) this.bodyLength = 0;

    // Only WebSocket is tunnelled: an h2c upgrade would carry requests past routing and limits.
    this.upgradesToWebSocket =
      (connection & ConnectionOption.UPGRADE) !== 0 &&
      this.minorVersion === 1 &&
      this.bodyLength === 0 &&
      this.method === "GET" &&
      upgradesOnlyToWebSocket(fields, buffer);
    this.expectsContinue = false;
    this.requestId = "";
    for (let i = 0; i < fields.count; i++) {
      const kind = fields.kind[i];
      if (kind === FieldKind.OTHER) continue;
      if (kind === FieldKind.REQUEST_ID) {
        const id = fields.value(buffer, i);
        this.requestId = REQUEST_ID.test(id) ? id : "";
      } else if (kind === FieldKind.EXPECT) {
        if (!equalsIgnoreCase(buffer, fields.valueAt[i]!, fields.valueEnd[i]!, "100-continue")) {
          return this.#fail("bad-request", "Expect asks for something unknown");
        }
        // HTTP/1.0 knows no interim answers, and without a body there is nothing to hold back: it goes no further.
        if (this.minorVersion === 0 || this.bodyLength === 0) fields.kind[i] = FieldKind.NOMINATED;
        else this.expectsContinue = true;
      }
    }
    return true;
  }

  #interpretHostAndTarget(buffer: Buffer): boolean {
    let hostIndex = -1;
    const fields = this.fields;
    for (let i = 0; i < fields.count; i++) {
      if (fields.kind[i] !== FieldKind.HOST) continue;
      if (hostIndex !== -1) return this.#fail("bad-request", "more than one Host");
      hostIndex = i;
    }
    if (hostIndex === -1) {
      if (this.minorVersion === 1) return this.#fail("bad-request", "no Host");
      this.authority = "";
    } else {
      for (let i = fields.valueAt[hostIndex]!; i < fields.valueEnd[hostIndex]!; i++) {
        if (AUTHORITY[buffer[i]!] !== 1) return this.#fail("bad-request", "malformed Host");
      }
      this.authority = fields.value(buffer, hostIndex);
    }
    this.absoluteForm = false;
    // In whichever form: an endpoint that took it for a tunnel would frame its answer differently.
    if (this.method === "CONNECT") return this.#fail("method-unsupported", "CONNECT");
    if (this.method === "PRI") return this.#fail("bad-request", "PRI belongs to the HTTP/2 preface");
    if (this.target.charCodeAt(0) !== SLASH && !this.#reduceTarget(hostIndex !== -1)) return false;
    const queryAt = this.target.indexOf("?");
    this.path = queryAt === -1 ? this.target : this.target.slice(0, queryAt);
    this.query = queryAt === -1 ? "" : this.target.slice(queryAt + 1);
    if (hasDotSegment(this.path)) return this.#fail("bad-request", "dot segment in the path");
    if (this.path.includes("\\")) return this.#fail("bad-request", "backslash in the path");
    // Most requests name the same host as the one before.
    if (this.authority !== this.#knownAuthority) {
      const host = hostOf(this.authority);
      if (host === undefined) return this.#fail("bad-request", "malformed Host");
      this.#knownAuthority = this.authority;
      this.#knownHost = host;
    }
    this.host = this.#knownHost;
    return true;
  }

  /** Absolute form becomes origin form; the asterisk stays; anything else is refused. */
  #reduceTarget(hasHost: boolean): boolean {
    if (this.target === "*" && this.method === "OPTIONS") return true;
    const match = /^http:\/\/([^/?]+)(\/[^]*|\?[^]*|)$/i.exec(this.target);
    if (match === null) return this.#fail("bad-request", "malformed request target");
    const authority = match[1]!;
    for (let i = 0; i < authority.length; i++) {
      if (AUTHORITY[authority.charCodeAt(i)] !== 1) return this.#fail("bad-request", "malformed authority");
    }
    if (hasHost && authority.toLowerCase() !== this.authority.toLowerCase()) {
      return this.#fail("bad-request", "the target's authority and Host differ");
    }
    this.authority = authority;
    this.absoluteForm = true;
    const rest = match[2]!;
    // RFC 9112 section 3.2.4: OPTIONS of a whole server becomes the asterisk.
    if (rest === "" && this.method === "OPTIONS") this.target = "*";
    else this.target = rest.startsWith("/") ? rest : `/${rest}`;
    return true;
  }

  #refuse(refusal: Refusal, fault: string): number {
    this.#fail(refusal, fault);
    return REFUSED;
  }

  #fail(refusal: Refusal, fault: string): boolean {
    this.refusal = refusal;
    this.fault = fault;
    return false;
  }
}

/** How every request line ends; a `0` stands for any digit. */
const VERSION_LINE_END = "HTTP/0.0\r\n";

/** Whether the bytes are the end of a request line, or the beginning of one. */
function isVersionLineEnd(buffer: Uint8Array, start: number, end: number): boolean {
  const length = Math.min(end - start, VERSION_LINE_END.length);
  for (let i = 0; i < length; i++) {
    const byte = buffer[start + i]!;
    const wanted = VERSION_LINE_END.charCodeAt(i);
    if (byte !== wanted && (wanted !== 0x30 || byte < 0x30 || byte > 0x39)) return false;
  }
  return true;
}

function isPrefixOf(buffer: Uint8Array, start: number, end: number, word: string): boolean {
  const length = Math.min(end - start, word.length);
  for (let i = 0; i < length; i++) if (buffer[start + i] !== word.charCodeAt(i)) return false;
  return true;
}

/** The common methods without making a new string each time. */
function methodName(buffer: Buffer, start: number, end: number): string {
  if (end - start === 3 && isPrefixOf(buffer, start, end, "GET")) return "GET";
  if (end - start === 4 && isPrefixOf(buffer, start, end, "POST")) return "POST";
  return buffer.toString("latin1", start, end);
}

/**
 * A segment `.` or `..`: two servers may disagree on what such a path names. Dots and the slashes around them may be
 * percent-encoded or backslashes, and a segment may have parameters (`..;`), which some servers strip first.
 */
function hasDotSegment(path: string): boolean {
  // Nearly no path has a segment that begins with a dot, so look for that first.
  if (!path.includes("/.") && !path.includes("%")) return false;
  return /(?:[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:[/\\;]|%2f|%5c|%3b|$)/i.test(path);
}

/** Host without port and trailing dot, lower case; undefined if brackets, dots or port make no sense. */
function hostOf(authority: string): string | undefined {
  if (authority.startsWith("[")) {
    const match = /^\[([0-9a-f:.]+)\](?::[0-9]{0,5})?$/i.exec(authority);
    return match !== null && isIPv6(match[1]!) ? `[${match[1]!.toLowerCase()}]` : undefined;
  }
  const colon = authority.lastIndexOf(":");
  let host = authority;
  if (colon !== -1) {
    host = authority.slice(0, colon);
    if (host === "" || !/^[0-9]{0,5}$/.test(authority.slice(colon + 1))) return undefined;
  }
  if (/^\.|\.\.|[:[\]]/.test(host)) return undefined;
  host = host.toLowerCase();
  return host.endsWith(".") ? host.slice(0, -1) : host;
}
