/**
 * One request as a scripted endpoint sees it: what came, and the bare means to answer or to misbehave.
 */
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { ByteReader } from "./byte-reader.ts";
import { readBody, requestFraming, type Field, type Framing, type Head } from "./message.ts";

/** A request as it was received. `body` and what follows are filled once the body was read. */
export interface ReceivedRequest {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly fields: readonly Field[];
  readonly rawHead: string;
  readonly framing: Framing;
  /** 1-based: which of the endpoint's connections, and which request on that connection. */
  readonly connection: number;
  readonly nth: number;
  body: Buffer;
  /** As it came, chunk lines included. */
  rawBody: Buffer;
  trailers: readonly Field[];
  chunkSizes: readonly number[];
  /** Whether the body came to its end. */
  complete: boolean;
}

export interface Exchange {
  readonly request: ReceivedRequest;
  readonly socket: Socket;
  /** Aborted once the peer ended its side with nothing left to read, or the connection is closed by anybody. */
  readonly gone: AbortSignal;
  /** Reads the request's body to its end, once; later calls give the same. */
  readBody(): Promise<Buffer>;
  /** The next bytes after an upgrade; undefined when the client ended its side. */
  readTunnel(): Promise<Buffer | undefined>;
  /** Resolves when the socket takes more, or is closed: a writer that awaits it never runs ahead of its peer. */
  write(bytes: string | Buffer): Promise<void>;
  /** Sends FIN after what was written; nothing more is read from the connection. */
  end(): void;
  /** Sends RST. */
  reset(): void;
  /** Rejects early when the connection goes. */
  sleep(ms: number): Promise<void>;
}

export type Behaviour = (exchange: Exchange) => void | Promise<void>;

export interface ExchangeOrigin {
  readonly socket: Socket;
  readonly reader: ByteReader;
  readonly gone: AbortSignal;
  readonly connection: number;
  readonly nth: number;
}

export function createExchange(head: Head, origin: ExchangeOrigin): Exchange {
  const { socket, reader, gone } = origin;
  const request = received(head, origin);
  let bodyRead: Promise<Buffer> | undefined;
  return {
    request,
    socket,
    gone,
    readBody: () => (bodyRead ??= readWholeBody(request, reader)),
    readTunnel: () => reader.take(Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY),
    write: (bytes) => writeAll(socket, bytes),
    end: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
    sleep: (ms) => delay(ms, undefined, { signal: gone }),
  };
}

function received(head: Head, origin: ExchangeOrigin): ReceivedRequest {
  const [method = "", target = "", version = ""] = head.startLine.split(" ");
  return {
    method,
    target,
    version,
    fields: head.fields,
    rawHead: head.raw,
    framing: requestFraming(head),
    connection: origin.connection,
    nth: origin.nth,
    body: Buffer.alloc(0),
    rawBody: Buffer.alloc(0),
    trailers: [],
    chunkSizes: [],
    complete: false,
  };
}

async function readWholeBody(request: ReceivedRequest, reader: ByteReader): Promise<Buffer> {
  const data: Buffer[] = [];
  const raw: Buffer[] = [];
  const sink = {
    data: (piece: Buffer) => void data.push(piece),
    raw: (piece: Buffer) => void raw.push(piece),
  };
  try {
    const end = await readBody(reader, request.framing, sink, Number.POSITIVE_INFINITY);
    request.trailers = end.trailers;
    request.chunkSizes = end.chunkSizes;
    request.complete = true;
  } finally {
    // A body cut short is what some tests look at.
    request.body = Buffer.concat(data);
    request.rawBody = Buffer.concat(raw);
  }
  return request.body;
}

function writeAll(socket: Socket, bytes: string | Buffer): Promise<void> {
  const isTaken = typeof bytes === "string" ? socket.write(bytes, "latin1") : socket.write(bytes);
  if (isTaken || socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      socket.off("drain", finish);
      socket.off("close", finish);
      resolve();
    };
    socket.on("drain", finish);
    socket.on("close", finish);
  });
}
