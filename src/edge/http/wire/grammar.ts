/**
 * The character classes of HTTP/1.1 as lookup tables: one load decides whether a byte may stand where it does.
 *
 * Source: RFC 9110 section 5.6.2 (token), section 5.5 (field values), RFC 9112 section 3.2 (request target).
 * Anything outside a class is refused, never repaired.
 */

function tableOf(allowed: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (allowed(byte) ? 1 : 0));
}

const TOKEN_MARKS = "!#$%&'*+-.^_`|~";

function isAlphanumeric(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}

/** Methods, field names, chunk extension names. */
export const TOKEN = tableOf(
  (byte) => isAlphanumeric(byte) || TOKEN_MARKS.includes(String.fromCharCode(byte)),
);

/** Field values: visible ASCII, space, tab, and the obs-text bytes 0x80-0xFF. No other control character. */
export const FIELD_VALUE = tableOf((byte) => byte === 0x09 || (byte >= 0x20 && byte !== 0x7f));

/** Request targets: visible ASCII but `#`; browsers do send `|` and `{`, which RFC 3986 would have encoded. */
export const TARGET = tableOf((byte) => byte > 0x20 && byte < 0x7f && byte !== 0x23);

/**
 * Host and port: the unreserved characters of a reg-name, IPv4 and bracketed IPv6 (RFC 3986 section 3.2.2). No user
 * information, and none of the percent codes and punctuation that RFC 3986 would allow: no host has them in its name,
 * servers disagree on decoding them, and a comma is two Hosts that somebody joined.
 */
export const AUTHORITY = tableOf(
  (byte) => isAlphanumeric(byte) || "-._~:[]".includes(String.fromCharCode(byte)),
);

/** The value of a hexadecimal digit, 255 for any other byte. */
export const HEX = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : 255;
});

export const CR = 0x0d;
export const LF = 0x0a;
export const SP = 0x20;
export const HTAB = 0x09;
export const COLON = 0x3a;
export const SLASH = 0x2f;

/** Whether the bytes in [start, end) are `word`, whose letters are lower case ASCII, in any case. */
export function equalsIgnoreCase(buffer: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) {
    const byte = buffer[start + i]!;
    const wanted = word.charCodeAt(i);
    // 0x20 folds letters to lower case; any other byte must be the very one.
    if (byte !== wanted && ((byte | 0x20) !== wanted || wanted < 0x61 || wanted > 0x7a)) return false;
  }
  return true;
}
