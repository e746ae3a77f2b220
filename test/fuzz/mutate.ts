/**
 * Damage to a byte stream, near the places where it matters: line ends, colons, digits.
 */
import type { Prng } from "../../src/std/prng.ts";
import { FRAMING_LINES, chance, oneOf } from "./generate.ts";

/** Bytes that parsers disagree on, singly and in pairs. */
const BYTES = '\r\n\0 \t\x0b\x0c:;,="\\-_+0159afx./#?@[]\x7f\x80\xa0\xff'.split("");
const WORDS = [
  "\r\n",
  "\n\r",
  "\r\r\n",
  "\r\n ",
  "\r\n\t",
  "\r\n\r\n",
  "0\r\n\r\n",
  " HTTP/1.1",
  "chunked",
  "../",
  "%2e",
];

type Mutation = (prng: Prng, text: string) => string;

const MUTATIONS: readonly Mutation[] = [
  // A byte more, a byte less, another byte, another bit.
  (prng, text) => splice(text, place(prng, text), 0, oneOf(prng, BYTES)),
  (prng, text) => splice(text, place(prng, text), 1, ""),
  (prng, text) => splice(text, place(prng, text), 1, oneOf(prng, BYTES)),
  (prng, text) => {
    const at = prng.below(text.length);
    return splice(text, at, 1, String.fromCharCode(text.charCodeAt(at) ^ (1 << prng.below(8))));
  },
  (prng, text) => splice(text, place(prng, text), 0, oneOf(prng, WORDS)),
  // A line more, a line twice, a line less, a line elsewhere, two lines joined by half a line end.
  (prng, text) => splice(text, lineStart(prng, text), 0, `${oneOf(prng, FRAMING_LINES)}\r\n`),
  (prng, text) => {
    const at = lineStart(prng, text);
    return splice(text, at, 0, lineAt(text, at));
  },
  (prng, text) => {
    const at = lineStart(prng, text);
    return splice(text, at, lineAt(text, at).length, "");
  },
  (prng, text) => {
    const at = lineStart(prng, text);
    const line = lineAt(text, at);
    const without = splice(text, at, line.length, "");
    return splice(without, lineStart(prng, without), 0, line);
  },
  (prng, text) => {
    const at = lineStart(prng, text);
    return at < 2 ? text : splice(text, at - 2, 2, oneOf(prng, ["\r", "\n", "\n\r", "", " "]));
  },
  // A letter in another case.
  (prng, text) => {
    const at = place(prng, text);
    return splice(text, at, 1, flipCase(text.charAt(at)));
  },
  // The end is missing.
  (prng, text) => text.slice(0, 1 + prng.below(text.length)),
  // A piece of it again, elsewhere.
  (prng, text) => {
    const from = prng.below(text.length);
    return splice(text, place(prng, text), 0, text.slice(from, from + 1 + prng.below(20)));
  },
];

export function mutate(prng: Prng, bytes: Buffer): Buffer {
  let text = bytes.toString("latin1");
  do {
    if (text === "") break;
    text = oneOf(prng, MUTATIONS)(prng, text);
  } while (chance(prng, 0.4));
  return Buffer.from(text, "latin1");
}

/** Places at which to cut a stream into pieces, ascending. */
export function cutsOf(prng: Prng, bytes: Buffer): number[] {
  const cuts = Array.from({ length: prng.below(6) }, () => 1 + prng.below(Math.max(1, bytes.length - 1)));
  return [...new Set(cuts)].filter((cut) => cut < bytes.length).toSorted((a, b) => a - b);
}

/** Half of the time at or after a mark, else anywhere. */
function place(prng: Prng, text: string): number {
  const at = prng.below(text.length);
  if (chance(prng, 0.5)) return at;
  const mark = text.indexOf(oneOf(prng, ["\r", "\n", ":", " ", "0", ";"]), at);
  return mark === -1 ? at : Math.min(mark + prng.below(2), text.length - 1);
}

function lineStart(prng: Prng, text: string): number {
  const at = text.indexOf("\r\n", prng.below(text.length));
  return at === -1 ? 0 : at + 2;
}

function lineAt(text: string, start: number): string {
  const end = text.indexOf("\r\n", start);
  return text.slice(start, end === -1 ? text.length : end + 2);
}

function flipCase(char: string): string {
  const upper = char.toUpperCase();
  return upper === char ? char.toLowerCase() : upper;
}

function splice(text: string, at: number, remove: number, insert: string): string {
  return text.slice(0, at) + insert + text.slice(at + remove);
}
