/**
 * ProcessingRequest onto the wire, with the field numbers of envoy.service.ext_proc.v3.
 */
import {
  BODY_MODES,
  type Header,
  type MetadataValue,
  type Part,
  type ProcessingRequest,
  type ProtocolConfig,
  type Struct,
} from "./messages.ts";
import { MessageWriter } from "./protobuf.ts";

/** Field of ProcessingRequest's oneof by kind, request and response side. */
const PART_FIELDS = {
  headers: { request: 2, response: 3 },
  body: { request: 4, response: 5 },
  trailers: { request: 6, response: 7 },
} as const;
const METADATA_CONTEXT = 8;
const PROTOCOL_CONFIG = 11;

export function encodeRequest({ part, metadata, protocolConfig }: ProcessingRequest): Buffer {
  const message = new MessageWriter();
  message.message(PART_FIELDS[part.kind][part.side], partMessage(part));
  if (metadata !== undefined) message.message(METADATA_CONTEXT, metadataMessage(metadata));
  if (protocolConfig !== undefined) message.message(PROTOCOL_CONFIG, protocolMessage(protocolConfig));
  return message.finish();
}

function partMessage(part: Part): MessageWriter {
  const message = new MessageWriter();
  switch (part.kind) {
    case "headers":
      message.message(1, headerMap(part.headers, part.valuesIn));
      if (part.endOfStream) message.bool(3, true);
      return message;
    case "body":
      if (part.body.length > 0) message.bytes(1, part.body);
      if (part.endOfStream) message.bool(2, true);
      return message;
    case "trailers":
      return message.message(1, headerMap(part.headers, "raw_value"));
  }
}

function headerMap(headers: readonly Header[], valuesIn: "value" | "raw_value"): MessageWriter {
  const map = new MessageWriter();
  for (const [name, value] of headers) {
    map.message(1, new MessageWriter().bytes(1, name).bytes(valuesIn === "value" ? 2 : 3, value));
  }
  return map;
}

/** config.core.v3.Metadata.filter_metadata. */
function metadataMessage(metadata: Readonly<Record<string, Struct>>): MessageWriter {
  const message = new MessageWriter();
  for (const [namespace, struct] of Object.entries(metadata)) {
    message.message(1, new MessageWriter().bytes(1, namespace).message(2, structMessage(struct)));
  }
  return message;
}

function protocolMessage({ requestBody, responseBody }: ProtocolConfig): MessageWriter {
  return new MessageWriter()
    .varint(1, BODY_MODES.indexOf(requestBody))
    .varint(2, BODY_MODES.indexOf(responseBody));
}

export function structMessage(struct: Struct): MessageWriter {
  const message = new MessageWriter();
  for (const [key, value] of Object.entries(struct)) {
    message.message(1, new MessageWriter().bytes(1, key).message(2, valueMessage(value)));
  }
  return message;
}

function valueMessage(value: MetadataValue): MessageWriter {
  const message = new MessageWriter();
  if (value === null) return message.varint(1, 0);
  if (typeof value === "number") return message.double(2, value);
  if (typeof value === "string") return message.bytes(3, value);
  if (typeof value === "boolean") return message.bool(4, value);
  if (!isList(value)) return message.message(5, structMessage(value));
  const list = new MessageWriter();
  for (const item of value) list.message(1, valueMessage(item));
  return message.message(6, list);
}

function isList(value: readonly MetadataValue[] | Struct): value is readonly MetadataValue[] {
  return Array.isArray(value);
}
