/**
 * What a gateway says to the picker, one message at a time.
 *
 * Header values are read from `raw_value` and, where that is empty, from `value`: newer Envoys fill only the first, the
 * NGINX shim only the second. Text is taken as Latin-1, as on the gateway's own data path, so that both compare alike.
 */
import { FIELDS, MAP_ENTRY } from "./fields.ts";
import { ProtoFault, ProtoReader } from "./proto-reader.ts";
import { readStruct, type StructTexts } from "./struct.ts";

export type MessageKind =
  | "request-headers"
  | "request-body"
  | "request-trailers"
  | "response-headers"
  | "response-body"
  | "response-trailers";

export interface ProtocolConfig {
  /** Numbers of BODY_MODES; 0 where left out. */
  readonly requestBodyMode: number;
  readonly responseBodyMode: number;
}

export interface ProcessingRequest {
  readonly kind: MessageKind;
  /** Of a headers message. By lower-case name, several values joined by commas. */
  readonly headers: HeaderTexts;
  /** Of a body message; shares memory with the message. */
  readonly body: Buffer;
  /** Of headers and bodies: nothing follows in their direction. */
  readonly endOfStream: boolean;
  /** By namespace; undefined: none came. */
  readonly metadata: ReadonlyMap<string, StructTexts> | undefined;
  /** Of all extensions together, by attribute; undefined: none came. */
  readonly attributes: StructTexts | undefined;
  readonly protocolConfig: ProtocolConfig | undefined;
  /** The gateway watches and will not act on replies. */
  readonly isObserved: boolean;
}

export type HeaderTexts = ReadonlyMap<string, string>;

/** Envoy's own default is 100; a message can carry no more than this without being hostile. */
const HEADERS_MAX = 1_000;

const NO_HEADERS: HeaderTexts = new Map();
const NO_BODY: Buffer = Buffer.alloc(0);

const REQUEST = FIELDS.ProcessingRequest;

/** Throws ProtoFault. */
export function readProcessingRequest(bytes: Buffer): ProcessingRequest {
  const reader = new ProtoReader(bytes);
  let kind: MessageKind | undefined;
  let headers = NO_HEADERS;
  let body: Buffer = NO_BODY;
  let endOfStream = false;
  let metadata: Map<string, StructTexts> | undefined;
  let attributes: Map<string, readonly string[]> | undefined;
  let protocolConfig: ProtocolConfig | undefined;
  let isObserved = false;
  while (reader.next()) {
    switch (reader.field) {
      case REQUEST.request_body:
      case REQUEST.response_body: {
        kind = reader.isBytes(REQUEST.request_body) ? "request-body" : "response-body";
        const inner = messageIn(reader);
        while (inner.next()) {
          if (inner.isBytes(FIELDS.HttpBody.body)) body = inner.slice();
          else if (inner.isVarint(FIELDS.HttpBody.end_of_stream)) endOfStream = inner.number !== 0;
        }
        break;
      }
      case REQUEST.request_headers:
      case REQUEST.response_headers: {
        kind = reader.isBytes(REQUEST.request_headers) ? "request-headers" : "response-headers";
        const inner = messageIn(reader);
        while (inner.next()) {
          if (inner.isBytes(FIELDS.HttpHeaders.headers)) headers = headerMap(inner.inside());
          else if (inner.isVarint(FIELDS.HttpHeaders.end_of_stream)) endOfStream = inner.number !== 0;
        }
        break;
      }
      case REQUEST.request_trailers:
      case REQUEST.response_trailers:
        // What trailers say is nobody's concern here; that they came is.
        kind = reader.isBytes(REQUEST.request_trailers) ? "request-trailers" : "response-trailers";
        messageIn(reader);
        endOfStream = true;
        break;
      case REQUEST.metadata_context:
        metadata ??= new Map();
        readStructs(messageIn(reader), FIELDS.Metadata.filter_metadata, (namespace, texts) =>
          metadata!.set(namespace, texts),
        );
        break;
      case REQUEST.attributes:
        attributes ??= new Map();
        readEntry(messageIn(reader), (_extension, texts) => {
          for (const [name, value] of texts) attributes!.set(name, value);
        });
        break;
      case REQUEST.observability_mode:
        isObserved = reader.isVarint(REQUEST.observability_mode) && reader.number !== 0;
        break;
      case REQUEST.protocol_config:
        protocolConfig = readProtocolConfig(messageIn(reader));
        break;
      default:
    }
  }
  if (kind === undefined) throw new ProtoFault("a message that is none of the six");
  return { kind, headers, body, endOfStream, metadata, attributes, protocolConfig, isObserved };
}

function messageIn(reader: ProtoReader): ProtoReader {
  reader.isBytes(reader.field);
  return reader.inside();
}

function readProtocolConfig(reader: ProtoReader): ProtocolConfig {
  let requestBodyMode = 0;
  let responseBodyMode = 0;
  const { request_body_mode, response_body_mode } = FIELDS.ProtocolConfiguration;
  while (reader.next()) {
    if (reader.isVarint(request_body_mode)) requestBodyMode = reader.number;
    else if (reader.isVarint(response_body_mode)) responseBodyMode = reader.number;
  }
  return { requestBodyMode, responseBodyMode };
}

type TakeStruct = (key: string, texts: StructTexts) => void;

function readStructs(reader: ProtoReader, field: number, take: TakeStruct): void {
  while (reader.next()) if (reader.isBytes(field)) readEntry(reader.inside(), take);
}

/** One entry of a `map<string, Struct>`. */
function readEntry(entry: ProtoReader, take: TakeStruct): void {
  let key = "";
  let texts: StructTexts | undefined;
  while (entry.next()) {
    if (entry.isBytes(MAP_ENTRY.key)) key = entry.utf8();
    else if (entry.isBytes(MAP_ENTRY.value)) texts = readStruct(entry.inside());
  }
  if (texts !== undefined) take(key, texts);
}

function headerMap(reader: ProtoReader): HeaderTexts {
  const texts = new Map<string, string>();
  let count = 0;
  while (reader.next()) {
    if (!reader.isBytes(FIELDS.HeaderMap.headers)) continue;
    if (++count > HEADERS_MAX) throw new ProtoFault("more headers than a request can have");
    const inner = reader.inside();
    let key = "";
    let value = "";
    let rawValue = "";
    while (inner.next()) {
      if (inner.isBytes(FIELDS.HeaderValue.key)) key = inner.latin1();
      else if (inner.isBytes(FIELDS.HeaderValue.raw_value)) rawValue = inner.latin1();
      else if (inner.isBytes(FIELDS.HeaderValue.value)) value = inner.latin1();
    }
    if (rawValue !== "") value = rawValue;
    key = key.toLowerCase();
    const before = texts.get(key);
    texts.set(key, before === undefined ? value : `${before},${value}`);
  }
  return texts;
}
