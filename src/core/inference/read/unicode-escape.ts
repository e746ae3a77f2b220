/**
 * Escapes of the form \u: four digits make a code unit, and a high and a low surrogate one behind the other a code point.
 * A surrogate that stands alone is given as it is.
 */
import { HEX } from "./json-grammar.ts";

export const NO_CODE = -1;

export class UnicodeEscape {
  #digits = 0;
  #unit = 0;
  /** A high surrogate that waits for its low one; 0: none. */
  #high = 0;

  reset(): void {
    this.#high = 0;
  }

  /** Whatever comes but an escape, it has to be told first. */
  get isWaiting(): boolean {
    return this.#high !== 0;
  }

  takeHigh(): number {
    const high = this.#high;
    this.#high = 0;
    return high;
  }

  begin(): void {
    this.#digits = 0;
    this.#unit = 0;
  }

  /** False: no hexadecimal digit. */
  digit(byte: number): boolean {
    const digit = HEX[byte]!;
    if (digit === 255) return false;
    this.#unit = (this.#unit << 4) | digit;
    this.#digits++;
    return true;
  }

  get isWhole(): boolean {
    return this.#digits === 4;
  }

  /** The code point that is now known; NO_CODE: a high surrogate, which waits. A lone one before it is to be taken first. */
  takeCode(): number {
    const unit = this.#unit;
    if (this.#high !== 0 && unit >= 0xdc00 && unit < 0xe000) {
      return 0x10000 + ((this.takeHigh() - 0xd800) << 10) + (unit - 0xdc00);
    }
    if (unit < 0xd800 || unit >= 0xdc00) return unit;
    this.#high = unit;
    return NO_CODE;
  }

  /** The high surrogate that waits will stay alone. */
  get isSplit(): boolean {
    return this.#high !== 0 && (this.#unit < 0xdc00 || this.#unit >= 0xe000);
  }
}
