/**
 * Walks over a message's body as its bytes come, passing on what may be passed on.
 *
 * Three framings: a stated length, chunks (RFC 9112 section 7.1), or until the sender closes. Chunks leave here in
 * one of two forms: *verbatim*, the validated framing passing through untouched (but for chunk extensions, which end
 * at this hop), or *decoded*, for a receiver that knows no chunks. Nothing is buffered but the trailer section.
 *
 * Invariants: `feed` hands every body byte to the sink exactly once, in order; after MALFORMED the reader is dead.
 */
import { CHUNKED, UNTIL_CLOSE, type BodyLength } from "./framing.ts";
import { CR, FIELD_VALUE, HEX, LF, TOKEN } from "./grammar.ts";
import { FieldTable, MALFORMED, NEEDS_MORE } from "./fields.ts";
import { trailerText } from "./forward.ts";

/** Trailers are read and rewritten in one step, so one serves all readers. */
const trailerFields = new FieldTable();
const NOTHING: Buffer = Buffer.alloc(0);

export interface BodySink {
  /** Body bytes to pass on; valid only during the call. */
  bodyBytes(buffer: Buffer, start: number, end: number): void;
  /** Text to pass on after all bytes so far: the trailer section, rewritten. */
  bodyText(text: string): void;
}

/** Result of `feed` when the body cannot be read; `fault` says why. */
export const BODY_MALFORMED = -1;

const CHUNK_SIZE_DIGITS_MAX = 13; // 2^52 - 1: the largest run of hex digits that a double counts exactly.
/** Bytes of chunk extensions in one body. They mean nothing to a proxy, so they may not cost it much either. */
const EXTENSION_BYTES_MAX = 4096;
const TRAILER_BYTES_MAX = 16_384;

type State =
  | "length"
  | "until-close"
  | "size"
  | "extension-name"
  | "extension-value"
  | "extension-quoted"
  | "extension-escape"
  | "extension-end"
  | "size-lf"
  | "data"
  | "data-cr"
  | "data-lf"
  | "trailer"
  | "done"
  | "dead";

export class BodyReader {
  fault = "";
  #state: State = "done";
  #left = 0;
  #sizeDigits = 0;
  #extensionBytes = 0;
  #extensionTokens = 0;
  #trailer = NOTHING;
  #verbatim = true;

  get done(): boolean {
    return this.#state === "done";
  }

  /** The body may end here only because its sender closes: true for UNTIL_CLOSE. */
  get endsAtClose(): boolean {
    return this.#state === "until-close";
  }

  begin(length: BodyLength, chunkedForm: "verbatim" | "decoded"): void {
    this.#verbatim = chunkedForm === "verbatim";
    this.#left = 0;
    this.#extensionBytes = 0;
    if (length === UNTIL_CLOSE) this.#state = "until-close";
    else if (length === CHUNKED) this.#startSize();
    else {
      this.#left = length;
      this.#state = length === 0 ? "done" : "length";
    }
  }

  /** Returns the index after the last byte that belongs to the body (= end unless done), or BODY_MALFORMED. */
  feed(buffer: Buffer, start: number, end: number, sink: BodySink): number {
    switch (this.#state) {
      case "done":
        return start;
      case "dead":
        return BODY_MALFORMED;
      case "until-close":
        if (end > start) sink.bodyBytes(buffer, start, end);
        return end;
      case "length": {
        const upTo = Math.min(end, start + this.#left);
        this.#left -= upTo - start;
        if (this.#left === 0) this.#state = "done";
        if (upTo > start) sink.bodyBytes(buffer, start, upTo);
        return upTo;
      }
      default:
        return this.#feedChunks(buffer, start, end, sink);
    }
  }

  #startSize(): void {
    this.#state = "size";
    this.#left = 0;
    this.#sizeDigits = 0;
  }

  /** `runAt` is where the bytes not yet handed on begin; -1 while nothing is owed. */
  #feedChunks(buffer: Buffer, start: number, end: number, sink: BodySink): number {
    let i = start;
    let runAt = this.#verbatim && !this.#inExtension() && this.#state !== "trailer" ? start : -1;
    while (i < end) {
      const byte = buffer[i]!;
      switch (this.#state) {
        case "size": {
          const digit = HEX[byte]!;
          if (digit !== 255) {
            if (++this.#sizeDigits > CHUNK_SIZE_DIGITS_MAX) return this.#malformed("chunk size too long");
            this.#left = this.#left * 16 + digit;
            i++;
            break;
          }
          if (this.#sizeDigits === 0) return this.#malformed("chunk size missing");
          if (byte === CR) this.#state = "size-lf";
          else if (byte === 0x3b) {
            if (runAt !== -1 && i > runAt) sink.bodyBytes(buffer, runAt, i);
            runAt = -1;
            this.#startExtension("extension-name");
          } else return this.#malformed("bad byte after a chunk size");
          i++;
          break;
        }
        case "extension-name":
        case "extension-value":
        case "extension-quoted":
        case "extension-escape":
        case "extension-end":
          if (!this.#readExtension(byte)) return this.#malformed("malformed chunk extension");
          // The CR that ends the extension is the first byte to pass on again.
          if (this.#verbatim && !this.#inExtension()) runAt = i;
          i++;
          break;
        case "size-lf":
          if (byte !== LF) return this.#malformed("bare CR after a chunk size");
          i++;
          if (this.#left > 0) {
            this.#state = "data";
            break;
          }
          // The last chunk. Nearly always it is followed by an empty line and no trailers, and both go on as one.
          if (i + 1 < end && buffer[i] === CR && buffer[i + 1] === LF) {
            this.#state = "done";
            i += 2;
          } else {
            this.#state = "trailer";
            this.#trailer = NOTHING;
          }
          if (runAt !== -1 && i > runAt) sink.bodyBytes(buffer, runAt, i);
          runAt = -1;
          if (this.#state === "done") return i;
          break;
        case "data": {
          const upTo = Math.min(end, i + this.#left);
          if (!this.#verbatim) sink.bodyBytes(buffer, i, upTo);
          this.#left -= upTo - i;
          i = upTo;
          if (this.#left === 0) this.#state = "data-cr";
          break;
        }
        case "data-cr":
          if (byte !== CR) return this.#malformed("chunk longer than its size");
          this.#state = "data-lf";
          i++;
          break;
        case "data-lf":
          if (byte !== LF) return this.#malformed("bare CR after chunk data");
          this.#startSize();
          i++;
          break;
        case "trailer":
          return this.#feedTrailer(buffer, i, end, sink);
        default:
          throw new Error(`chunk reader in state ${this.#state}`);
      }
    }
    if (runAt !== -1 && end > runAt) sink.bodyBytes(buffer, runAt, end);
    return end;
  }

  #inExtension(): boolean {
    return this.#state.startsWith("extension");
  }

  #startExtension(state: State): void {
    this.#state = state;
    this.#extensionTokens = 0;
  }

  /** RFC 9112 section 7.1.1 without the optional white space, which section 7.1.1 calls bad. */
  #readExtension(byte: number): boolean {
    if (++this.#extensionBytes > EXTENSION_BYTES_MAX) return false;
    switch (this.#state) {
      case "extension-quoted":
        if (byte === 0x22) this.#state = "extension-end";
        else if (byte === 0x5c) this.#state = "extension-escape";
        else return FIELD_VALUE[byte] === 1;
        return true;
      case "extension-escape":
        this.#state = "extension-quoted";
        return FIELD_VALUE[byte] === 1;
      case "extension-value":
        if (byte === 0x22 && this.#extensionTokens === 0) {
          this.#state = "extension-quoted";
          return true;
        }
        break;
      case "extension-name":
        if (byte === 0x3d && this.#extensionTokens > 0) {
          this.#startExtension("extension-value");
          return true;
        }
        break;
      default:
        break;
    }
    if (TOKEN[byte] === 1 && this.#state !== "extension-end") {
      this.#extensionTokens++;
      return true;
    }
    if (this.#extensionTokens === 0 && this.#state !== "extension-end") return false;
    if (byte === CR) this.#state = "size-lf";
    else if (byte === 0x3b) this.#startExtension("extension-name");
    else return false;
    return true;
  }

  #feedTrailer(buffer: Buffer, start: number, end: number, sink: BodySink): number {
    const held = this.#trailer.length;
    const whole =
      held === 0 ? buffer.subarray(start, end) : Buffer.concat([this.#trailer, buffer.subarray(start, end)]);
    const fields = trailerFields;
    const at = fields.parse(whole, 0, whole.length);
    if (at === MALFORMED) return this.#malformed(`trailer: ${fields.fault}`);
    if (at < 0) return this.#malformed("too many trailer fields");
    if ((at === NEEDS_MORE ? whole.length : at) > TRAILER_BYTES_MAX) {
      return this.#malformed("trailer section too large");
    }
    if (at === NEEDS_MORE) {
      this.#trailer = Buffer.from(whole);
      return end;
    }
    const text = trailerText(fields, whole);
    if (text === undefined) return this.#malformed("trailer field that frames or routes the message");
    this.#state = "done";
    this.#trailer = NOTHING;
    if (this.#verbatim) sink.bodyText(text);
    return start + at - held;
  }

  #malformed(fault: string): number {
    this.fault = fault;
    this.#state = "dead";
    return BODY_MALFORMED;
  }
}
