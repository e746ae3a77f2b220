/**
 * The modes in which every message has exactly one reply: buffered and streamed, on the way there and back.
 */
import type { Answer, ProcessingReply } from "../../../edge/extproc-client/messages.ts";
import type { PickerStream } from "../../../edge/extproc-client/picker-stream.ts";
import type { Check } from "../check.ts";
import { Fault, mustHold, Skip } from "../fault.ts";
import { destinationOf, findDestination } from "../destination.ts";
import {
  ask,
  bodyMessage,
  mustBe,
  mustNotRefuse,
  nameOf,
  nextReply,
  replyIn,
  type Limits,
} from "../dialogue.ts";
import { chatBody, requestHeaders, split } from "../requests.ts";
import { JSON_HEAD, respondHeaders, servedBy } from "../response-dialogue.ts";

const RESPONSE = Buffer.from(
  '{"id":"1","object":"chat.completion","usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}',
);

export const buffered: Check = {
  name: "buffered",
  test: 4,
  rule: 2,
  title: "buffered: the header reply does not wait for the body; the one body reply has the destination",
  run: async (stand) => {
    const { settings } = stand;
    const stream = await stand.stream();
    const modes = { requestBody: "BUFFERED", responseBody: "NONE" } as const;
    const opening = { headers: requestHeaders(settings), endOfStream: false, modes };
    mustNotRefuse(await ask(stream, settings, opening));
    const body = chatBody(settings);
    void stream.send(bodyMessage("request", body, true));
    const answer = mustNotRefuse(await nextReply(stream, settings, "body reply"));
    mustBe(answer, "body", "request");
    mustNotStream(answer);
    destinationOf(answer.common.headers);
    mustKeepLength(answer, body);
    await mustBeTheOnlyReply(stream, settings, "body");
  },
};

export const streamed: Check = {
  name: "streamed",
  test: 4,
  rule: 2,
  title: "streamed: the destination is in the header reply, at once, and every part has exactly one reply",
  run: async (stand) => {
    const { settings } = stand;
    const stream = await stand.stream();
    const modes = { requestBody: "STREAMED", responseBody: "STREAMED" } as const;
    const headers = requestHeaders(settings);
    const first = mustNotRefuse(await ask(stream, settings, { headers, endOfStream: false, modes }));
    destinationOf(first.common.headers);
    const parts = split(chatBody(settings), 3);
    for (const [index, part] of parts.entries()) {
      void stream.send(bodyMessage("request", part, index === parts.length - 1));
      const event = await stream.next(settings.timeoutMs);
      if (event.kind === "end" && event.status === 0) return "the picker leaves after the header reply";
      const { answer } = replyIn(event, `reply to part ${index + 1} of the body`);
      mustBe(answer, "body", "request");
      mustNotStream(answer);
    }
    await mustBeTheOnlyReply(stream, settings, "part of the body");
  },
};

export const bufferedResponse: Check = {
  name: "buffered-response",
  test: 4,
  rule: 2,
  title: "a buffered response: one reply for its headers, one for its body, and neither is streamed",
  run: async (stand) => {
    const { settings } = stand;
    const stream = await stand.stream();
    const modes = { requestBody: "NONE", responseBody: "BUFFERED" } as const;
    const headers = requestHeaders(settings, { method: "GET" });
    const { common } = mustNotRefuse(await ask(stream, settings, { headers, endOfStream: true, modes }));
    const destination = findDestination(common.headers);
    const metadata = destination === undefined ? undefined : servedBy(destination.first);
    await respondHeaders(stream, settings, JSON_HEAD, { endOfStream: false, metadata });
    void stream.send(bodyMessage("response", RESPONSE, true));
    const { answer } = await nextReply(stream, settings, "reply to the response's body");
    mustBe(answer, "body", "response");
    mustNotStream(answer);
    if (answer.kind === "body" && answer.common.body?.kind === "whole") {
      mustHold(answer.common.body.body.equals(RESPONSE), "changed bytes of the response");
    }
  },
};

function mustNotStream(answer: Answer): void {
  const isStreamed = answer.kind === "body" && answer.common.body?.kind === "streamed";
  mustHold(!isStreamed, "the body reply has streamed_response, which only full duplex takes");
}

/** A mutated body and a set content-length must agree, or Envoy rejects the reply. */
function mustKeepLength(answer: Extract<Answer, { readonly kind: "headers" | "body" }>, sent: Buffer): void {
  const { body, headers } = answer.common;
  const length = headers.set.find(({ name }) => name.toLowerCase() === "content-length");
  if (length === undefined) return;
  const bytes = body?.kind === "whole" ? body.body.length : sent.length;
  const said = length.rawValue ?? length.value;
  mustHold(Number(said) === bytes, `sets content-length ${said} for a body of ${bytes} bytes`, 7);
}

/** What comes next must answer what is sent next, or be the end: a second reply would have come first. */
async function mustBeTheOnlyReply(stream: PickerStream, limits: Limits, what: string): Promise<void> {
  let reply: ProcessingReply;
  try {
    reply = await respondHeaders(stream, limits, JSON_HEAD, { endOfStream: true });
  } catch (error) {
    if (error instanceof Skip) return;
    if (error instanceof Fault && error.rule === 6) throw new Fault(`sent a second reply to one ${what}`);
    throw error;
  }
  mustHold(reply.answer.kind === "headers", `replied ${nameOf(reply.answer)} to the response's headers`);
}

/** Used where a stream is expected to end well. */
export async function mustEnd(stream: PickerStream, { timeoutMs }: Limits, rule: 9): Promise<void> {
  const event = await stream.next(timeoutMs);
  if (event.kind === "end") {
    mustHold(event.status === 0, `ended the stream with gRPC status ${event.status} ${event.message}`, rule);
    return;
  }
  const { answer } = replyIn(event, "end of the stream", rule);
  throw new Fault(`replied ${nameOf(answer)} where the end of the stream was due`, rule);
}
