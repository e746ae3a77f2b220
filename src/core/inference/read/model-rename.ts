/**
 * In an answer, the name of the model that was asked for becomes again the one that the client asked for.
 *
 * Replaced are the values of `model`, `response.model` and `message.model` that are exactly the target's name, in an answer
 * of one piece or in every event of a stream; all other bytes go through as they are and at once, but for such a value
 * itself, which is held until its end (at most HELD_BYTES_MAX). The answer's length changes: it must not be announced.
 */
import type { JsonNumber } from "./json-number.ts";
import { JsonScanner } from "./json-scanner.ts";
import type { JsonVisitor } from "./json-visitor.ts";
import { quoted } from "./model-splice.ts";
import { NameTable, UNKNOWN } from "./name-table.ts";
import { SseReader } from "./sse-reader.ts";
import { CAPTURE_BYTES_MAX, TextCapture } from "./text-capture.ts";

/** Takes the bytes to send; those of the chunk are valid during the call. */
export type Emit = (bytes: Uint8Array, start: number, end: number) => void;

/** Each byte of a name may be an escape of six. A longer value is no name that was asked for: it goes through. */
export const HELD_BYTES_MAX = 6 * CAPTURE_BYTES_MAX + 2;

const NAMES = new NameTable(["model", "response", "message"]);
const MODEL = NAMES.indexOf("model");
const NEW_LINE = Uint8Array.of(0x0a);

export class ModelRename implements JsonVisitor {
  readonly wantsIntegers = false;
  readonly #target: string;
  readonly #replacement: Uint8Array;
  readonly #emit: Emit;
  readonly #scanner = new JsonScanner(this);
  readonly #sse: SseReader | undefined;
  readonly #value = new TextCapture();
  readonly #held = new Uint8Array(HELD_BYTES_MAX);
  #heldBytes = 0;
  #bytes: Uint8Array = NEW_LINE;
  /** Bytes of the chunk before it have been sent, or are held. */
  #from = 0;
  #isHolding = false;
  #name = UNKNOWN;
  #isInner = false;
  #isFirstLine = true;

  constructor(target: string, name: string, isEventStream: boolean, emit: Emit) {
    this.#target = target;
    this.#replacement = quoted(name);
    this.#emit = emit;
    this.#sse = isEventStream
      ? new SseReader({
          data: (bytes, start, end) => {
            this.#scanner.feed(bytes, start, end);
          },
          dataLine: () => {
            if (!this.#isFirstLine) this.#scanner.feed(NEW_LINE, 0, 1);
            this.#isFirstLine = false;
          },
          event: () => {
            this.#release();
            this.#scanner.reset();
            this.#isFirstLine = true;
          },
        })
      : undefined;
  }

  feed(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#from = start;
    if (this.#sse === undefined) this.#scanner.feed(bytes, start, end);
    else this.#sse.feed(bytes, start, end);
    // A value that broke off in a fault will have no end.
    if (this.#isHolding && this.#scanner.hasFailed) this.#release();
    if (this.#isHolding) this.#hold(end);
    if (this.#from < end) this.#emit(bytes, this.#from, end);
    this.#bytes = NEW_LINE;
  }

  /** The answer is over, or was cut: what is held goes out as it is. */
  finish(): void {
    this.#release();
  }

  key(hash: number): void {
    const { place } = this.#scanner;
    this.#name = place.depth <= 2 ? NAMES.find(place, hash) : UNKNOWN;
  }

  open(): void {
    const { depth } = this.#scanner.place;
    if (depth === 1) this.#isInner = this.#name !== UNKNOWN && this.#name !== MODEL;
    this.#name = UNKNOWN;
  }

  close(): void {
    this.#name = UNKNOWN;
  }

  text(): boolean {
    const { depth } = this.#scanner.place;
    const isModel = this.#name === MODEL && (depth === 1 || (depth === 2 && this.#isInner));
    this.#name = UNKNOWN;
    if (!isModel) return false;
    const start = this.#scanner.chunkOffset;
    if (this.#from < start) this.#emit(this.#bytes, this.#from, start);
    this.#from = start;
    this.#isHolding = true;
    this.#value.begin();
    return true;
  }

  run(bytes: Uint8Array, start: number, end: number): void {
    this.#value.run(bytes, start, end);
  }

  textEnd(): void {
    if (!this.#isHolding) return;
    const isTarget = !this.#value.isCut && this.#value.text() === this.#target;
    if (isTarget) {
      this.#heldBytes = 0;
      this.#isHolding = false;
      this.#emit(this.#replacement, 0, this.#replacement.length);
      this.#from = this.#scanner.chunkOffset;
    } else this.#release();
  }

  number(_number: JsonNumber): void {
    this.#name = UNKNOWN;
  }

  integers(): void {}

  literal(): void {
    this.#name = UNKNOWN;
  }

  /** The chunk ends inside a value. */
  #hold(end: number): void {
    const more = end - this.#from;
    if (this.#heldBytes + more > HELD_BYTES_MAX) {
      this.#release();
      return;
    }
    for (let at = this.#from; at < end; at++) this.#held[this.#heldBytes++] = this.#bytes[at]!;
    this.#from = end;
  }

  #release(): void {
    if (this.#heldBytes > 0) this.#emit(this.#held, 0, this.#heldBytes);
    this.#heldBytes = 0;
    this.#isHolding = false;
  }
}
