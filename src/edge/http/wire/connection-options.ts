/**
 * What the Connection field says, and which fields it takes off the message at this hop.
 *
 * Source: RFC 9110 section 7.6.1. A message may nominate any of its fields as meant for this hop only; they are
 * marked and dropped when the message is forwarded. Nominating the fields that frame or route a message is an
 * attack on the next hop, and malformed.
 */
import { FieldKind, type FieldTable } from "./fields.ts";

export const ConnectionOption = { CLOSE: 1, KEEP_ALIVE: 2, UPGRADE: 4, MALFORMED: 8 } as const;

const NEVER_NOMINATED = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "content-type",
  "authorization",
]);

/** A bit set of ConnectionOption. */
export function readConnection(fields: FieldTable, buffer: Buffer): number {
  let options = 0;
  for (let i = 0; i < fields.count; i++) {
    if (fields.kind[i] !== FieldKind.CONNECTION) continue;
    const value = fields.value(buffer, i);
    // Nearly every message that has the field has one of these.
    if (value === "keep-alive") options |= ConnectionOption.KEEP_ALIVE;
    else if (value === "close") options |= ConnectionOption.CLOSE;
    else options |= readList(fields, buffer, value);
  }
  return options;
}

function readList(fields: FieldTable, buffer: Buffer, value: string): number {
  let options = 0;
  for (const part of value.toLowerCase().split(",")) {
    const option = part.trim();
    if (option === "close") options |= ConnectionOption.CLOSE;
    else if (option === "keep-alive") options |= ConnectionOption.KEEP_ALIVE;
    else if (option === "upgrade") options |= ConnectionOption.UPGRADE;
    else if (NEVER_NOMINATED.has(option)) options |= ConnectionOption.MALFORMED;
    else if (option !== "") nominate(fields, buffer, option);
  }
  return options;
}

function nominate(fields: FieldTable, buffer: Buffer, name: string): void {
  for (let i = 0; i < fields.count; i++) {
    if (fields.kind[i] !== FieldKind.OTHER) continue;
    if (buffer.toString("latin1", fields.nameAt[i]!, fields.nameEnd[i]!).toLowerCase() === name) {
      fields.kind[i] = FieldKind.NOMINATED;
    }
  }
}
