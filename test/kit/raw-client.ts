/**
 * A client over a bare socket: sends exactly the bytes it is given and reads the answers strictly.
 *
 * Nothing is read until it is asked for, so a client that is simply left alone is the client that never reads.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ByteReader, ConnectionBroken } from "./byte-reader.ts";
import {
  fieldValue,
  readBody,
  readResponseHead,
  responseFraming,
  statusOf,
  type Field,
  type Framing,
  type Head,
} from "./message.ts";
import { WAIT_LIMIT_MS, within } from "./wait.ts";

export interface RawResponse {
  readonly status: number;
  readonly reason: string;
  readonly version: string;
  readonly rawHead: string;
  readonly fields: readonly Field[];
  readonly framing: Framing["kind"];
  /** Empty where `onBody` took it. */
  readonly body: Buffer;
  readonly text: string;
  readonly trailers: readonly Field[];
  readonly chunkSizes: readonly number[];
  /** 1xx responses that came before, oldest first. */
  readonly interim: readonly { readonly status: number; readonly fields: readonly Field[] }[];
  /** All values of a field joined by ", "; the name in any case. */
  header(name: string): string | undefined;
}

export interface ReadOptions {
  /** Of the request that is answered: a response to HEAD has no body. Default GET. */
  readonly method?: string;
  /** Bounds each wait for more bytes. */
  readonly limitMs?: number;
  /** Takes the body piece by piece instead of collecting it; awaited, so it can be slow. */
  readonly onBody?: (piece: Buffer) => void | Promise<void>;
}

export interface SendOptions {
  /** Sends one byte at a time with this pause between them. */
  readonly bytePauseMs?: number;
}

export interface RawClient {
  readonly socket: Socket;
  /** Strings are latin1: one character, one byte. Resolves when the socket takes more. */
  send(bytes: string | Buffer, options?: SendOptions): Promise<void>;
  /** The next final response; 101 counts as final, and what follows it is left for `readBytes`. */
  readResponse(options?: ReadOptions): Promise<RawResponse>;
  /** The next head alone, 1xx included; the body is left for `readBytes` and `readThrough`. */
  readHead(limitMs?: number): Promise<Head>;
  readBytes(count: number, limitMs?: number): Promise<Buffer>;
  /** Up to and including `mark`. */
  readThrough(mark: string, limitMs?: number): Promise<string>;
  /** What comes until the server ends its side; fails on a reset. */
  readUntilClose(limitMs?: number): Promise<Buffer>;
  /** Waits for the end, and says which: `fin` (after `bytes` unread bytes) or `rst`. */
  waitForClose(limitMs?: number): Promise<{ readonly how: "fin" | "rst"; readonly bytes: number }>;
  /** Half-close: FIN after what was sent, reading goes on. */
  end(): void;
  /** RST. */
  reset(): void;
  /** Destroys the socket. Harmless when already closed. */
  close(): void;
  [Symbol.dispose](): void;
}

/** Connects to `port` on loopback (or `host`). */
export async function rawClient(port: number, host = "127.0.0.1"): Promise<RawClient> {
  const socket = connect({ port, host, allowHalfOpen: true, noDelay: true });
  const reader = new ByteReader(socket);
  await within(once(socket, "connect"), `a connection to ${host}:${port}`);
  const close = (): void => void socket.destroy();
  return {
    socket,
    send: (bytes, options = {}) => send(socket, bytes, options),
    readResponse: (options = {}) => readResponse(reader, options),
    readHead: (limitMs = WAIT_LIMIT_MS) => readResponseHead(reader, limitMs),
    readBytes: (count, limitMs = WAIT_LIMIT_MS) => reader.exactly(count, limitMs),
    readThrough: async (mark, limitMs = WAIT_LIMIT_MS) =>
      (await reader.through(mark, limitMs))?.toString("latin1") ?? "",
    readUntilClose: (limitMs = WAIT_LIMIT_MS) => reader.rest(limitMs),
    waitForClose: (limitMs = WAIT_LIMIT_MS) => waitForClose(reader, limitMs),
    end: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
    close,
    [Symbol.dispose]: close,
  };
}

/** One request on its own connection: connects, sends, reads one response, closes. */
export async function exchangeOnce(
  port: number,
  request: string | Buffer,
  options: ReadOptions = {},
): Promise<RawResponse> {
  const client = await rawClient(port);
  try {
    await client.send(request);
    return await client.readResponse(options);
  } finally {
    client.close();
  }
}

async function send(socket: Socket, bytes: string | Buffer, options: SendOptions): Promise<void> {
  const all = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
  if (options.bytePauseMs === undefined) return write(socket, all);
  for (let at = 0; at < all.length && !socket.destroyed; at++) {
    await write(socket, all.subarray(at, at + 1));
    await sleep(options.bytePauseMs);
  }
}

async function write(socket: Socket, bytes: Buffer): Promise<void> {
  if (socket.write(bytes) || socket.destroyed) return;
  const settled = new AbortController();
  const { signal } = settled;
  try {
    await Promise.race([once(socket, "drain", { signal }), once(socket, "close", { signal })]);
  } finally {
    settled.abort();
  }
}

async function readResponse(reader: ByteReader, options: ReadOptions): Promise<RawResponse> {
  const { method = "GET", limitMs = WAIT_LIMIT_MS } = options;
  const interim: { status: number; fields: readonly Field[] }[] = [];
  let head = await readResponseHead(reader, limitMs);
  for (; statusOf(head) < 200 && statusOf(head) !== 101; head = await readResponseHead(reader, limitMs)) {
    responseFraming(head, method);
    interim.push({ status: statusOf(head), fields: head.fields });
  }
  const framing = responseFraming(head, method);
  const pieces: Buffer[] = [];
  const data = options.onBody ?? ((piece: Buffer) => void pieces.push(piece));
  const end = await readBody(reader, framing, { data }, limitMs);
  const body = Buffer.concat(pieces);
  return {
    status: statusOf(head),
    reason: head.startLine.slice(13),
    version: head.startLine.slice(0, 8),
    rawHead: head.raw,
    fields: head.fields,
    framing: framing.kind,
    body,
    text: body.toString("utf8"),
    trailers: end.trailers,
    chunkSizes: end.chunkSizes,
    interim,
    header: (name) => fieldValue(head.fields, name),
  };
}

async function waitForClose(
  reader: ByteReader,
  limitMs: number,
): Promise<{ readonly how: "fin" | "rst"; readonly bytes: number }> {
  let bytes = 0;
  try {
    for (;;) {
      const piece = await reader.take(Number.MAX_SAFE_INTEGER, limitMs);
      if (!piece) return { how: "fin", bytes };
      bytes += piece.length;
    }
  } catch (error) {
    if (error instanceof ConnectionBroken) return { how: "rst", bytes };
    throw error;
  }
}
