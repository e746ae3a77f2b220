/**
 * One JSON number (RFC 8259 section 6) as it comes in, cut anywhere: its grammar, its text and its value.
 *
 * NUMBER_BYTES_MAX bytes of text are kept; a longer number is lawful, but its value is not known.
 */
export const NUMBER_BYTES_MAX = 40;

const MINUS = 0x2d;

/** States. */
const AFTER_MINUS = 0;
const AFTER_ZERO = 1;
const IN_INTEGER = 2;
const AFTER_POINT = 3;
const IN_FRACTION = 4;
const AFTER_E = 5;
const AFTER_E_SIGN = 6;
const IN_EXPONENT = 7;
/** Not part of a number. */
const NO_NUMBER = 8;

/** By state and byte class (0 digit zero, 1 other digits, 2 point, 3 e, 4 plus, 5 minus, 6 other). */
const NUMBER_NEXT = new Uint8Array(8 * 7).fill(NO_NUMBER);
const NUMBER_CLASS = new Uint8Array(256).fill(6);
NUMBER_CLASS.fill(1, 0x31, 0x3a);
NUMBER_CLASS[0x30] = 0;
NUMBER_CLASS[0x2e] = 2;
NUMBER_CLASS[0x65] = 3;
NUMBER_CLASS[0x45] = 3;
NUMBER_CLASS[0x2b] = 4;
NUMBER_CLASS[0x2d] = 5;
const NUMBER_STEPS: readonly (readonly [from: number, classes: readonly number[], to: number])[] = [
  [AFTER_MINUS, [0], AFTER_ZERO],
  [AFTER_MINUS, [1], IN_INTEGER],
  [AFTER_ZERO, [2], AFTER_POINT],
  [AFTER_ZERO, [3], AFTER_E],
  [IN_INTEGER, [0, 1], IN_INTEGER],
  [IN_INTEGER, [2], AFTER_POINT],
  [IN_INTEGER, [3], AFTER_E],
  [AFTER_POINT, [0, 1], IN_FRACTION],
  [IN_FRACTION, [0, 1], IN_FRACTION],
  [IN_FRACTION, [3], AFTER_E],
  [AFTER_E, [0, 1], IN_EXPONENT],
  [AFTER_E, [4, 5], AFTER_E_SIGN],
  [AFTER_E_SIGN, [0, 1], IN_EXPONENT],
  [IN_EXPONENT, [0, 1], IN_EXPONENT],
];
for (const [from, classes, to] of NUMBER_STEPS) for (const each of classes) NUMBER_NEXT[from * 7 + each] = to;

export class JsonNumber {
  /** The first `kept` bytes are the number's text. */
  readonly text = new Uint8Array(NUMBER_BYTES_MAX);
  #length = 0;
  #state = NO_NUMBER;
  #integer = 0;

  /** False: no number begins with that byte. */
  begin(byte: number): boolean {
    const kind = NUMBER_CLASS[byte]!;
    if (kind === 0) this.#state = AFTER_ZERO;
    else if (kind === 1) this.#state = IN_INTEGER;
    else if (kind === 5) this.#state = AFTER_MINUS;
    else return false;
    this.text[0] = byte;
    this.#length = 1;
    this.#integer = byte & 0x0f;
    return true;
  }

  /** Up to the first byte that does not belong to it. */
  read(bytes: Uint8Array, from: number, end: number): number {
    const { text } = this;
    let state = this.#state;
    let length = this.#length;
    let integer = this.#integer;
    let at = from;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      const next = NUMBER_NEXT[state * 7 + NUMBER_CLASS[byte]!]!;
      if (next === NO_NUMBER) break;
      if (length < NUMBER_BYTES_MAX) text[length] = byte;
      length++;
      integer = integer * 10 + (byte & 0x0f);
      state = next;
    }
    this.#state = state;
    this.#length = length;
    this.#integer = integer;
    return at;
  }

  /**
   * A whole integer of up to 9 digits, with no sign, whose end is in sight: the place behind it. Otherwise `start`, and
   * nothing is taken. The first byte is a digit but 0.
   */
  readShort(bytes: Uint8Array, start: number, end: number): number {
    const { text } = this;
    const stop = Math.min(end, start + 10);
    let integer = 0;
    for (let at = start; at < stop; at++) {
      const byte = bytes[at]!;
      if (byte < 0x30 || byte > 0x39) {
        if (NUMBER_CLASS[byte] !== 6) return start;
        this.#integer = integer;
        this.#length = at - start;
        this.#state = IN_INTEGER;
        return at;
      }
      text[at - start] = byte;
      integer = integer * 10 + (byte & 0x0f);
    }
    return start;
  }

  get isWhole(): boolean {
    const state = this.#state;
    return state === AFTER_ZERO || state === IN_INTEGER || state === IN_FRACTION || state === IN_EXPONENT;
  }

  get kept(): number {
    return Math.min(this.#length, NUMBER_BYTES_MAX);
  }

  /** Written with up to 15 digits and nothing else, as counts and token ids are; otherwise -1. Costs nothing. */
  get plainInteger(): number {
    const isPlain = this.#state <= IN_INTEGER && this.#length <= 15 && this.text[0] !== MINUS;
    return isPlain ? this.#integer : -1;
  }

  /** As a double; NaN where it is longer than what is kept. */
  get value(): number {
    const plain = this.plainInteger;
    if (plain >= 0) return plain;
    if (this.#length > NUMBER_BYTES_MAX) return Number.NaN;
    let text = "";
    for (let i = 0; i < this.#length; i++) text += String.fromCharCode(this.text[i]!);
    return Number(text);
  }
}
