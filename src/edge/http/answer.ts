/**
 * How an answer is put to the client: an endpoint's in the form its HTTP version can take, or the gateway's own, a
 * refusal with its public name in a header; and what an endpoint's answer says to the gateway alone.
 */
import { parseLoadReport } from "../../core/signals/orca.ts";
import type { LoadReport } from "../../model/load-report.ts";
import { REFUSALS, type Refusal } from "../../model/refusal.ts";
import type { AnswerForm } from "./wire/forward.ts";
import { CHUNKED, UNTIL_CLOSE } from "./wire/framing.ts";
import type { ResponseHead } from "./wire/response-head.ts";

/** Reason phrases of the statuses in the refusal table (RFC 9110 section 15, RFC 6585). */
const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  404: "Not Found",
  408: "Request Timeout",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

export interface AnswerOptions {
  /** What exactly was wrong; said to the client where it is the client's to mend. */
  readonly detail: string;
  readonly requestId: string;
  readonly headRequest: boolean;
  readonly keepAlive: boolean;
  /** When another try makes sense; undefined: not said. */
  readonly retryAfterMs?: number | undefined;
}

let dateText = "";
let dateSecond = 0;

/** The Date field's value, made once a second (RFC 9110 section 5.6.7). */
function httpDate(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(second * 1000).toUTCString();
  }
  return dateText;
}

export function refusalText(refusal: Refusal, options: AnswerOptions): string {
  const { status, meaning } = REFUSALS[refusal];
  const { retryAfterMs } = options;
  // RFC 9110 section 10.2.3: whole seconds.
  const retryAfter = retryAfterMs === undefined ? "" : `Retry-After: ${Math.ceil(retryAfterMs / 1000)}\r\n`;
  const body = `${refusal}: ${meaning}${options.detail === "" ? "" : ` (${options.detail})`}\n`;
  return (
    `HTTP/1.1 ${status} ${REASONS[status] ?? ""}\r\nDate: ${httpDate()}\r\n` +
    `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
    `X-Plimsoll-Refusal: ${refusal}\r\nX-Request-Id: ${options.requestId}\r\n` +
    `${retryAfter}${options.keepAlive ? "" : "Connection: close\r\n"}\r\n${options.headRequest ? "" : body}`
  );
}

/** What the endpoint says of its load, if it does. */
export function loadReportIn(head: ResponseHead, buffer: Buffer): LoadReport | undefined {
  const { fields, loadField } = head;
  if (loadField === -1) return undefined;
  const name = buffer.toString("latin1", fields.nameAt[loadField], fields.nameEnd[loadField]).toLowerCase();
  return parseLoadReport(name, fields.value(buffer, loadField));
}

/** An endpoint's response for a client of HTTP/1.`minorVersion` whose connection is to be kept or not. */
export function answerForm(
  head: ResponseHead,
  minorVersion: number,
  requestId: string,
  keepAlive: boolean,
): AnswerForm {
  const chunksKnown = minorVersion === 1;
  return {
    requestId: head.hasRequestId ? undefined : requestId,
    chunked: chunksKnown && (head.bodyLength === CHUNKED || head.bodyLength === UNTIL_CLOSE),
    connection: keepAlive ? (chunksKnown ? undefined : "keep-alive") : "close",
  };
}
