/**
 * What the picker says to a gateway: one function per kind of reply, each giving a whole gRPC message with its prefix.
 *
 * Header values go into `raw_value` only (an Envoy that reads it refuses a message with both), and always overwrite. Replies
 * that say nothing but "go on" are made once.
 */
import { FIELDS, MAP_ENTRY, OVERWRITE_IF_EXISTS_OR_ADD } from "./fields.ts";
import {
  enclose,
  finishFrame,
  mark,
  putBytes,
  putNumber,
  putText,
  varintBytes,
  writeVarint,
} from "./proto-writer.ts";

export type SetHeader = readonly [name: string, value: string];

export interface HeaderChanges {
  readonly set: readonly SetHeader[];
  readonly remove: readonly string[];
}

/** Struct fields of text, by namespace. */
export interface DynamicMetadata {
  readonly namespace: string;
  readonly key: string;
  readonly value: string;
}

export interface RequestReply {
  readonly changes: HeaderChanges;
  readonly metadata: DynamicMetadata;
  /** Of a buffered body that has changed. */
  readonly body?: Uint8Array | undefined;
}

const RESPONSE = FIELDS.ProcessingResponse;
const COMMON = FIELDS.CommonResponse;
const NO_CHANGES: HeaderChanges = { set: [], remove: [] };

/** Where the request goes: the reply to its headers. */
export function requestHeadersReply(reply: RequestReply): Buffer {
  putMetadata(reply.metadata);
  putRequestReply(RESPONSE.request_headers, reply);
  return finishFrame();
}

/** The same as the reply to a body that was buffered. */
export function requestBodyReply(reply: RequestReply): Buffer {
  putMetadata(reply.metadata);
  putRequestReply(RESPONSE.request_body, reply);
  return finishFrame();
}

function putRequestReply(field: number, { changes, body }: RequestReply): void {
  const start = mark();
  putNumber(COMMON.clear_route_cache, 1);
  if (body !== undefined) putBodyMutation(body);
  putHeaderMutation(COMMON.header_mutation, changes);
  enclose(FIELDS.HeadersResponse.response, start);
  enclose(field, start);
}

/** The reply to response headers that are to be changed. */
export function responseHeadersReply(changes: HeaderChanges): Buffer {
  const start = mark();
  putHeaderMutation(COMMON.header_mutation, changes);
  enclose(FIELDS.HeadersResponse.response, start);
  enclose(RESPONSE.response_headers, start);
  return finishFrame();
}

/** The reply to a buffered or streamed chunk of the response that is to be replaced. */
export function responseBodyReply(body: Uint8Array): Buffer {
  const start = mark();
  putBodyMutation(body);
  enclose(FIELDS.BodyResponse.response, start);
  enclose(RESPONSE.response_body, start);
  return finishFrame();
}

export interface ImmediateReply {
  readonly status: number;
  readonly headers: readonly SetHeader[];
  readonly body: string;
  /** For the gateway's own log. */
  readonly details: string;
}

export function immediateReply({ status, headers, body, details }: ImmediateReply): Buffer {
  const { ImmediateResponse } = FIELDS;
  const start = mark();
  putText(ImmediateResponse.details, details);
  putText(ImmediateResponse.body, body);
  putHeaderMutation(ImmediateResponse.headers, { ...NO_CHANGES, set: headers });
  const code = mark();
  putNumber(FIELDS.HttpStatus.code, status);
  enclose(ImmediateResponse.status, code);
  enclose(RESPONSE.immediate_response, start);
  return finishFrame();
}

function putHeaderMutation(field: number, { set, remove }: HeaderChanges): void {
  if (set.length === 0 && remove.length === 0) return;
  const start = mark();
  for (const name of remove) putText(FIELDS.HeaderMutation.remove_headers, name);
  for (let index = set.length - 1; index >= 0; index--) {
    const [name, value] = set[index]!;
    const option = mark();
    putNumber(FIELDS.HeaderValueOption.append_action, OVERWRITE_IF_EXISTS_OR_ADD);
    const header = mark();
    putText(FIELDS.HeaderValue.raw_value, value);
    putText(FIELDS.HeaderValue.key, name);
    enclose(FIELDS.HeaderValueOption.header, header);
    enclose(FIELDS.HeaderMutation.set_headers, option);
  }
  enclose(field, start);
}

function putBodyMutation(body: Uint8Array): void {
  const start = mark();
  putBytes(FIELDS.BodyMutation.body, body);
  enclose(COMMON.body_mutation, start);
}

/** `{ namespace: { key: value } }` as a Struct. */
function putMetadata({ namespace, key, value }: DynamicMetadata): void {
  const start = mark();
  const inner = mark();
  const text = mark();
  putText(FIELDS.Value.string_value, value);
  putEntry(key, text);
  enclose(FIELDS.Value.struct_value, inner);
  putEntry(namespace, inner);
  enclose(RESPONSE.dynamic_metadata, start);
}

/** The Value written since `since` becomes an entry of a Struct. */
function putEntry(key: string, since: number): void {
  enclose(MAP_ENTRY.value, since);
  putText(MAP_ENTRY.key, key);
  enclose(FIELDS.Struct.fields, since);
}

// ---- replies that only say: go on --------------------------------------------------------------------------------------

function goOn(field: number): Buffer {
  const start = mark();
  enclose(field, start);
  return finishFrame();
}

export const GO_ON = {
  requestHeaders: goOn(RESPONSE.request_headers),
  requestBody: goOn(RESPONSE.request_body),
  requestTrailers: goOn(RESPONSE.request_trailers),
  responseHeaders: goOn(RESPONSE.response_headers),
  responseBody: goOn(RESPONSE.response_body),
  responseTrailers: goOn(RESPONSE.response_trailers),
} as const;

// ---- full duplex: the body's own bytes ---------------------------------------------------------------------------------

const BODY_RESPONSE_TAG = FIELDS.BodyResponse.response * 8 + 2;
const BODY_MUTATION_TAG = COMMON.body_mutation * 8 + 2;
const STREAMED_TAG = FIELDS.BodyMutation.streamed_response * 8 + 2;
const BODY_TAG = FIELDS.StreamedBodyResponse.body * 8 + 2;
const END_TAG = FIELDS.StreamedBodyResponse.end_of_stream * 8;

/** Chunks of so many bytes on average are sent from where they are: less than that costs less to copy. */
const GATHERED_BYTES_MIN = 4_096;

/**
 * A part of a body, `bytes` in all of `chunks`, as the parts of one message: a head, and the chunks themselves unless they are so
 * small that one piece of memory costs less. Written front to back, for all lengths follow from `bytes`.
 */
export function streamedBody(
  direction: "request" | "response",
  chunks: readonly Buffer[],
  bytes: number,
  isLast: boolean,
): readonly Buffer[] {
  const isGathered = bytes > 0 && bytes >= GATHERED_BYTES_MIN * chunks.length;
  const streamed = (isLast ? 2 : 0) + (bytes > 0 ? 1 + varintBytes(bytes) + bytes : 0);
  const mutation = 1 + varintBytes(streamed) + streamed;
  const common = 1 + varintBytes(mutation) + mutation;
  const response = 1 + varintBytes(common) + common;
  const message = 1 + varintBytes(response) + response;
  const head = Buffer.allocUnsafe(5 + message - (isGathered ? bytes : 0));
  head[0] = 0;
  head.writeUInt32BE(message, 1);
  let at = 5;
  head[at++] = (direction === "request" ? RESPONSE.request_body : RESPONSE.response_body) * 8 + 2;
  at = writeVarint(head, at, response);
  head[at++] = BODY_RESPONSE_TAG;
  at = writeVarint(head, at, common);
  head[at++] = BODY_MUTATION_TAG;
  at = writeVarint(head, at, mutation);
  head[at++] = STREAMED_TAG;
  at = writeVarint(head, at, streamed);
  if (isLast) {
    head[at++] = END_TAG;
    head[at++] = 1;
  }
  if (bytes > 0) {
    head[at++] = BODY_TAG;
    at = writeVarint(head, at, bytes);
  }
  if (isGathered) return [head, ...chunks];
  for (const chunk of chunks) {
    head.set(chunk, at);
    at += chunk.length;
  }
  return [head];
}
