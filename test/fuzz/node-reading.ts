/**
 * Node's own reading of byte streams (llhttp behind node:http, strict settings), without a socket: the bytes go
 * through a Duplex in memory. Streams are read in batches, for Node hands out bodies only in later turns.
 */
import http from "node:http";
import { Duplex } from "node:stream";
import type { Field, Reading, RequestReading, ResponseReading, Stop } from "./reading.ts";

/** Event-loop turns after which Node has made of a batch what it can. */
const TURNS = 6;
/** Ours has other limits on sizes and counts; they are not what is compared. */
const HEAD_BYTES_MAX = 1 << 20;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Node's messages, as they grow, on one connection. */
interface Progress<Message> {
  readonly messages: Writable<Message>[];
  stop: Stop;
}

class MemorySocket extends Duplex {
  readonly progress: Progress<RequestReading>;

  constructor(progress: Progress<RequestReading>) {
    super({ allowHalfOpen: true });
    this.progress = progress;
  }

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }

  // What node:http calls on a net.Socket.
  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

const server = createServer();

function createServer(): http.Server {
  const options = {
    maxHeaderSize: HEAD_BYTES_MAX,
    requestTimeout: 0,
    headersTimeout: 0,
    keepAliveTimeout: 0,
  };
  const made = http.createServer(options);
  made.maxHeadersCount = 0;
  for (const event of ["request", "checkContinue", "checkExpectation"]) {
    made.on(event, (request: http.IncomingMessage) => {
      const { progress } = request.socket as unknown as MemorySocket;
      const head = { method: request.method ?? "", target: request.url ?? "" };
      progress.messages.push(follow(request, head));
    });
  }
  made.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    // Not destroyed: the messages before the fault have yet to be handed out.
    (socket as unknown as MemorySocket).progress.stop = refused(error);
  });
  return made;
}

export async function readRequestsByNode(streams: readonly Buffer[]): Promise<Reading<RequestReading>[]> {
  const sockets = streams.map((bytes) => {
    const socket = new MemorySocket({ messages: [], stop: { kind: "starved" } });
    socket.on("error", () => {});
    server.emit("connection", socket);
    socket.push(Buffer.from(bytes));
    return socket;
  });
  await turns();
  return sockets.map((socket) => {
    const messages = socket.progress.messages.map((each) => ({ ...each }));
    const { stop } = socket.progress;
    socket.destroy();
    return { messages, stop };
  });
}

export interface AnswerStream {
  readonly bytes: Buffer;
  /** Of the request that is answered. */
  readonly method: string;
  readonly closed: boolean;
}

/** Each stream answers one request: interim responses and a final one. */
export async function readAnswersByNode(
  streams: readonly AnswerStream[],
): Promise<Reading<ResponseReading>[]> {
  const exchanges = streams.map(({ bytes, method, closed }) => {
    const progress: Progress<ResponseReading> = { messages: [], stop: { kind: "starved" } };
    const socket = new MemorySocket({ messages: [], stop: { kind: "starved" } });
    const request = http.request({
      method,
      host: "a",
      maxHeaderSize: HEAD_BYTES_MAX,
      createConnection: () => socket,
    });
    request.maxHeadersCount = 0;
    request.on("information", (info) => {
      progress.messages.push({
        status: info.statusCode,
        reason: info.statusMessage,
        minorVersion: info.httpVersionMinor,
        fields: pairs(info.rawHeaders),
        body: "",
        trailers: [],
        whole: true,
      });
    });
    request.on("response", (response) => progress.messages.push(followResponse(response)));
    request.on("upgrade", (response) => {
      progress.messages.push({ ...followResponse(response), whole: true });
      progress.stop = { kind: "tunnel" };
    });
    request.on("error", (error: NodeJS.ErrnoException) => {
      progress.stop = refused(error);
    });
    request.end();
    socket.push(Buffer.from(bytes));
    if (closed) socket.push(null);
    return { progress, socket, request };
  });
  await turns();
  return exchanges.map(({ progress, socket, request }) => {
    const messages = progress.messages.map((each) => ({ ...each }));
    const { stop } = progress;
    request.destroy();
    socket.destroy();
    return { messages, stop };
  });
}

function followResponse(response: http.IncomingMessage): Writable<ResponseReading> {
  return follow(response, { status: response.statusCode ?? 0, reason: response.statusMessage ?? "" });
}

/** The message, whose body and trailers are filled in as they come. */
function follow<Head extends object>(message: http.IncomingMessage, head: Head) {
  const reading = {
    ...head,
    minorVersion: message.httpVersionMinor,
    fields: pairs(message.rawHeaders),
    body: "",
    trailers: [] as readonly Field[],
    whole: false,
  };
  message.on("data", (piece: Buffer) => {
    reading.body += piece.toString("latin1");
  });
  message.on("end", () => {
    reading.whole = message.complete;
    reading.trailers = pairs(message.rawTrailers);
  });
  message.on("error", () => {});
  return reading;
}

function pairs(raw: readonly string[]): Field[] {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i]!, raw[2 * i + 1]!]);
}

function refused(error: NodeJS.ErrnoException): Stop {
  return { kind: "refused", refusal: error.code ?? "", fault: error.message };
}

async function turns(): Promise<void> {
  for (let i = 0; i < TURNS; i++) await new Promise((resolve) => setImmediate(resolve));
}
