/**
 * Many small integers in a row, as prompts of token ids are: read in one tight loop, up to INTEGERS_MAX at a time.
 */
export const INTEGERS_MAX = 256;

const COMMA = 0x2c;
const SPACE = 0x20;

export class IntegerList {
  /** The first `count` are what was read. */
  readonly values = new Uint32Array(INTEGERS_MAX);
  count = 0;

  /**
   * Takes integers of 1 to 9 digits without sign or leading zero, each with the comma behind it and the spaces behind that.
   * The place of the first byte that was not taken; whatever stands there, no part of it was.
   */
  read(bytes: Uint8Array, start: number, end: number): number {
    let taken = start;
    let count = 0;
    let at = start;
    while (count < INTEGERS_MAX) {
      let integer = 0;
      const first = at;
      for (; at < end; at++) {
        const digit = bytes[at]! - 0x30;
        if (digit < 0 || digit > 9) break;
        if (at - first === 9) {
          this.count = count;
          return taken;
        }
        integer = integer * 10 + digit;
      }
      if (at === first || at === end || bytes[at] !== COMMA || bytes[first] === 0x30) break;
      at++;
      while (at < end && bytes[at] === SPACE) at++;
      this.values[count++] = integer;
      taken = at;
    }
    this.count = count;
    return taken;
  }
}
