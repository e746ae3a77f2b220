/**
 * The law of forwarding: what we pass on, we would ourselves accept, and it means the same; fields for one hop stay
 * behind, and what we say about the client cannot be forged. A second, slow account of `forward.ts`, by names.
 */
import assert from "node:assert/strict";
import { CHUNKED, UNTIL_CLOSE } from "../../src/edge/http/wire/framing.ts";
import {
  FORWARDED_BY,
  readRequests,
  readResponses,
  type OurRequest,
  type OurResponse,
} from "./our-reading.ts";
import type { Field, MessageReading } from "./reading.ts";

const HOP_BY_HOP = [
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
];
const OURS = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id"];
/** With `_` for `-`, a CGI endpoint could not tell these from the fields that they look like. */
const NEVER_DISGUISED = new Set([...HOP_BY_HOP, ...OURS, "content-length"]);
/** Options and fields that a Connection field cannot take away. */
const NOT_NOMINATED = new Set(["close", "keep-alive", "upgrade", "expect"]);

export function assertForwardedAlike(request: OurRequest): void {
  const { messages, stop } = readRequests(bytesOf(request));
  assert.equal(messages.length, 1, `forwarded request reads as ${messages.length}: ${JSON.stringify(stop)}`);
  const again = messages[0]!;
  const { method, target, authority, body, trailers, bodyLength, upgradesToWebSocket, expectsContinue } =
    request;
  const same = {
    method,
    target,
    authority,
    body,
    trailers,
    bodyLength,
    upgradesToWebSocket,
    expectsContinue,
  };
  assert.partialDeepStrictEqual(again, { ...same, whole: true, minorVersion: 1, keepAlive: true });

  const kept = request.fields.filter(
    ([name]) => !isDropped(request, name, OURS) && !(name.toLowerCase() === "expect" && !expectsContinue),
  );
  const isHostKept = !request.absoluteForm && authority !== "";
  const others = kept.filter(([name]) => name.toLowerCase() !== "host");
  const expected: readonly Field[] = isHostKept ? kept : [["Host", authority], ...others];
  assert.deepEqual(again.fields, withOurs(request, expected));
}

function withOurs(request: OurRequest, kept: readonly Field[]): Field[] {
  const before = request.fields
    .filter(([name, value]) => name.toLowerCase() === "x-forwarded-for" && value !== "")
    .map(([, value]) => `${value}, `);
  const ours: Field[] = [
    ["X-Forwarded-For", before.join("") + FORWARDED_BY.client],
    ["X-Forwarded-Proto", "http"],
    ["X-Forwarded-Host", request.authority],
    ["X-Request-Id", FORWARDED_BY.requestId],
  ];
  if (request.bodyLength === CHUNKED) ours.push(["Transfer-Encoding", "chunked"]);
  if (request.upgradesToWebSocket) ours.push(["Connection", "Upgrade"], ["Upgrade", "websocket"]);
  return [...kept, ...ours];
}

/** `method`: of the request that is answered. Bodies until close are chunked by the exchange, so only heads count. */
export function assertAnswerForwardedAlike(response: OurResponse, method: string): void {
  const untilClose = response.bodyLength === UNTIL_CLOSE;
  const bytes = untilClose ? Buffer.from(`${response.forwardedHead}0\r\n\r\n`, "latin1") : bytesOf(response);
  const { messages, stop } = readResponses(bytes, [method], false);
  assert.equal(messages.length, 1, `forwarded response reads as ${messages.length}: ${JSON.stringify(stop)}`);
  const { status, reason, body, trailers, bodyLength } = response;
  const length = untilClose ? CHUNKED : bodyLength;
  assert.partialDeepStrictEqual(messages[0], {
    whole: true,
    minorVersion: 1,
    keepAlive: true,
    status,
    reason,
  });
  assert.partialDeepStrictEqual(
    messages[0],
    untilClose ? { bodyLength: length } : { body, trailers, bodyLength },
  );

  const added: Field[] = length === CHUNKED ? [["Transfer-Encoding", "chunked"]] : [];
  if (status === 101) added.push(["Connection", "Upgrade"], ["Upgrade", "websocket"]);
  // Where no body can be, a length of 0 is accepted and goes no further.
  const lengthless = status < 200 || status === 204;
  const kept = response.fields.filter(
    ([name]) => !isDropped(response, name, []) && !(lengthless && name.toLowerCase() === "content-length"),
  );
  assert.deepEqual(messages[0]!.fields, [...kept, ...added]);
}

function bytesOf(message: { readonly forwardedHead: string; readonly forwardedBody: string }): Buffer {
  return Buffer.from(message.forwardedHead + message.forwardedBody, "latin1");
}

function isDropped(message: MessageReading, name: string, ours: readonly string[]): boolean {
  const lower = name.toLowerCase();
  if (HOP_BY_HOP.includes(lower) || ours.includes(lower)) return true;
  if (lower.includes("_") && NEVER_DISGUISED.has(lower.replaceAll("_", "-"))) return true;
  return nominated(message.fields).includes(lower) && !OURS.includes(lower);
}

function nominated(fields: readonly Field[]): string[] {
  return fields
    .filter(([name]) => name.toLowerCase() === "connection")
    .flatMap(([, value]) => value.toLowerCase().split(","))
    .map((option) => option.replace(/^[\t ]+|[\t ]+$/g, ""))
    .filter((option) => option !== "" && !NOT_NOMINATED.has(option));
}
