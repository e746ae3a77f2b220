/**
 * RFC 8259 as tables: classes of bytes, states of a number, states of the scanner.
 *
 * UTF-8 is that of RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF.
 */

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;

/** 1: a byte that stands for itself inside a string: ASCII but quote, backslash and control characters. */
export const PLAIN = new Uint8Array(256);
for (let byte = 0x20; byte < 0x80; byte++) PLAIN[byte] = byte === QUOTE || byte === BACKSLASH ? 0 : 1;

/** For each lead byte, how many continuation bytes follow; 0: not a lead byte. */
export const FOLLOWERS = new Uint8Array(256).fill(1, 0xc2, 0xe0).fill(2, 0xe0, 0xf0).fill(3, 0xf0, 0xf5);
/** Bounds of the first continuation byte after that lead byte. */
export const SECOND_MIN = new Uint8Array(256).fill(0x80);
export const SECOND_MAX = new Uint8Array(256).fill(0xbf);
SECOND_MIN[0xe0] = 0xa0;
SECOND_MAX[0xed] = 0x9f;
SECOND_MIN[0xf0] = 0x90;
SECOND_MAX[0xf4] = 0x8f;

/** What a backslash and that byte stand for; 0: nothing. */
export const ESCAPED = new Uint8Array(256);
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};
for (const [name, text] of Object.entries(ESCAPES)) ESCAPED[name.charCodeAt(0)] = text.charCodeAt(0);

/** Value of a hexadecimal digit; 255: not one. */
export const HEX = new Uint8Array(256).fill(255);
for (let digit = 0; digit < 16; digit++) {
  HEX[digit.toString(16).charCodeAt(0)] = digit;
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

/** Scanner states. From IN_NUMBER on a token is under way. */
export const BEFORE_VALUE = 0;
export const BEFORE_FIRST_ELEMENT = 1;
export const BEFORE_FIRST_KEY = 2;
export const BEFORE_KEY = 3;
export const BEFORE_COLON = 4;
export const AFTER_VALUE = 5;
export const AT_END = 6;
export const FAILED = 7;
export const IN_NUMBER = 8;
export const IN_LITERAL = 9;
/** Inside a string: plain, behind a backslash, behind `\u`. */
export const IN_STRING = 10;
export const IN_ESCAPE = 11;
export const IN_HEX = 12;

/** What is right in each of the structural states. */
export const EXPECTED: readonly string[] = [
  "a value",
  "a value or ]",
  "a key in quotes or }",
  "a key in quotes",
  "a colon",
  "a comma or the end of what is open",
  "nothing but white space",
];
