/**
 * A word out of a closed list, with an honest answer to words that are known but not acted on yet.
 */
import { didYouMean, oneOf } from "../read/words.ts";
import type { Objection } from "./fields.ts";

/** Undefined where the word is one of `accepted`. */
export function judgeWord(
  word: string,
  what: string,
  accepted: readonly string[],
  later: readonly string[],
): Objection | undefined {
  if (accepted.includes(word)) return undefined;
  const expected = oneOf(accepted);
  if (later.includes(word)) return { message: `${what} ${word} is not supported yet`, expected };
  return { message: `not a known ${what}${didYouMean(word, accepted)}`, expected };
}
