/**
 * The gateway's own answers, refusals with their public name in a header; and what an endpoint's answer says to the gateway
 * alone.
 */
import { parseLoadReport } from "../../core/signals/orca.ts";
import type { LoadReport } from "../../model/load-report.ts";
import { REFUSALS, type Refusal } from "../../model/refusal.ts";
import type { ResponseHead } from "./wire/response-head.ts";

/** Reason phrases of 200 and the statuses in the refusal table (RFC 9110 section 15, RFC 6585). */
const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  408: "Request Timeout",
  413: "Content Too Large",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

export interface AnswerFrame {
  readonly requestId: string;
  readonly headRequest: boolean;
  readonly keepAlive: boolean;
}

export interface AnswerOptions extends AnswerFrame {
  /** What exactly was wrong; said to the client where it is the client's to mend. */
  readonly detail: string;
  /** When another try makes sense; undefined: not said. */
  readonly retryAfterMs?: number | undefined;
  /** Undefined: a line of text. */
  readonly body?: OwnBody | undefined;
}

export interface OwnBody {
  readonly type: string;
  readonly text: string;
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
  const plain = `${refusal}: ${meaning}${options.detail === "" ? "" : ` (${options.detail})`}\n`;
  const body = options.body ?? { type: "text/plain; charset=utf-8", text: plain };
  return answerText(status, body, `X-Plimsoll-Refusal: ${refusal}\r\n`, retryAfter, options);
}

/** What the gateway knows better than any endpoint. */
export function ownText(body: OwnBody, options: AnswerFrame): string {
  return answerText(200, body, "", "", options);
}

function answerText(
  status: number,
  { type, text }: OwnBody,
  refusal: string,
  retryAfter: string,
  { requestId, keepAlive, headRequest }: AnswerFrame,
): string {
  return (
    `HTTP/1.1 ${status} ${REASONS[status] ?? ""}\r\nDate: ${httpDate()}\r\n` +
    `Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n` +
    `${refusal}X-Request-Id: ${requestId}\r\n` +
    `${retryAfter}${keepAlive ? "" : "Connection: close\r\n"}\r\n${headRequest ? "" : text}`
  );
}

/** What the endpoint says of its load, if it does. */
export function loadReportIn(head: ResponseHead, buffer: Buffer): LoadReport | undefined {
  const { fields, loadField } = head;
  if (loadField === -1) return undefined;
  const name = buffer.toString("latin1", fields.nameAt[loadField], fields.nameEnd[loadField]).toLowerCase();
  return parseLoadReport(name, fields.value(buffer, loadField));
}
