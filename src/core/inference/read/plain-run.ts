/**
 * Runs of plain bytes inside a JSON string, four at a time.
 */

/**
 * From `from` on: a place at most four bytes before the first byte that is not plain (quote, backslash, control character
 * or beyond ASCII), or fewer than four bytes before `end`. Exact, since all bytes passed are plain: below 0x80, a
 * subtraction reaches a byte's top bit only from below the constant.
 */
export function afterPlain(view: DataView, from: number, end: number): number {
  let at = from;
  for (; at + 4 <= end; at += 4) {
    const word = view.getInt32(at, true);
    const quotes = (word ^ 0x22222222) - 0x01010101;
    const backslashes = (word ^ 0x5c5c5c5c) - 0x01010101;
    if (((word | quotes | backslashes | (word - 0x20202020)) & 0x80808080) !== 0) break;
  }
  return at;
}
