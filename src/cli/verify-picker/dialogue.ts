/**
 * The sequences of messages that a gateway sends, and the replies that must come back, in the order in which they must.
 *
 * A function here returns what the picker decided, or throws the fault that it found on the way: silence, a stream that ended, a reply out of
 * turn. What a reply says of the destination is not judged here.
 */
import type {
  Answer,
  BodyMode,
  Header,
  ProcessingReply,
  ProcessingRequest,
  Side,
  Struct,
} from "../../edge/extproc-client/messages.ts";
import type { PickerEvent, PickerStream } from "../../edge/extproc-client/picker-stream.ts";
import { Fault, mustHold, type RuleNumber } from "./fault.ts";

/** "Keep chunks under about 62 KB": Envoy's guidance is 64 KiB for a message, and something stands around the chunk. */
export const CHUNK_BYTES_MAX = 62 * 1024;

export interface Limits {
  readonly timeoutMs: number;
}

export interface Opening {
  readonly headers: readonly Header[];
  readonly endOfStream: boolean;
  readonly valuesIn?: "value" | "raw_value";
  /** Undefined: the stream's first message says nothing of body modes. */
  readonly modes?: { readonly requestBody: BodyMode; readonly responseBody: BodyMode } | undefined;
  readonly metadata?: Readonly<Record<string, Struct>> | undefined;
}

export const FULL_DUPLEX = {
  requestBody: "FULL_DUPLEX_STREAMED",
  responseBody: "FULL_DUPLEX_STREAMED",
} as const;

export type Immediate = Extract<Answer, { readonly kind: "immediate" }>;

export function openingMessage({
  headers,
  endOfStream,
  valuesIn,
  modes,
  metadata,
}: Opening): ProcessingRequest {
  return {
    part: { kind: "headers", side: "request", headers, valuesIn: valuesIn ?? "raw_value", endOfStream },
    protocolConfig: modes,
    metadata,
  };
}

export function bodyMessage(side: Side, body: Uint8Array, endOfStream: boolean): ProcessingRequest {
  return { part: { kind: "body", side, body, endOfStream } };
}

/** The reply that must come next; `awaited` names it where it does not. */
export async function nextReply(
  stream: PickerStream,
  { timeoutMs }: Limits,
  awaited: string,
  rule?: RuleNumber,
): Promise<ProcessingReply> {
  return replyIn(await stream.next(timeoutMs), awaited, rule);
}

export function replyIn(event: PickerEvent, awaited: string, rule?: RuleNumber): ProcessingReply {
  switch (event.kind) {
    case "reply":
      return event.reply;
    case "silence":
      throw new Fault(`waits for ever: no ${awaited} within ${event.limitMs} ms`, rule);
    case "malformed":
      throw new Fault(`sent no ProcessingResponse where the ${awaited} was due: it ${event.reason}`, rule);
    case "end": {
      const status =
        event.status === undefined ? "without a gRPC status" : `with gRPC status ${event.status}`;
      const message = event.message === "" ? "" : ` (${event.message})`;
      throw new Fault(`ended the stream ${status}${message} where the ${awaited} was due`, rule);
    }
  }
}

/** A first message whose reply must come before anything else is sent. */
export async function ask(stream: PickerStream, limits: Limits, opening: Opening): Promise<ProcessingReply> {
  void stream.send(openingMessage(opening));
  const reply = await nextReply(stream, limits, "header reply");
  if (reply.answer.kind !== "immediate") mustBe(reply.answer, "headers", "request");
  return reply;
}

export interface Decision {
  readonly kind: "sent";
  readonly headerReply: ProcessingReply;
  readonly headers: Extract<Answer, { readonly kind: "headers" | "body" }>["common"]["headers"];
  /** The body that the endpoint would receive. */
  readonly body: Buffer;
}

export type Verdict = Decision | { readonly kind: "refused"; readonly immediate: Immediate };

export interface FullDuplexRequest extends Opening {
  /** The last of them says end_of_stream, unless there are trailers. */
  readonly chunks: readonly Uint8Array[];
  readonly trailers?: readonly Header[];
  /** Half-close when everything has been sent, as NGINX Gateway Fabric does. */
  readonly thenHalfClose?: boolean;
}

/** The whole request phase in full duplex: everything is sent, then the replies must come in order. */
export async function askFullDuplex(
  stream: PickerStream,
  limits: Limits,
  request: FullDuplexRequest,
): Promise<Verdict> {
  const { chunks, trailers } = request;
  void stream.send(openingMessage(request));
  for (const [index, chunk] of chunks.entries()) {
    void stream.send(bodyMessage("request", chunk, trailers === undefined && index === chunks.length - 1));
  }
  if (trailers !== undefined)
    void stream.send({ part: { kind: "trailers", side: "request", headers: trailers } });
  if (request.thenHalfClose === true) stream.halfClose();
  return readVerdict(stream, limits, trailers !== undefined);
}

export async function readVerdict(
  stream: PickerStream,
  limits: Limits,
  withTrailers: boolean,
): Promise<Verdict> {
  const headerReply = await nextReply(stream, limits, "header reply");
  if (headerReply.answer.kind === "immediate") return { kind: "refused", immediate: headerReply.answer };
  const { answer } = headerReply;
  if (answer.kind !== "headers" || answer.side !== "request") {
    throw new Fault(`replied ${nameOf(answer)} before the header reply`, 6);
  }
  const parts: Buffer[] = [];
  for (;;) {
    const reply = await nextReply(stream, limits, "rest of the body's replies", 6);
    if (reply.answer.kind === "immediate") return { kind: "refused", immediate: reply.answer };
    if (withTrailers && reply.answer.kind === "trailers" && reply.answer.side === "request") break;
    const { body, endOfStream } = streamedPart(reply.answer, "request");
    parts.push(body);
    mustHold(
      !(endOfStream && withTrailers),
      "a body reply says end_of_stream although trailers end this body",
      6,
    );
    if (endOfStream) break;
  }
  return { kind: "sent", headerReply, headers: answer.common.headers, body: Buffer.concat(parts) };
}

/** A body reply of full duplex: judged for its form and its size. */
export function streamedPart(
  answer: Answer,
  side: Side,
): { readonly body: Buffer; readonly endOfStream: boolean } {
  if (answer.kind !== "body" || answer.side !== side) {
    throw new Fault(`replied ${nameOf(answer)} where a ${side} body reply was due`, 6);
  }
  const { body } = answer.common;
  if (body?.kind !== "streamed") throw new Fault(`the ${side} body reply has no streamed_response`, 6);
  mustHold(
    body.body.length <= CHUNK_BYTES_MAX,
    `a body reply holds ${body.body.length} bytes; more than ${CHUNK_BYTES_MAX} is too much for one message`,
    6,
  );
  return body;
}

export function mustBe(answer: Answer, kind: "headers" | "body" | "trailers", side: Side): void {
  mustHold(
    answer.kind === kind && "side" in answer && answer.side === side,
    `replied ${nameOf(answer)} where a ${side} ${kind} reply was due`,
  );
}

export function nameOf(answer: Answer): string {
  switch (answer.kind) {
    case "headers":
    case "body":
    case "trailers":
      return `${answer.side}_${answer.kind}`;
    case "immediate":
      return `immediate_response ${answer.status}`;
    case "nothing":
      return "a message that answers nothing";
  }
}

/** The verdict of a request that no picker has a reason to refuse. */
export function mustBeSent(verdict: Verdict): Decision {
  if (verdict.kind === "sent") return verdict;
  const { status, body } = verdict.immediate;
  throw new Fault(
    `refused with ${status} (${body.toString("utf8").slice(0, 200)}) instead of choosing an endpoint`,
  );
}

/** The header reply of such a request. */
export function mustNotRefuse(
  reply: ProcessingReply,
): Extract<Answer, { readonly kind: "headers" | "body" }> {
  const { answer } = reply;
  if (answer.kind === "headers" || answer.kind === "body") return answer;
  const words = answer.kind === "immediate" ? `: ${answer.body.toString("utf8").slice(0, 200)}` : "";
  throw new Fault(`replied ${nameOf(answer)} instead of choosing an endpoint${words}`);
}
