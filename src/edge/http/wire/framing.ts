/**
 * How long a message's body is: the one question that, answered differently by two parties, lets requests be smuggled.
 *
 * Source: RFC 9112 section 6.3, with every choice it leaves open made the strict way: Content-Length and
 * Transfer-Encoding together, repeated Content-Length (equal or not), lists in either, any coding but a single
 * `chunked`, signs, blanks, leading zeros (octal, to some), tabs around the value (part of it, to llhttp) and numbers
 * past 2^53: all malformed.
 */
import { FieldKind, type FieldTable } from "./fields.ts";
import { HTAB, equalsIgnoreCase } from "./grammar.ts";

/** A body's length in bytes, or one of the negative marks below. */
export type BodyLength = number;
/** No Content-Length and no Transfer-Encoding: what that means depends on the message. */
export const UNSTATED = -1;
export const CHUNKED = -2;
/** Until the sender closes the connection; responses only. */
export const UNTIL_CLOSE = -3;
export const AMBIGUOUS = -4;

/** 15 digits stay below 2^53, where a double still counts bytes exactly. */
const CONTENT_LENGTH_DIGITS_MAX = 15;

export function statedLength(fields: FieldTable, buffer: Uint8Array): BodyLength {
  let length: BodyLength = UNSTATED;
  for (let i = 0; i < fields.count; i++) {
    const kind = fields.kind[i];
    if (kind !== FieldKind.CONTENT_LENGTH && kind !== FieldKind.TRANSFER_ENCODING) continue;
    if (length !== UNSTATED || hasTab(buffer, fields.nameEnd[i]!, fields.lineEnd[i]!)) return AMBIGUOUS;
    if (kind === FieldKind.CONTENT_LENGTH) {
      length = decimal(buffer, fields.valueAt[i]!, fields.valueEnd[i]!);
      if (length === AMBIGUOUS) return AMBIGUOUS;
    } else {
      if (!equalsIgnoreCase(buffer, fields.valueAt[i]!, fields.valueEnd[i]!, "chunked")) return AMBIGUOUS;
      length = CHUNKED;
    }
  }
  return length;
}

function hasTab(buffer: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (buffer[i] === HTAB) return true;
  return false;
}

function decimal(buffer: Uint8Array, start: number, end: number): BodyLength {
  if (end === start || end - start > CONTENT_LENGTH_DIGITS_MAX) return AMBIGUOUS;
  if (buffer[start] === 0x30 && end - start > 1) return AMBIGUOUS;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = buffer[i]! - 0x30;
    if (digit < 0 || digit > 9) return AMBIGUOUS;
    value = value * 10 + digit;
  }
  return value;
}
