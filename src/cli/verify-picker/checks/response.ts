/**
 * The response phase in full duplex: streamed answers go through without delay and without a change, and the served endpoint may be another.
 */
import type { PickerStream } from "../../../edge/extproc-client/picker-stream.ts";
import type { Check } from "../check.ts";
import { mustHold } from "../fault.ts";
import { destinationOf } from "../destination.ts";
import { askFullDuplex, FULL_DUPLEX, mustBeSent, type Decision } from "../dialogue.ts";
import { chatBody, requestHeaders } from "../requests.ts";
import {
  echoed,
  JSON_HEAD,
  respondHeaders,
  respondTrailers,
  servedAsDecided,
  servedBy,
  SSE_HEAD,
} from "../response-dialogue.ts";
import type { Stand } from "../stand.ts";

const TOKENS = 20;
/** "A few milliseconds" for the middle one of them; what is above is felt by every token of every answer. */
const ECHO_MS_MAX = 20;

export const sseResponse: Check = {
  name: "sse-response",
  test: 10,
  rule: 6,
  title: "each event of a streamed answer comes back at once and as it was, before the next is sent",
  run: async (stand) => {
    const { stream, decision } = await decide(stand);
    const metadata = servedAsDecided(decision);
    await respondHeaders(stream, stand.settings, SSE_HEAD, { endOfStream: false, metadata });
    const tookMs: number[] = [];
    for (const event of events()) {
      tookMs.push(await echoed(stream, stand.settings, Buffer.from(event), event.includes("[DONE]")));
    }
    tookMs.sort((a, b) => a - b);
    const middleMs = tookMs[tookMs.length >> 1]!;
    mustHold(middleMs <= ECHO_MS_MAX, `an event takes ${middleMs.toFixed(1)} ms, half of them more`);
    return `an event takes ${middleMs.toFixed(2)} ms, at most ${tookMs.at(-1)!.toFixed(2)} ms`;
  },
};

export const jsonResponse: Check = {
  name: "json-response",
  test: 10,
  rule: 6,
  title: "an answer of 200 KB in parts, and an empty last part, come back as they were",
  run: async (stand) => {
    const { stream, decision } = await decide(stand);
    const metadata = servedAsDecided(decision);
    await respondHeaders(stream, stand.settings, JSON_HEAD, { endOfStream: false, metadata });
    const text = '{"id":"1","choices":[{"message":{"content":"' + "ship ".repeat(40_000) + '"}}]}';
    const body = Buffer.from(text);
    for (let at = 0; at < body.length; at += 16_384) {
      await echoed(stream, stand.settings, body.subarray(at, at + 16_384), false);
    }
    await echoed(stream, stand.settings, Buffer.alloc(0), true);
  },
};

export const responseTrailers: Check = {
  name: "response-trailers",
  test: 10,
  rule: 6,
  title: "trailers of a response are replied to, after a body without an end of its own",
  run: async (stand) => {
    const { stream, decision } = await decide(stand);
    const metadata = servedAsDecided(decision);
    await respondHeaders(stream, stand.settings, JSON_HEAD, { endOfStream: false, metadata });
    await echoed(stream, stand.settings, Buffer.from('{"id":"1"}'), false);
    await respondTrailers(stream, stand.settings);
  },
};

export const servedEndpoint: Check = {
  name: "served-endpoint",
  test: 9,
  rule: 6,
  title: "an answer that another endpoint served, or nobody knows which, goes through all the same",
  run: async (stand) => {
    const endpoints = await stand.endpoints();
    for (const served of ["other", "nobody", "unsaid"] as const) {
      const { stream, decision } = await decide(stand);
      const chosen = destinationOf(decision.headers).first;
      const other = endpoints.find((endpoint) => endpoint !== chosen) ?? chosen;
      const named = { other, nobody: "203.0.113.254:9", unsaid: undefined }[served];
      const metadata = named === undefined ? undefined : servedBy(named);
      await respondHeaders(stream, stand.settings, JSON_HEAD, { endOfStream: false, metadata });
      await echoed(stream, stand.settings, Buffer.from('{"id":"1"}'), true);
    }
  },
};

async function decide(stand: Stand): Promise<{ readonly stream: PickerStream; readonly decision: Decision }> {
  const stream = await stand.stream();
  const verdict = await askFullDuplex(stream, stand.settings, {
    headers: requestHeaders(stand.settings),
    endOfStream: false,
    modes: FULL_DUPLEX,
    chunks: [chatBody(stand.settings)],
  });
  return { stream, decision: mustBeSent(verdict) };
}

function events(): string[] {
  const chunk = (index: number): string =>
    `data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"w${index} "}}]}\n\n`;
  const usage =
    'data: {"id":"1","object":"chat.completion.chunk","choices":[],' +
    '"usage":{"prompt_tokens":50,"completion_tokens":20,"total_tokens":70}}\n\n';
  return [...Array.from({ length: TOKENS }, (_, index) => chunk(index)), usage, "data: [DONE]\n\n"];
}
