/**
 * Writes the head that goes on to the next hop.
 *
 * What passes untouched is sliced from the received bytes in runs as long as possible: a typical request is one run
 * and a few words of ours. What is meant for one hop only (RFC 9110 section 7.6.1) stays behind.
 */
import { FieldKind, type FieldTable } from "./fields.ts";
import { CHUNKED } from "./framing.ts";
import { equalsIgnoreCase } from "./grammar.ts";
import type { RequestHead } from "./request-head.ts";
import type { ResponseHead } from "./response-head.ts";

/** Fields of a request that are not copied: hop-by-hop ones, and those that we write ourselves. */
const REQUEST_DROPS = dropTable([
  FieldKind.TRANSFER_ENCODING,
  FieldKind.CONNECTION,
  FieldKind.UPGRADE,
  FieldKind.KEEP_ALIVE,
  FieldKind.HOP,
  FieldKind.NOMINATED,
  FieldKind.FORWARDED_FOR,
  FieldKind.FORWARDED_PROTO,
  FieldKind.FORWARDED_HOST,
  FieldKind.REQUEST_ID,
]);

const RESPONSE_DROPS = dropTable([
  FieldKind.TRANSFER_ENCODING,
  FieldKind.CONNECTION,
  FieldKind.UPGRADE,
  FieldKind.KEEP_ALIVE,
  FieldKind.HOP,
  FieldKind.NOMINATED,
  // How loaded an endpoint is was said to us, and is no client's concern.
  FieldKind.LOAD,
]);

function dropTable(kinds: readonly number[]): Uint8Array {
  const table = new Uint8Array(16);
  for (const kind of kinds) table[kind] = 1;
  return table;
}

function keptFields(fields: FieldTable, buffer: Buffer, drops: Uint8Array): string {
  let kept = "";
  let runAt = -1;
  for (let i = 0; i < fields.count; i++) {
    if (drops[fields.kind[i]!] === 1) {
      if (runAt !== -1) kept += buffer.toString("latin1", runAt, fields.lineStart(i));
      runAt = -1;
    } else if (runAt === -1) runAt = fields.lineStart(i);
  }
  if (runAt !== -1) kept += buffer.toString("latin1", runAt, fields.lineEnd[fields.count - 1]);
  return kept;
}

export interface ForwardedBy {
  /** The client's address. */
  readonly client: string;
  readonly requestId: string;
}

/** The request's head for the endpoint, ending in the empty line. */
export function requestHeadText(head: RequestHead, buffer: Buffer, by: ForwardedBy): string {
  let text = fieldsText(head, buffer, by);
  if (head.bodyLength === CHUNKED) text += "Transfer-Encoding: chunked\r\n";
  if (head.upgradesToWebSocket) text += "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  return `${text}\r\n`;
}

/**
 * The same for a body that is read here before it goes on, without its length and its end: see `statedHead`. The answer is read
 * too, so the endpoint is asked not to compress it.
 */
export function unframedHeadText(head: RequestHead, buffer: Buffer, by: ForwardedBy): string {
  const { fields } = head;
  for (let i = 0; i < fields.count; i++) {
    const kind = fields.kind[i];
    if (
      isOurs(buffer, fields.nameAt[i]!, fields.nameEnd[i]!) ||
      kind === FieldKind.CONTENT_LENGTH ||
      kind === FieldKind.EXPECT
    ) {
      fields.kind[i] = FieldKind.NOMINATED;
    }
  }
  return `${fieldsText(head, buffer, by)}Accept-Encoding: identity\r\n`;
}

/** What we say ourselves to a model server: nobody may say it in our stead. */
const SAID_TO_MODEL_SERVERS = [
  "accept-encoding",
  "x-prefiller-host-port",
  "x-encoder-hosts-ports",
  "x-data-parallel-host-port",
  "x-kv-cache-source-host-port",
  "x-gateway-destination-endpoint",
];

function isOurs(buffer: Buffer, nameAt: number, nameEnd: number): boolean {
  return SAID_TO_MODEL_SERVERS.some((name) => equalsIgnoreCase(buffer, nameAt, nameEnd, name));
}

export function statedHead(unframed: string, bodyBytes: number): string {
  return `${unframed}Content-Length: ${bodyBytes}\r\n\r\n`;
}

function fieldsText(head: RequestHead, buffer: Buffer, by: ForwardedBy): string {
  const { fields } = head;
  let text = `${head.method} ${head.target} HTTP/1.1\r\n`;
  if (head.absoluteForm || head.authority === "") {
    // The Host field, if any, is rewritten from the target: RFC 9112 section 3.2.2.
    for (let i = 0; i < fields.count; i++) {
      if (fields.kind[i] === FieldKind.HOST) fields.kind[i] = FieldKind.NOMINATED;
    }
    text += `Host: ${head.authority}\r\n`;
  }
  text += keptFields(fields, buffer, REQUEST_DROPS);
  text += `X-Forwarded-For: ${forwardedBefore(fields, buffer)}${by.client}\r\n`;
  text += `X-Forwarded-Proto: http\r\nX-Forwarded-Host: ${head.authority}\r\nX-Request-Id: ${by.requestId}\r\n`;
  return text;
}

/** The addresses that earlier proxies noted, each followed by a comma and a space. */
function forwardedBefore(fields: FieldTable, buffer: Buffer): string {
  let before = "";
  for (let i = 0; i < fields.count; i++) {
    if (fields.kind[i] !== FieldKind.FORWARDED_FOR || fields.valueAt[i] === fields.valueEnd[i]) continue;
    before += `${fields.value(buffer, i)}, `;
  }
  return before;
}

export interface AnswerForm {
  /** Undefined: the endpoint has named the request itself, or the response is an interim one. */
  readonly requestId: string | undefined;
  /** The body goes on in chunks. */
  readonly chunked: boolean;
  /** `keep-alive` need be said only to HTTP/1.0 clients; undefined says nothing. */
  readonly connection: "close" | "keep-alive" | "Upgrade" | undefined;
}

/** The length that the endpoint has stated is not that of the body that goes on. */
export function unstateLength({ fields }: ResponseHead): void {
  for (let i = 0; i < fields.count; i++) {
    if (fields.kind[i] === FieldKind.CONTENT_LENGTH) fields.kind[i] = FieldKind.NOMINATED;
  }
}

/** A response's head for the client, ending in the empty line. */
export function responseHeadText(head: ResponseHead, buffer: Buffer, form: AnswerForm): string {
  let text = `HTTP/1.1 ${head.status} ${head.reason}\r\n${keptFields(head.fields, buffer, RESPONSE_DROPS)}`;
  if (form.requestId !== undefined) text += `X-Request-Id: ${form.requestId}\r\n`;
  if (form.chunked) text += "Transfer-Encoding: chunked\r\n";
  if (form.connection === "Upgrade") text += "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  else if (form.connection !== undefined) text += `Connection: ${form.connection}\r\n`;
  return `${text}\r\n`;
}

/** Beside the fields that the proxy knows: who asks, for whom, and what the body is, is settled before the body. */
const NEVER_TRAILERS: ReadonlySet<string> = new Set([
  "authorization",
  "cache-control",
  "content-encoding",
  "content-range",
  "content-type",
  "cookie",
  "forwarded",
  "proxy-authorization",
  "set-cookie",
  "trailer",
]);

/**
 * A trailer section for the next hop, with its ending empty line. Undefined if a trailer would frame, route or
 * re-address the message, which no trailer may (RFC 9110 section 6.5.1): some endpoints merge trailers into the head.
 */
export function trailerText(fields: FieldTable, buffer: Buffer): string | undefined {
  for (let i = 0; i < fields.count; i++) {
    if (fields.kind[i] === FieldKind.LOAD) continue;
    if (fields.kind[i] !== FieldKind.OTHER) return undefined;
    const name = buffer.toString("latin1", fields.nameAt[i], fields.nameEnd[i]).toLowerCase();
    if (NEVER_TRAILERS.has(name.replaceAll("_", "-"))) return undefined;
  }
  return `${keptFields(fields, buffer, RESPONSE_DROPS)}\r\n`;
}
