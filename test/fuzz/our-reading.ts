/**
 * Our codec's reading of a byte stream that comes in pieces. Works as the connections do: a head is parsed from its
 * start again with every piece, a body is fed as it comes.
 *
 * Each piece lies in a buffer whose other bytes are CR and LF, so that reading one byte too far has consequences.
 */
import { BODY_MALFORMED, BodyReader, type BodySink } from "../../src/edge/http/wire/body-reader.ts";
import type { FieldTable } from "../../src/edge/http/wire/fields.ts";
import { requestHeadText, responseHeadText } from "../../src/edge/http/wire/forward.ts";
import { CHUNKED, UNTIL_CLOSE } from "../../src/edge/http/wire/framing.ts";
import { NEEDS_MORE, REFUSED, RequestHead } from "../../src/edge/http/wire/request-head.ts";
import { ResponseHead, UNREADABLE } from "../../src/edge/http/wire/response-head.ts";
import type { Field, Reading, RequestReading, ResponseReading, Stop } from "./reading.ts";

/** What is true of our reading alone. */
interface Passing {
  readonly keepAlive: boolean;
  readonly bodyLength: number;
  /** What goes on to the next hop: the head, and the body with its framing. */
  readonly forwardedHead: string;
  readonly forwardedBody: string;
}

export interface OurRequest extends RequestReading, Passing {
  readonly path: string;
  readonly query: string;
  readonly authority: string;
  readonly host: string;
  readonly expectsContinue: boolean;
  readonly upgradesToWebSocket: boolean;
  readonly absoluteForm: boolean;
  readonly requestId: string;
}

export interface OurResponse extends ResponseReading, Passing {
  readonly keepAliveMs: number;
  readonly switchesToWebSocket: boolean;
}

export const FORWARDED_BY = { client: "192.0.2.1", requestId: "id-1" } as const;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** A codec for one direction, over heads that both have the same life. */
interface Direction<Message> {
  /** Index after the head, NEEDS_MORE, or a stop; then `message` is the new one, and `after` what follows it. */
  parseHead(buffer: Buffer, start: number, end: number): number | Stop;
  readonly message: Writable<Message>;
  readonly after: Stop | undefined;
}

const HOSTILE = Buffer.alloc(1 << 18, "\r\n");

/** `ends`: the index after each whole message. */
export type OurReading<Message> = Reading<Message> & { readonly ends: readonly number[] };

export function readRequests(bytes: Buffer, cuts: readonly number[] = []): OurReading<OurRequest> {
  return readStream<OurRequest>(bytes, cuts, false, new Requests());
}

/** `methods`: of the requests that are answered, in order. `closed`: after the last byte comes the end. */
export function readResponses(
  bytes: Buffer,
  methods: readonly string[],
  closed: boolean,
  cuts: readonly number[] = [],
): OurReading<OurResponse> {
  return readStream<OurResponse>(bytes, cuts, closed, new Responses(methods));
}

/** Every place between two bytes. */
export function cutEverywhere(bytes: Buffer): number[] {
  return Array.from({ length: Math.max(0, bytes.length - 1) }, (_, i) => i + 1);
}

function readStream<Message extends RequestReading | ResponseReading>(
  bytes: Buffer,
  cuts: readonly number[],
  closed: boolean,
  direction: Direction<Message & Passing>,
): OurReading<Message> {
  const messages: Writable<Message & Passing>[] = [];
  const body = new BodyPair();
  let held: Buffer = Buffer.alloc(0);
  let consumed = 0;
  const ends: number[] = [];
  let stop: Stop | undefined;
  const finish = (): void => {
    Object.assign(messages.at(-1)!, body.result(), { whole: true });
    ends.push(consumed);
    stop = direction.after;
  };

  for (let p = 0; p <= cuts.length && stop === undefined; p++) {
    const piece = Buffer.concat([held, bytes.subarray(cuts[p - 1] ?? 0, cuts[p] ?? bytes.length)]);
    held = Buffer.alloc(0);
    const offset = 2 + (p % 2);
    const buffer = Buffer.from(HOSTILE.subarray(0, offset + piece.length + 64));
    piece.copy(buffer, offset);
    let at = offset;
    const end = offset + piece.length;
    while (at < end && stop === undefined) {
      if (!body.done) {
        const next = body.feed(buffer, at, end);
        if (next === BODY_MALFORMED) stop = { kind: "refused", refusal: "body", fault: body.fault };
        else {
          consumed += next - at;
          at = next;
          if (body.done) finish();
        }
        continue;
      }
      const next = direction.parseHead(buffer, at, end);
      if (typeof next !== "number") stop = next;
      else if (next === NEEDS_MORE) {
        held = Buffer.from(buffer.subarray(at, end));
        break;
      } else {
        const { message } = direction;
        messages.push(message);
        body.begin(message.bodyLength);
        consumed += next - at;
        at = next;
        if (body.done) finish();
      }
    }
  }
  if (stop === undefined && closed && body.endsAtClose) finish();
  // How much of a body is handed on before its fault depends on the pieces; that is no part of the reading.
  else if (stop === undefined && !body.done) Object.assign(messages.at(-1)!, body.result());
  return { messages, stop: stop ?? { kind: "starved" }, ends };
}

class Requests implements Direction<OurRequest> {
  message!: Writable<OurRequest>;
  after: Stop | undefined;
  readonly #head = new RequestHead();

  parseHead(buffer: Buffer, start: number, end: number): number | Stop {
    const head = this.#head;
    const at = head.parse(buffer, start, end);
    if (at === REFUSED) return { kind: "refused", refusal: head.refusal, fault: head.fault };
    if (at === NEEDS_MORE) return at;
    if (head.upgradesToWebSocket) this.after = { kind: "tunnel" };
    else this.after = head.keepAlive ? undefined : { kind: "closing" };
    this.message = {
      method: head.method,
      target: head.target,
      path: head.path,
      query: head.query,
      authority: head.authority,
      host: head.host,
      minorVersion: head.minorVersion,
      keepAlive: head.keepAlive,
      bodyLength: head.bodyLength,
      expectsContinue: head.expectsContinue,
      upgradesToWebSocket: head.upgradesToWebSocket,
      absoluteForm: head.absoluteForm,
      requestId: head.requestId,
      ...headOnly(head.fields, buffer),
      forwardedHead: requestHeadText(head, buffer, FORWARDED_BY),
    };
    return at;
  }
}

class Responses implements Direction<OurResponse> {
  message!: Writable<OurResponse>;
  after: Stop | undefined;
  readonly #head = new ResponseHead();
  readonly #methods: readonly string[];
  #answered = 0;

  constructor(methods: readonly string[]) {
    this.#methods = methods;
  }

  parseHead(buffer: Buffer, start: number, end: number): number | Stop {
    const method = this.#methods[this.#answered];
    if (method === undefined)
      return { kind: "refused", refusal: "unasked", fault: "bytes that nobody waits for" };
    const head = this.#head;
    const at = head.parse(buffer, start, end, method === "HEAD");
    if (at === UNREADABLE) return { kind: "refused", refusal: "bad-response", fault: head.fault };
    if (at === NEEDS_MORE) return at;
    if (head.status >= 200) this.#answered++;
    if (head.status === 101) this.after = { kind: "tunnel" };
    else this.after = head.status >= 200 && !head.keepAlive ? { kind: "closing" } : undefined;
    const rechunked = head.bodyLength === CHUNKED || head.bodyLength === UNTIL_CLOSE;
    this.message = {
      status: head.status,
      reason: head.reason,
      minorVersion: head.minorVersion,
      keepAlive: head.keepAlive,
      keepAliveMs: head.keepAliveMs,
      switchesToWebSocket: head.switchesToWebSocket,
      bodyLength: head.bodyLength,
      ...headOnly(head.fields, buffer),
      forwardedHead: responseHeadText(head, buffer, {
        requestId: undefined,
        chunked: rechunked,
        connection: head.status === 101 ? "Upgrade" : undefined,
      }),
    };
    return at;
  }
}

function headOnly(fields: FieldTable, buffer: Buffer) {
  return {
    fields: fieldsOf(fields, buffer),
    body: "",
    trailers: [] as readonly Field[],
    forwardedBody: "",
    whole: false,
  };
}

function fieldsOf(fields: FieldTable, buffer: Buffer): Field[] {
  return Array.from({ length: fields.count }, (_, i) => [
    buffer.toString("latin1", fields.nameAt[i], fields.nameEnd[i]),
    fields.value(buffer, i),
  ]);
}

/** One body read in both forms at once: decoded for its data, verbatim for what is passed on. */
class BodyPair {
  readonly #decoded = new BodyReader();
  readonly #verbatim = new BodyReader();
  #data = new Pieces();
  #passed = new Pieces();

  get done(): boolean {
    return this.#decoded.done;
  }

  get endsAtClose(): boolean {
    return this.#decoded.endsAtClose;
  }

  get fault(): string {
    return this.#decoded.fault;
  }

  begin(length: number): void {
    this.#data = new Pieces();
    this.#passed = new Pieces();
    this.#decoded.begin(length, "decoded");
    this.#verbatim.begin(length, "verbatim");
  }

  feed(buffer: Buffer, start: number, end: number): number {
    const at = this.#decoded.feed(buffer, start, end, this.#data);
    const same = this.#verbatim.feed(buffer, start, end, this.#passed);
    if (at !== same || this.#decoded.fault !== this.#verbatim.fault) {
      throw new Error(`decoded and verbatim disagree: ${at} and ${same}`);
    }
    return at;
  }

  result() {
    const { text, trailer } = this.#passed;
    return { body: this.#data.text, forwardedBody: text + trailer, trailers: trailersOf(trailer) };
  }
}

class Pieces implements BodySink {
  text = "";
  trailer = "";

  bodyBytes(buffer: Buffer, start: number, end: number): void {
    this.text += buffer.toString("latin1", start, end);
  }

  bodyText(text: string): void {
    this.trailer += text;
  }
}

/** The trailers were accepted, so a plain cut at CRLF and colon finds them. */
function trailersOf(text: string): Field[] {
  return text
    .split("\r\n")
    .filter((line) => line !== "")
    .map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, "")];
    });
}
