/**
 * HTTP/1.1 messages read strictly (RFC 9112): the kit's own reading of what the gateway sends to either side.
 *
 * It is written apart from the gateway's codec on purpose and shares no line with it, so that a test compares
 * two readings of the specification and not one with itself. Anything that the gateway should never send is a
 * `MalformedMessage`, even where RFC 9112 would let a receiver forgive it.
 */
import { EarlyEnd, type ByteReader } from "./byte-reader.ts";

export class MalformedMessage extends Error {}

export type Field = readonly [name: string, value: string];

export interface Head {
  readonly startLine: string;
  readonly fields: readonly Field[];
  /** As it came, from the first byte of the start line to the empty line, read as latin1. */
  readonly raw: string;
}

export type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "close" };

export interface BodyEnd {
  readonly trailers: readonly Field[];
  /** Sizes of the chunks as they were cut by the sender; empty for other framings. */
  readonly chunkSizes: readonly number[];
}

/** Where a body goes while it is read. The reader waits for what `data` returns: that is backpressure. */
export interface BodySink {
  data(piece: Buffer): void | Promise<void>;
  /** Every byte, the framing included. */
  raw?(piece: Buffer): void;
}

const REQUEST_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e]+ HTTP\/1\.[01]$/;
const STATUS_LINE = /^HTTP\/1\.[01] [1-5][0-9][0-9] [\t\x20-\x7e\x80-\xff]*$/;
const FIELD_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/;
const CHUNK_LINE = /^([0-9A-Fa-f]{1,13})((?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?)$/;

/** All values of a field, in order; the name in any case. */
export function fieldValues(fields: readonly Field[], name: string): string[] {
  const wanted = name.toLowerCase();
  return fields.filter(([each]) => each.toLowerCase() === wanted).map(([, value]) => value);
}

/** All values of a field joined as one list, undefined where there is none. */
export function fieldValue(fields: readonly Field[], name: string): string | undefined {
  const values = fieldValues(fields, name);
  return values.length === 0 ? undefined : values.join(", ");
}

export function parseHead(raw: string, startLine: RegExp): Head {
  const lines = raw.slice(0, -4).split("\r\n");
  const first = lines[0] ?? "";
  if (!startLine.test(first)) throw new MalformedMessage(`start line ${JSON.stringify(first)}`);
  return { startLine: first, fields: lines.slice(1).map(parseField), raw };
}

function parseField(line: string): Field {
  const match = FIELD_LINE.exec(line);
  if (!match) throw new MalformedMessage(`field line ${JSON.stringify(line)}`);
  return [match[1] ?? "", match[2] ?? ""];
}

/** Undefined if the peer ended its side before the first byte. */
export async function readRequestHead(reader: ByteReader, limitMs: number): Promise<Head | undefined> {
  const raw = await reader.through("\r\n\r\n", limitMs);
  return raw && parseHead(raw.toString("latin1"), REQUEST_LINE);
}

export async function readResponseHead(reader: ByteReader, limitMs: number): Promise<Head> {
  const raw = await reader.through("\r\n\r\n", limitMs);
  if (!raw) throw new EarlyEnd(`stream ended where a response was due; received ${reader.describe()}`);
  return parseHead(raw.toString("latin1"), STATUS_LINE);
}

/** RFC 9112 section 6.3 for requests. Also holds the request to one Host, as section 3.2 asks. */
export function requestFraming(head: Head): Framing {
  const hosts = fieldValues(head.fields, "host").length;
  const isModern = head.startLine.endsWith("HTTP/1.1");
  if (hosts > 1 || (hosts === 0 && isModern)) throw new MalformedMessage(`${hosts} Host fields`);
  return declaredFraming(head, isModern) ?? { kind: "none" };
}

/** RFC 9112 section 6.3 for responses: the method of the request decides whether a body can follow. */
export function responseFraming(head: Head, method: string): Framing {
  const status = statusOf(head);
  const isModern = head.startLine.startsWith("HTTP/1.1");
  const declared = declaredFraming(head, isModern);
  if (status < 200 || status === 204) {
    if (declared) throw new MalformedMessage(`a ${status} with a declared body`);
    return { kind: "none" };
  }
  if (method === "HEAD" || status === 304) return { kind: "none" };
  return declared ?? { kind: "close" };
}

export function statusOf(head: Head): number {
  return Number(head.startLine.slice(9, 12));
}

function declaredFraming(head: Head, isModern: boolean): Framing | undefined {
  const lengths = fieldValues(head.fields, "content-length");
  const codings = fieldValues(head.fields, "transfer-encoding");
  if (codings.length > 0) {
    if (lengths.length > 0) throw new MalformedMessage("both Content-Length and Transfer-Encoding");
    if (!isModern) throw new MalformedMessage("Transfer-Encoding in HTTP/1.0");
    if (codings.length > 1 || codings[0]?.toLowerCase() !== "chunked") {
      throw new MalformedMessage(`Transfer-Encoding ${JSON.stringify(codings)}`);
    }
    return { kind: "chunked" };
  }
  if (lengths.length === 0) return undefined;
  const [length = ""] = lengths;
  if (lengths.length > 1 || !/^[0-9]{1,15}$/.test(length)) {
    throw new MalformedMessage(`Content-Length ${JSON.stringify(lengths)}`);
  }
  return { kind: "length", bytes: Number(length) };
}

/** Reads one body to its end. `limitMs` bounds each wait for bytes, not the whole. */
export async function readBody(
  reader: ByteReader,
  framing: Framing,
  sink: BodySink,
  limitMs: number,
): Promise<BodyEnd> {
  switch (framing.kind) {
    case "none":
      return { trailers: [], chunkSizes: [] };
    case "length":
      await pour(reader, framing.bytes, sink, limitMs);
      return { trailers: [], chunkSizes: [] };
    case "close":
      await pourAll(reader, sink, limitMs);
      return { trailers: [], chunkSizes: [] };
    case "chunked":
      return readChunks(reader, sink, limitMs);
  }
}

async function readChunks(reader: ByteReader, sink: BodySink, limitMs: number): Promise<BodyEnd> {
  const chunkSizes: number[] = [];
  for (;;) {
    const size = await readChunkSize(reader, sink, limitMs);
    if (size === 0) return { trailers: await readTrailers(reader, sink, limitMs), chunkSizes };
    chunkSizes.push(size);
    await pour(reader, size, sink, limitMs);
    const end = await reader.exactly(2, limitMs);
    sink.raw?.(end);
    if (end.toString("latin1") !== "\r\n")
      throw new MalformedMessage(`chunk of ${size} bytes ends otherwise`);
  }
}

async function readChunkSize(reader: ByteReader, sink: BodySink, limitMs: number): Promise<number> {
  const line = await readLine(reader, sink, limitMs);
  const match = CHUNK_LINE.exec(line);
  if (!match) throw new MalformedMessage(`chunk line ${JSON.stringify(line)}`);
  return Number.parseInt(match[1] ?? "", 16);
}

async function readTrailers(reader: ByteReader, sink: BodySink, limitMs: number): Promise<Field[]> {
  const trailers: Field[] = [];
  for (;;) {
    const line = await readLine(reader, sink, limitMs);
    if (line === "") return trailers;
    trailers.push(parseField(line));
  }
}

async function readLine(reader: ByteReader, sink: BodySink, limitMs: number): Promise<string> {
  const line = await reader.through("\r\n", limitMs);
  if (!line) throw new EarlyEnd(`stream ended inside a chunked body; received ${reader.describe()}`);
  sink.raw?.(line);
  return line.toString("latin1").slice(0, -2);
}

async function pour(reader: ByteReader, bytes: number, sink: BodySink, limitMs: number): Promise<void> {
  let missing = bytes;
  while (missing > 0) {
    const piece = await reader.take(missing, limitMs);
    if (!piece) throw new EarlyEnd(`body ended ${missing} bytes early; received ${reader.describe()}`);
    missing -= piece.length;
    sink.raw?.(piece);
    await sink.data(piece);
  }
}

async function pourAll(reader: ByteReader, sink: BodySink, limitMs: number): Promise<void> {
  for (;;) {
    const piece = await reader.take(Number.MAX_SAFE_INTEGER, limitMs);
    if (!piece) return;
    sink.raw?.(piece);
    await sink.data(piece);
  }
}
