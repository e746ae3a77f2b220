/**
 * What the command lines of the benches have in common: lists of known words and whole numbers within bounds. Unknown
 * words are refused with the list of those that exist, so that a typing error never costs a ten-minute run.
 */

/** The words of `list` in the order of `known`, or the sentence that says what is wrong with them. */
export function chosen<T extends string>(
  flag: string,
  list: string,
  known: readonly T[],
): readonly T[] | Error {
  const words = list.split(",").map((word) => word.trim());
  const unknown = words.find((word) => !known.includes(word as T));
  if (unknown !== undefined)
    return new Error(`${flag}: no such thing as "${unknown}"; known: ${known.join(", ")}`);
  return known.filter((word) => words.includes(word));
}

/** A whole number from `least` to `most`, or the sentence that says so. */
export function whole(flag: string, text: string, least: number, most: number): number | Error {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  return new Error(`${flag}: expected ${least} to ${most}`);
}
