/**
 * The labels of one sample of a metrics page: offsets into the line, and strings only of what is asked for.
 *
 * Good while the line's bytes are, which is one call of the reader's sink.
 */

/** Of one sample; beyond: malformed. The widest series known (DCGM's) has 15. */
const LABELS_MAX = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const EQUALS = 0x3d;
const COMMA = 0x2c;
const CLOSE = 0x7d;
const SP = 0x20;
const HTAB = 0x09;

const decoder = new TextDecoder();

export class SampleLabels {
  #bytes: Uint8Array = new Uint8Array(0);
  #count = 0;
  readonly #nameAt = new Int32Array(LABELS_MAX);
  readonly #nameEnd = new Int32Array(LABELS_MAX);
  readonly #valueAt = new Int32Array(LABELS_MAX);
  /** The closing quote; negative (its complement): there are escapes before it. */
  readonly #valueEnd = new Int32Array(LABELS_MAX);

  clear(): void {
    this.#count = 0;
  }

  /** From after the `{`; returns the index after the `}`, or -1 where it is malformed. */
  read(bytes: Uint8Array, start: number, end: number): number {
    this.#bytes = bytes;
    let at = blanks(bytes, start, end);
    for (;;) {
      if (at >= end) return -1;
      if (bytes[at] === CLOSE) return at + 1;
      if (this.#count === LABELS_MAX) return -1;
      at = this.#readOne(bytes, at, end);
      if (at < 0) return -1;
      at = blanks(bytes, at, end);
      if (bytes[at] === COMMA && at < end) at = blanks(bytes, at + 1, end);
      else if (bytes[at] !== CLOSE) return -1;
    }
  }

  #readOne(bytes: Uint8Array, start: number, end: number): number {
    const label = this.#count;
    let at = start;
    while (at < end && bytes[at] !== EQUALS && bytes[at] !== QUOTE) at++;
    if (at >= end || bytes[at] !== EQUALS || at === start) return -1;
    this.#nameAt[label] = start;
    let nameEnd = at;
    while (nameEnd > start && (bytes[nameEnd - 1] === SP || bytes[nameEnd - 1] === HTAB)) nameEnd--;
    this.#nameEnd[label] = nameEnd;
    at = blanks(bytes, at + 1, end);
    if (at >= end || bytes[at] !== QUOTE) return -1;
    this.#valueAt[label] = ++at;
    let hasEscapes = false;
    while (at < end && bytes[at] !== QUOTE) {
      if (bytes[at] === BACKSLASH) {
        hasEscapes = true;
        at++;
      }
      at++;
    }
    if (at >= end) return -1;
    this.#valueEnd[label] = hasEscapes ? ~at : at;
    this.#count++;
    return at + 1;
  }

  /** The value of the label of this (ASCII) name; undefined: there is none. */
  get(name: string): string | undefined {
    const label = this.#find(name);
    if (label < 0) return undefined;
    const end = this.#valueEnd[label]!;
    return end >= 0
      ? decoder.decode(this.#bytes.subarray(this.#valueAt[label], end))
      : this.#unescaped(label);
  }

  /** Without making a string of it: does the label have this (ASCII, unescaped) value? */
  is(name: string, value: string): boolean {
    const label = this.#find(name);
    return label >= 0 && equals(this.#bytes, this.#valueAt[label]!, this.#valueEnd[label]!, value);
  }

  #find(name: string): number {
    for (let i = 0; i < this.#count; i++) {
      if (equals(this.#bytes, this.#nameAt[i]!, this.#nameEnd[i]!, name)) return i;
    }
    return -1;
  }

  #unescaped(label: number): string {
    const start = this.#valueAt[label]!;
    const end = ~this.#valueEnd[label]!;
    const plain = new Uint8Array(end - start);
    let count = 0;
    for (let at = start; at < end; at++) {
      if (this.#bytes[at] !== BACKSLASH) plain[count++] = this.#bytes[at]!;
      // `\n` is a line feed; a backslash before anything else stands for what follows it.
      else plain[count++] = this.#bytes[++at] === 0x6e ? 0x0a : this.#bytes[at]!;
    }
    return decoder.decode(plain.subarray(0, count));
  }
}

function blanks(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at++;
  return at;
}

function equals(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
  return true;
}
