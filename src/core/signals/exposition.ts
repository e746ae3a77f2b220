/**
 * Reads a metrics page (Prometheus text format 0.0.4, OpenMetrics 1.0) as its bytes come, and picks the wanted series.
 *
 * A line is decided by its name; only wanted lines are looked at further, in place, and only what is asked of them becomes
 * a string. A line cut by the end of a read is kept until its rest comes, if it may be wanted. Timestamps and exemplars
 * are skipped, comments too: types and help decide nothing here.
 *
 * Pages are hostile: lines, labels and samples are bounded, whatever is malformed is counted and left out, nothing
 * throws. How long a page may be, and how long it may take, is for whoever fetches it.
 */
import { NOT_WANTED, type WantedNames } from "./exposition-names.ts";
import { SampleLabels } from "./exposition-labels.ts";

/** Who is told what a page holds. */
export interface SampleSink {
  /** `name`: its number among the wanted. `value` may be NaN or infinite. `labels` are good for this call only. */
  sample(name: number, value: number, labels: SampleLabels): void;
}

/** A wanted line beyond it is left out. LoRA gauges name every adapter in one label; this is room for hundreds. */
export const LINE_BYTES_MAX = 16_384;
/** Of one page, handed on; beyond: left out. An engine with 64 ranks has a few hundred. */
export const SAMPLES_MAX = 4_096;

const LF = 0x0a;
const HASH = 0x23;
const OPEN = 0x7b;
/** "-1.7976931348623157e+308" and room. */
const VALUE_BYTES_MAX = 40;
const HELD_BYTES_MIN = 512;

export class ExpositionReader {
  readonly #wanted: WantedNames;
  readonly #sink: SampleSink;
  readonly #labels = new SampleLabels();
  /** The beginning of a line whose end has not come; made at the first need. */
  #held = new Uint8Array(0);
  #heldBytes = 0;
  /** The rest of the line under way is of no interest. */
  #skipping = false;
  #samples = 0;
  #malformed = 0;

  constructor(wanted: WantedNames, sink: SampleSink) {
    this.#wanted = wanted;
    this.#sink = sink;
  }

  /** Wanted samples handed on since `begin`. */
  get samples(): number {
    return this.#samples;
  }

  /** Wanted lines that could not be read, or were too long or too many. */
  get malformed(): number {
    return this.#malformed;
  }

  /** A new page; whatever came before is forgotten. */
  begin(): void {
    this.#heldBytes = 0;
    this.#skipping = false;
    this.#samples = 0;
    this.#malformed = 0;
  }

  /** The next bytes, good for this call only. Fastest for a Buffer, which searches with memchr. */
  feed(bytes: Uint8Array, start: number, end: number): void {
    // A search that stops at the array's end, not at `end`, would otherwise run on into what is not ours.
    const view = end === bytes.length ? bytes : bytes.subarray(0, end);
    let at = start;
    if (this.#skipping || this.#heldBytes > 0) at = this.#finishLine(view, at, end);
    while (at < end) {
      const name = this.#decide(view, at, end);
      const lineEnd = view.indexOf(LF, at);
      if (lineEnd < 0) {
        if (name === NOT_WANTED) this.#skipping = true;
        else this.#hold(view, at, end);
        return;
      }
      if (name >= 0) this.#read(name, view, at, lineEnd);
      at = lineEnd + 1;
    }
  }

  /** The page is over; its last line may lack its end. */
  finish(): void {
    if (this.#heldBytes > 0) {
      const line = this.#held;
      const bytes = this.#heldBytes;
      this.#heldBytes = 0;
      const name = this.#decide(line, 0, bytes);
      if (name >= 0) this.#read(name, line, 0, bytes);
    }
    this.#skipping = false;
  }

  #decide(bytes: Uint8Array, start: number, end: number): number {
    return bytes[start] === HASH ? NOT_WANTED : this.#wanted.find(bytes, start, end);
  }

  /** Returns where the next line begins, or `end`. */
  #finishLine(bytes: Uint8Array, start: number, end: number): number {
    const lineEnd = bytes.indexOf(LF, start);
    const upTo = lineEnd < 0 ? end : lineEnd;
    if (!this.#skipping) this.#hold(bytes, start, upTo);
    if (lineEnd < 0) {
      if (!this.#skipping && this.#decide(this.#held, 0, this.#heldBytes) === NOT_WANTED) this.#skip();
      return end;
    }
    if (!this.#skipping) {
      const name = this.#decide(this.#held, 0, this.#heldBytes);
      if (name >= 0) this.#read(name, this.#held, 0, this.#heldBytes);
    }
    this.#heldBytes = 0;
    this.#skipping = false;
    return lineEnd + 1;
  }

  #skip(): void {
    this.#heldBytes = 0;
    this.#skipping = true;
  }

  #hold(bytes: Uint8Array, start: number, end: number): void {
    const size = this.#heldBytes + end - start;
    if (size > LINE_BYTES_MAX) {
      this.#malformed++;
      this.#skip();
      return;
    }
    if (size > this.#held.length) {
      const larger = new Uint8Array(Math.min(LINE_BYTES_MAX, Math.max(HELD_BYTES_MIN, size * 2)));
      larger.set(this.#held.subarray(0, this.#heldBytes));
      this.#held = larger;
    }
    this.#held.set(bytes.subarray(start, end), this.#heldBytes);
    this.#heldBytes = size;
  }

  /** A line without its line feed, of a wanted name. */
  #read(name: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#samples >= SAMPLES_MAX || end - start > LINE_BYTES_MAX) {
      this.#malformed++;
      return;
    }
    let at = skipBlanks(bytes, start + this.#wanted.length(name), end);
    this.#labels.clear();
    if (bytes[at] === OPEN && at < end) {
      at = this.#labels.read(bytes, at + 1, end);
      if (at < 0) {
        this.#malformed++;
        return;
      }
    } else if (at === start + this.#wanted.length(name)) {
      this.#malformed++;
      return;
    }
    const value = numberAt(bytes, skipBlanks(bytes, at, end), end);
    if (value === undefined) {
      this.#malformed++;
      return;
    }
    this.#samples++;
    this.#sink.sample(name, value, this.#labels);
  }
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}

function skipBlanks(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isBlank(bytes[at]!)) at++;
  return at;
}

/** Up to the next blank, the end, or a CR before the end; undefined where it is no number. */
function numberAt(bytes: Uint8Array, start: number, end: number): number | undefined {
  let text = "";
  for (let at = start; at < end && !isBlank(bytes[at]!); at++) {
    if (bytes[at] === 0x0d && at === end - 1) break;
    if (text.length === VALUE_BYTES_MAX) return undefined;
    text += String.fromCharCode(bytes[at]!);
  }
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return Number(text);
  switch (text.toLowerCase()) {
    case "nan":
      return Number.NaN;
    case "inf":
    case "+inf":
      return Number.POSITIVE_INFINITY;
    case "-inf":
      return Number.NEGATIVE_INFINITY;
    default:
      return undefined;
  }
}
