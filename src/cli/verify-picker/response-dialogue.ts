/**
 * The response phase of a gateway's stream: what the endpoint answered goes through the picker part by part.
 *
 * A picker may leave after the request phase, by ending the stream with status 0: the gateway then goes on without it. That is no fault, and
 * there is nothing more to ask.
 */
import type { Header, ProcessingReply, Struct } from "../../edge/extproc-client/messages.ts";
import type { PickerStream } from "../../edge/extproc-client/picker-stream.ts";
import { Fault, mustHold, Skip } from "./fault.ts";
import {
  bodyMessage,
  mustBe,
  nameOf,
  replyIn,
  streamedPart,
  type Decision,
  type Limits,
} from "./dialogue.ts";
import { DESTINATION, DESTINATION_NAMESPACE, findDestination } from "./destination.ts";

const SERVED = `${DESTINATION}-served`;

/** The metadata with which a gateway tells who has really served. */
export function servedBy(endpoint: string): Readonly<Record<string, Struct>> {
  return { [DESTINATION_NAMESPACE]: { [SERVED]: endpoint } };
}

export function servedAsDecided(decision: Decision): Readonly<Record<string, Struct>> | undefined {
  const destination = findDestination(decision.headers);
  return destination === undefined ? undefined : servedBy(destination.first);
}

export const SSE_HEAD: readonly Header[] = [
  [":status", "200"],
  ["content-type", "text/event-stream; charset=utf-8"],
];
export const JSON_HEAD: readonly Header[] = [
  [":status", "200"],
  ["content-type", "application/json"],
];

export async function respondHeaders(
  stream: PickerStream,
  { timeoutMs }: Limits,
  headers: readonly Header[],
  options: {
    readonly endOfStream: boolean;
    readonly metadata?: Readonly<Record<string, Struct>> | undefined;
  },
): Promise<ProcessingReply> {
  void stream.send({
    part: {
      kind: "headers",
      side: "response",
      headers,
      valuesIn: "raw_value",
      endOfStream: options.endOfStream,
    },
    metadata: options.metadata,
  });
  const event = await stream.next(timeoutMs);
  if (event.kind === "end" && event.status === 0) throw new Skip("the picker leaves after the request phase");
  const reply = replyIn(event, "reply to the response's headers");
  if (reply.answer.kind === "body" && reply.answer.side === "request") {
    throw new Fault("sent another request body reply after the one that said end_of_stream", 6);
  }
  mustBe(reply.answer, "headers", "response");
  return reply;
}

/** Whether the request phase is really over: a picker that goes on after its end_of_stream is found out by what comes next. */
export async function mustBeOver(stream: PickerStream, limits: Limits, decision: Decision): Promise<void> {
  try {
    await respondHeaders(stream, limits, JSON_HEAD, {
      endOfStream: true,
      metadata: servedAsDecided(decision),
    });
  } catch (error) {
    if (!(error instanceof Skip)) throw error;
  }
}

/** Sends one part of the response and waits until all of it has come back; how long that took. */
export async function echoed(
  stream: PickerStream,
  { timeoutMs }: Limits,
  body: Buffer,
  endOfStream: boolean,
): Promise<number> {
  const sentMs = performance.now();
  void stream.send(bodyMessage("response", body, endOfStream));
  const parts: Buffer[] = [];
  let bytes = 0;
  let ended = false;
  do {
    const event = await stream.next(timeoutMs);
    const reply = replyIn(event, `reply to ${body.length} bytes of the response`);
    const part = streamedPart(reply.answer, "response");
    mustHold(endOfStream || !part.endOfStream, "said end_of_stream before the response had ended", 6);
    mustHold(!ended, "sent another response body reply after the one that said end_of_stream", 6);
    parts.push(part.body);
    bytes += part.body.length;
    ended ||= part.endOfStream;
  } while (bytes < body.length || ended !== endOfStream);
  mustHold(Buffer.concat(parts).equals(body), "changed bytes of the response");
  return performance.now() - sentMs;
}

export async function respondTrailers(stream: PickerStream, { timeoutMs }: Limits): Promise<void> {
  void stream.send({ part: { kind: "trailers", side: "response", headers: [["x-trailer", "1"]] } });
  const { answer } = replyIn(await stream.next(timeoutMs), "reply to the response's trailers");
  mustHold(
    answer.kind === "trailers" && answer.side === "response",
    `replied ${nameOf(answer)} where a response trailers reply was due`,
    6,
  );
}
