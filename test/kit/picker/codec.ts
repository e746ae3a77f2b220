/**
 * The picker's side of ext_proc for tests: requests off the wire, replies onto it. Field numbers of envoy.service.ext_proc.v3.
 */
import { readStruct } from "../../../src/edge/extproc-client/decode-reply.ts";
import { structMessage } from "../../../src/edge/extproc-client/encode-request.ts";
import {
  BODY_MODES,
  type BodyMode,
  type Side,
  type Struct,
} from "../../../src/edge/extproc-client/messages.ts";
import { bytesOf, MessageWriter, readFields } from "../../../src/edge/extproc-client/protobuf.ts";

export interface PickerRequest {
  readonly kind: "headers" | "body" | "trailers" | "nothing";
  readonly side: Side;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly endOfStream: boolean;
  readonly metadata: Readonly<Record<string, Struct>>;
  readonly modes: { readonly request: BodyMode; readonly response: BodyMode } | undefined;
}

/** The kinds of both oneofs, in the order of their numbers: from 2 on in requests, from 1 on in replies. */
const KINDS = [
  ["headers", "request"],
  ["headers", "response"],
  ["body", "request"],
  ["body", "response"],
  ["trailers", "request"],
  ["trailers", "response"],
] as const;

export function decodeRequest(bytes: Buffer, readsValue = true): PickerRequest {
  let kind: PickerRequest["kind"] = "nothing";
  let side: Side = "request";
  let headers: Readonly<Record<string, string>> = {};
  let body: Buffer = Buffer.alloc(0);
  let endOfStream = false;
  let metadata: Readonly<Record<string, Struct>> = {};
  let modes: PickerRequest["modes"];
  for (const field of readFields(bytes)) {
    const known = KINDS[field.field - 2];
    if (known !== undefined) {
      [kind, side] = known;
      const inner = readFields(bytesOf(field, "request"));
      const first = inner.find((one) => one.field === 1)?.bytes ?? Buffer.alloc(0);
      const endField = kind === "headers" ? 3 : 2;
      endOfStream = inner.some((one) => one.field === endField && one.value === 1);
      if (kind === "body") body = first;
      else headers = readHeaders(first, readsValue);
    } else if (field.field === 8) metadata = readMetadata(bytesOf(field, "metadata"));
    else if (field.field === 11) {
      const config = readFields(bytesOf(field, "protocol_config"));
      const mode = (number: number): BodyMode =>
        BODY_MODES[config.find((one) => one.field === number)?.value ?? 0] ?? "NONE";
      modes = { request: mode(1), response: mode(2) };
    }
  }
  return { kind, side, headers, body, endOfStream, metadata, modes };
}

function readHeaders(map: Buffer, readsValue: boolean): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const entry of readFields(map)) {
    const parts = readFields(bytesOf(entry, "header map"));
    const text = (number: number): string =>
      parts.find((one) => one.field === number)?.bytes?.toString("utf8") ?? "";
    headers[text(1)] = text(3) || (readsValue ? text(2) : "");
  }
  return headers;
}

function readMetadata(message: Buffer): Record<string, Struct> {
  const metadata: Record<string, Struct> = {};
  for (const entry of readFields(message)) {
    const parts = readFields(bytesOf(entry, "metadata"));
    const name = parts.find((one) => one.field === 1)?.bytes?.toString("utf8") ?? "";
    metadata[name] = readStruct(parts.find((one) => one.field === 2)?.bytes ?? Buffer.alloc(0));
  }
  return metadata;
}

export interface HeaderToWrite {
  readonly name: string;
  readonly text: string;
  readonly into: "value" | "raw_value";
  readonly action: number;
  readonly append?: boolean;
}

export type BodyToWrite =
  | { readonly kind: "streamed"; readonly body: Buffer; readonly endOfStream: boolean }
  | { readonly kind: "whole"; readonly body: Buffer };

export interface ReplyToWrite {
  readonly kind: "headers" | "body" | "trailers";
  readonly side: Side;
  readonly set?: readonly HeaderToWrite[];
  readonly body?: BodyToWrite | undefined;
  readonly metadata?: Struct | undefined;
}

export function encodeReply({ kind, side, set = [], body, metadata }: ReplyToWrite): Buffer {
  const number = KINDS.findIndex(([k, s]) => k === kind && s === side) + 1;
  const inner = new MessageWriter();
  if (kind === "trailers") inner.message(1, mutation(set));
  else {
    const common = new MessageWriter();
    if (set.length > 0) common.message(2, mutation(set));
    if (body !== undefined) common.message(3, bodyMutation(body));
    if (kind === "headers" && side === "request") common.bool(5, true);
    inner.message(1, common);
  }
  const reply = new MessageWriter().message(number, inner);
  if (metadata !== undefined) reply.message(8, structMessage(metadata));
  return reply.finish();
}

export function encodeImmediate(status: number, set: readonly HeaderToWrite[], body: string): Buffer {
  const inner = new MessageWriter()
    .message(1, new MessageWriter().varint(1, status))
    .message(2, mutation(set))
    .bytes(3, body);
  return new MessageWriter().message(7, inner).finish();
}

function mutation(set: readonly HeaderToWrite[]): MessageWriter {
  const message = new MessageWriter();
  for (const { name, text, into, action, append } of set) {
    const option = new MessageWriter().message(
      1,
      new MessageWriter().bytes(1, name).bytes(into === "value" ? 2 : 3, text),
    );
    if (append !== undefined) option.message(2, new MessageWriter().bool(1, append));
    message.message(1, option.varint(3, action));
  }
  return message;
}

function bodyMutation(body: BodyToWrite): MessageWriter {
  if (body.kind === "whole") return new MessageWriter().bytes(1, body.body);
  return new MessageWriter().message(3, new MessageWriter().bytes(1, body.body).bool(2, body.endOfStream));
}
