/**
 * One exchange as one line of JSON: what was asked, where it went, how long each step took, who ended it and why.
 *
 * Fields and their units are documented in docs/observability.md. Numbers are written by hand because this runs once
 * per request; whatever a client can influence goes through JSON.stringify.
 */
import type { AttemptRecord, ExchangeRecord } from "../../app/record.ts";

export function accessLine(exchange: ExchangeRecord, time: Date): string {
  const { rule, refusal, attempts } = exchange;
  return (
    `{"time":"${time.toISOString()}","requestId":"${exchange.requestId}","client":"${exchange.client}",` +
    `"port":${exchange.port},"method":${JSON.stringify(exchange.method)},"host":${JSON.stringify(exchange.host)},` +
    `"path":${JSON.stringify(exchange.path)},"route":${text(rule?.rule.id)},"pool":${text(exchange.pool)},` +
    `"class":${text(exchange.work)},` +
    `"status":${exchange.status},"refusal":${text(refusal)},"endedBy":"${exchange.endedBy}",` +
    `"why":${JSON.stringify(exchange.why)},"attempts":[${attempts.map(attemptText).join(",")}],` +
    retryStopText(exchange.retryStop) +
    `"headMs":${ms(exchange.headMs)},"waitedMs":${ms(exchange.waitedMs)},"firstByteMs":${ms(exchange.firstByteMs)},"totalMs":${ms(exchange.totalMs)},` +
    promptText(exchange) +
    `"bytesIn":${exchange.bytesIn},"bytesOut":${exchange.bytesOut}}`
  );
}

/** Only where a failed attempt was the last. */
function retryStopText(reason: string): string {
  return reason === "" ? "" : `"retryStop":"${reason}",`;
}

/** Only of prompts. */
function promptText({ api, model, firstTokenMs, usage }: ExchangeRecord): string {
  if (api === undefined) return "";
  const tokens = usage ?? { promptTokens: -1, cachedTokens: -1, outputTokens: -1 };
  return (
    `"api":"${api}","model":${text(model)},"firstTokenMs":${ms(firstTokenMs)},` +
    `"promptTokens":${count(tokens.promptTokens)},"cachedTokens":${count(tokens.cachedTokens)},` +
    `"outputTokens":${count(tokens.outputTokens)},`
  );
}

/** -1: not told. */
function count(tokens: number): string {
  return tokens < 0 ? "null" : String(tokens);
}

function attemptText(attempt: AttemptRecord): string {
  return (
    `{"endpoint":"${attempt.endpoint}","decision":${attempt.decision},"outcome":"${attempt.outcome}","reused":${attempt.reused},` +
    `"connectMs":${ms(attempt.connectMs)},"firstByteMs":${ms(attempt.firstByteMs)},"totalMs":${ms(attempt.totalMs)}}`
  );
}

function text(value: string | undefined): string {
  return value === undefined ? "null" : JSON.stringify(value);
}

/** Milliseconds to the microsecond. */
function ms(value: number | undefined): string {
  return value === undefined ? "null" : String(Math.round(value * 1000) / 1000);
}
