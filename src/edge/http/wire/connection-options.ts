/**
 * What the Connection field says, and which fields it takes off the message at this hop.
 *
 * Source: RFC 9110 section 7.6.1. A message may nominate any of its fields as meant for this hop only; they are
 * marked and dropped when the message is forwarded. Nominating the fields that frame or route a message is an
 * attack on the next hop, and malformed.
 */
import { FieldKind, type FieldTable } from "./fields.ts";
import { equalsIgnoreCase } from "./grammar.ts";

export const ConnectionOption = { CLOSE: 1, KEEP_ALIVE: 2, UPGRADE: 4, MALFORMED: 8 } as const;

const NEVER_NOMINATED = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "content-type",
  "authorization",
]);

/** Options in one Connection line; each is looked for among all fields. Beyond: malformed. */
const OPTIONS_MAX = 32;

/** A token in lower case (RFC 9110 section 5.6.2) amid optional white space, or nothing: lists may have gaps. */
const OPTION = /^[\t ]*([!#$%&'*+\-.^_`|~0-9a-z]*)[\t ]*$/;

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
  const parts = value.toLowerCase().split(",", OPTIONS_MAX + 1);
  if (parts.length > OPTIONS_MAX) return ConnectionOption.MALFORMED;
  for (const part of parts) {
    const option = OPTION.exec(part)?.[1];
    if (option === "close") options |= ConnectionOption.CLOSE;
    else if (option === "keep-alive") options |= ConnectionOption.KEEP_ALIVE;
    else if (option === "upgrade") options |= ConnectionOption.UPGRADE;
    else if (option === undefined || NEVER_NOMINATED.has(option)) options |= ConnectionOption.MALFORMED;
    else if (option !== "") nominate(fields, buffer, option);
  }
  return options;
}

function nominate(fields: FieldTable, buffer: Buffer, name: string): void {
  for (let i = 0; i < fields.count; i++) {
    if (fields.kind[i] !== FieldKind.OTHER) continue;
    if (equalsIgnoreCase(buffer, fields.nameAt[i]!, fields.nameEnd[i]!, name)) {
      fields.kind[i] = FieldKind.NOMINATED;
    }
  }
}

/** Whether the message has an Upgrade field and every one of them says `websocket` and nothing else. */
export function upgradesOnlyToWebSocket(fields: FieldTable, buffer: Buffer): boolean {
  let found = false;
  for (let i = 0; i < fields.count; i++) {
    if (fields.kind[i] !== FieldKind.UPGRADE) continue;
    if (!equalsIgnoreCase(buffer, fields.valueAt[i]!, fields.valueEnd[i]!, "websocket")) return false;
    found = true;
  }
  return found;
}
