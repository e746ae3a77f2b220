/**
 * ProcessingResponse off the wire, with the field numbers of envoy.service.ext_proc.v3. What is not well-formed throws
 * `MalformedMessage`; what is well-formed and unknown is kept by its number.
 */
import type {
  Answer,
  BodyMutation,
  CommonReply,
  HeaderMutation,
  HeaderToSet,
  MetadataValue,
  ProcessingReply,
  Side,
  Struct,
} from "./messages.ts";
import { bytesOf, readFields, type WireField } from "./protobuf.ts";

/** Field of ProcessingResponse's oneof to what it is. */
const ANSWERS: Readonly<
  Record<number, { readonly kind: "headers" | "body" | "trailers"; readonly side: Side }>
> = {
  1: { kind: "headers", side: "request" },
  2: { kind: "headers", side: "response" },
  3: { kind: "body", side: "request" },
  4: { kind: "body", side: "response" },
  5: { kind: "trailers", side: "request" },
  6: { kind: "trailers", side: "response" },
};
const IMMEDIATE = 7;
const DYNAMIC_METADATA = 8;
const MODE_OVERRIDE = 9;
/** override_message_timeout, streamed_immediate_response and request_drain: known, and nothing that is judged. */
const PASSED_OVER: ReadonlySet<number> = new Set([10, 11, 12]);

const NO_MUTATION: HeaderMutation = { set: [], remove: [] };

export function decodeReply(message: Buffer): ProcessingReply {
  let answer: Answer = { kind: "nothing" };
  let dynamicMetadata: Struct | undefined;
  let overridesMode = false;
  const unknownFields: number[] = [];
  for (const field of readFields(message)) {
    const known = ANSWERS[field.field];
    if (known !== undefined) answer = readAnswer(known, bytesOf(field, "ProcessingResponse"));
    else if (field.field === IMMEDIATE) answer = readImmediate(bytesOf(field, "ProcessingResponse"));
    else if (field.field === DYNAMIC_METADATA)
      dynamicMetadata = readStruct(bytesOf(field, "ProcessingResponse"));
    else if (field.field === MODE_OVERRIDE) overridesMode = true;
    else if (!PASSED_OVER.has(field.field)) unknownFields.push(field.field);
  }
  return { answer, dynamicMetadata, overridesMode, unknownFields };
}

function readAnswer(
  { kind, side }: { readonly kind: "headers" | "body" | "trailers"; readonly side: Side },
  message: Buffer,
): Answer {
  const first = readFields(message).find(({ field }) => field === 1);
  const inner = first === undefined ? undefined : bytesOf(first, `${side} ${kind} reply`);
  if (kind === "trailers") {
    return { kind, side, headers: inner === undefined ? NO_MUTATION : readMutation(inner) };
  }
  return { kind, side, common: readCommon(inner ?? Buffer.alloc(0)) };
}

function readCommon(message: Buffer): CommonReply {
  let status = 0;
  let headers = NO_MUTATION;
  let body: BodyMutation | undefined;
  let clearRouteCache = false;
  for (const field of readFields(message)) {
    if (field.field === 1) status = field.value;
    else if (field.field === 2) headers = readMutation(bytesOf(field, "CommonResponse"));
    else if (field.field === 3) body = readBodyMutation(bytesOf(field, "CommonResponse"));
    else if (field.field === 5) clearRouteCache = field.value !== 0;
  }
  return { status, headers, body, clearRouteCache };
}

function readMutation(message: Buffer): HeaderMutation {
  const set: HeaderToSet[] = [];
  const remove: string[] = [];
  for (const field of readFields(message)) {
    if (field.field === 1) set.push(readHeaderToSet(bytesOf(field, "HeaderMutation")));
    else if (field.field === 2) remove.push(bytesOf(field, "HeaderMutation").toString("utf8"));
  }
  return { set, remove };
}

function readHeaderToSet(message: Buffer): HeaderToSet {
  let name = "";
  let value: string | undefined;
  let rawValue: string | undefined;
  let append: boolean | undefined;
  let appendAction = 0;
  for (const field of readFields(message)) {
    if (field.field === 1) {
      for (const inner of readFields(bytesOf(field, "HeaderValueOption"))) {
        const text = bytesOf(inner, "HeaderValue").toString("utf8");
        if (inner.field === 1) name = text;
        else if (inner.field === 2) value = text;
        else if (inner.field === 3) rawValue = text;
      }
    } else if (field.field === 2) {
      append = readFields(bytesOf(field, "HeaderValueOption")).some(
        (inner) => inner.field === 1 && inner.value === 1,
      );
    } else if (field.field === 3) appendAction = field.value;
  }
  return { name, value, rawValue, append, appendAction };
}

function readBodyMutation(message: Buffer): BodyMutation | undefined {
  let mutation: BodyMutation | undefined;
  for (const field of readFields(message)) {
    if (field.field === 1) mutation = { kind: "whole", body: bytesOf(field, "BodyMutation") };
    else if (field.field === 2) mutation = { kind: "clear" };
    else if (field.field === 3) mutation = readStreamed(bytesOf(field, "BodyMutation"));
  }
  return mutation;
}

function readStreamed(message: Buffer): BodyMutation {
  let body: Buffer = Buffer.alloc(0);
  let endOfStream = false;
  for (const field of readFields(message)) {
    if (field.field === 1) body = bytesOf(field, "StreamedBodyResponse");
    else if (field.field === 2) endOfStream = field.value !== 0;
  }
  return { kind: "streamed", body, endOfStream };
}

function readImmediate(message: Buffer): Answer {
  let status = 0;
  let headers = NO_MUTATION;
  let body: Buffer = Buffer.alloc(0);
  let details = "";
  for (const field of readFields(message)) {
    if (field.field === 1) {
      status = readFields(bytesOf(field, "ImmediateResponse")).find((inner) => inner.field === 1)?.value ?? 0;
    } else if (field.field === 2) headers = readMutation(bytesOf(field, "ImmediateResponse"));
    else if (field.field === 3) body = bytesOf(field, "ImmediateResponse");
    else if (field.field === 5) details = bytesOf(field, "ImmediateResponse").toString("utf8");
  }
  return { kind: "immediate", status, headers, body, details };
}

export function readStruct(message: Buffer): Struct {
  const struct: Record<string, MetadataValue> = {};
  for (const field of readFields(message)) {
    if (field.field !== 1) continue;
    let key = "";
    let value: MetadataValue = null;
    for (const inner of readFields(bytesOf(field, "Struct"))) {
      if (inner.field === 1) key = bytesOf(inner, "Struct entry").toString("utf8");
      else if (inner.field === 2) value = readValue(bytesOf(inner, "Struct entry"));
    }
    struct[key] = value;
  }
  return struct;
}

function readValue(message: Buffer): MetadataValue {
  let value: MetadataValue = null;
  for (const field of readFields(message)) value = readOneValue(field);
  return value;
}

function readOneValue(field: WireField): MetadataValue {
  switch (field.field) {
    case 2:
      return field.value;
    case 3:
      return bytesOf(field, "Value").toString("utf8");
    case 4:
      return field.value !== 0;
    case 5:
      return readStruct(bytesOf(field, "Value"));
    case 6:
      return readFields(bytesOf(field, "Value")).map((item) => readValue(bytesOf(item, "ListValue")));
    default:
      return null;
  }
}
