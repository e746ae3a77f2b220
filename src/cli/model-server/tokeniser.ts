/**
 * The model server's tokeniser: every four bytes of UTF-8 are one token, the last one of a text may have fewer.
 *
 * It is no model's vocabulary, and need not be: what routing sees of tokens is their number (English takes about four
 * bytes per token) and whether two prompts begin with the same ones. Both hold here, exactly and everywhere: same text, same tokens;
 * a text that goes on from a prefix of whole tokens begins with that prefix's tokens.
 *
 * Numbers from FIRST_TEXT on stand for text (a hash of its bytes; two texts in 131,072 share one), those below for structure:
 * the marks of the chat template, which no text can contain.
 */
import { mixed } from "../../std/murmur3.ts";

export const TOKEN_BYTES = 4;
/** As many as current models have. */
const VOCABULARY = 131_072;
const FIRST_TEXT = 256;

export const MARKS = {
  begin: 1,
  system: 2,
  developer: 3,
  user: 4,
  assistant: 5,
  tool: 6,
  tools: 7,
  media: 8,
  end: 9,
} as const;

/** Tokens of an image, sound or file: what a picture of 512 pixels a side takes, more or less. */
export const MEDIA_TOKENS = 256;

/** Appends the text's tokens. */
export function tokenise(text: string, into: number[]): void {
  const bytes = Buffer.from(text, "utf8");
  for (let at = 0; at < bytes.length; at += TOKEN_BYTES) {
    const size = Math.min(TOKEN_BYTES, bytes.length - at);
    let word = 0;
    for (let i = 0; i < size; i++) word = (word << 8) | bytes[at + i]!;
    into.push(FIRST_TEXT + ((mixed(word + size) >>> 0) % (VOCABULARY - FIRST_TEXT)));
  }
}

/** Appends what stands for one image, sound or file: equal data, equal tokens. */
export function tokeniseMedia(data: string, into: number[]): void {
  let word = data.length;
  for (let i = 0; i < data.length; i++) word = Math.imul(word ^ data.charCodeAt(i), 0x9e3779b1);
  into.push(MARKS.media);
  for (let i = 1; i < MEDIA_TOKENS; i++)
    into.push(FIRST_TEXT + ((mixed(word + i) >>> 0) % (VOCABULARY - FIRST_TEXT)));
}
