/**
 * Server-sent events (WHATWG HTML section 9.2) out of chunks that may be cut anywhere: whose bytes are an event's data,
 * and where an event ends. Lines end in LF, CR or CRLF; of the fields, `data` and `event` count.
 *
 * Nothing is kept but a few letters, so an event may be of any size.
 */
import type { StreamPlace } from "./stream-end.ts";

export interface SseSink {
  /** A part of one data line. */
  data(bytes: Uint8Array, start: number, end: number): void;
  /** A data line begins; the event's lines are joined by a line feed. */
  dataLine(): void;
  /** An event is over that had data. `isError`: it was named `error`. */
  event(isError: boolean): void;
}

const LINE_START = 0;
const IN_NAME = 1;
const AFTER_COLON = 2;
const IN_DATA = 3;
const IN_EVENT_NAME = 4;
const IN_OTHER = 5;

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;

/** ASCII letters as one number, base 256: exact up to 6 of them. */
function packed(text: string): number {
  let sum = 0;
  for (const letter of text) sum = sum * 256 + letter.charCodeAt(0);
  return sum;
}
const DATA = packed("data");
const EVENT = packed("event");
const ERROR = packed("error");
/** Longer names are none of ours; they stay apart from the others by being larger. */
const LETTERS_MAX = 6;

export class SseReader {
  readonly #sink: SseSink;
  #state = LINE_START;
  #letters = 0;
  #packed = 0;
  #isAfterCr = false;
  #hasLines = false;
  #hasData = false;
  #isError = false;

  constructor(sink: SseSink) {
    this.#sink = sink;
  }

  reset(): void {
    this.#state = LINE_START;
    this.#isAfterCr = false;
    this.#clear();
  }

  #clear(): void {
    this.#hasLines = false;
    this.#hasData = false;
    this.#isError = false;
  }

  get place(): StreamPlace {
    // Behind a CR, a line feed would only be its second half.
    if (this.#state !== LINE_START || (this.#isAfterCr && this.#hasLines)) return "inside-line";
    return this.#hasLines ? "line-start" : "between-events";
  }

  feed(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    if (this.#isAfterCr && at < end) {
      this.#isAfterCr = false;
      if (bytes[at] === LF) at++;
    }
    while (at < end) {
      if (this.#state === IN_DATA) at = this.#dataPart(bytes, at, end);
      else {
        if (this.#state === LINE_START && at + 6 <= end && isDataSpace(bytes, at)) {
          at += 6;
          this.#beginData();
          continue;
        }
        const byte = bytes[at]!;
        if (byte === LF || byte === CR) at = this.#lineEnd(bytes, at, end);
        else if (this.#takes(byte)) at++;
      }
    }
  }

  #dataPart(bytes: Uint8Array, from: number, end: number): number {
    let at = from;
    while (at < end) {
      const byte = bytes[at]!;
      if (byte <= CR && (byte === LF || byte === CR)) break;
      at++;
    }
    if (at > from) this.#sink.data(bytes, from, at);
    return at < end ? this.#lineEnd(bytes, at, end) : at;
  }

  #beginData(): void {
    this.#state = IN_DATA;
    this.#hasLines = true;
    this.#hasData = true;
    this.#sink.dataLine();
  }

  /** A byte of a line outside data. False: it is the first one of the data, and still to be read. */
  #takes(byte: number): boolean {
    switch (this.#state) {
      case LINE_START:
        this.#hasLines = true;
        this.#letters = 0;
        this.#packed = 0;
        this.#state = IN_NAME;
        this.#name(byte);
        return true;
      case IN_NAME:
        this.#name(byte);
        return true;
      case AFTER_COLON: {
        // One space behind the colon belongs to neither name nor value.
        const isSpace = byte === 0x20;
        const field = this.#letters <= LETTERS_MAX ? this.#packed : 0;
        this.#letters = 0;
        this.#packed = 0;
        if (field === DATA) {
          this.#beginData();
          return isSpace;
        }
        this.#state = field === EVENT ? IN_EVENT_NAME : IN_OTHER;
        if (field === EVENT && !isSpace) this.#pack(byte);
        return true;
      }
      default:
        if (this.#state === IN_EVENT_NAME) this.#pack(byte);
        return true;
    }
  }

  #name(byte: number): void {
    if (byte === COLON) this.#state = AFTER_COLON;
    else this.#pack(byte);
  }

  #pack(byte: number): void {
    if (++this.#letters <= LETTERS_MAX) this.#packed = this.#packed * 256 + byte;
  }

  #lineEnd(bytes: Uint8Array, at: number, end: number): number {
    if (this.#state === LINE_START) {
      if (this.#hasData) this.#sink.event(this.#isError);
      this.#clear();
    } else if (this.#state === IN_EVENT_NAME)
      this.#isError = this.#packed === ERROR && this.#letters <= LETTERS_MAX;
    else if (this.#state !== IN_DATA && this.#state !== IN_OTHER && this.#packed === DATA) this.#beginData();
    this.#state = LINE_START;
    if (bytes[at] === LF) return at + 1;
    if (at + 1 < end) return bytes[at + 1] === LF ? at + 2 : at + 1;
    this.#isAfterCr = true;
    return at + 1;
  }
}

function isDataSpace(bytes: Uint8Array, at: number): boolean {
  return (
    bytes[at] === 0x64 &&
    bytes[at + 1] === 0x61 &&
    bytes[at + 2] === 0x74 &&
    bytes[at + 3] === 0x61 &&
    bytes[at + 4] === COLON &&
    bytes[at + 5] === 0x20
  );
}
