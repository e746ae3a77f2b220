/**
 * Thousands of requests held at one time through Envoy: a client and a model server on HTTP/2 at both ends, so that what is counted are
 * streams and not sockets.
 */
import { once } from "node:events";
import {
  connect,
  createServer,
  type ClientHttp2Stream,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { WHOLE_ANSWER } from "../kit/picker/model-endpoint.ts";

const STREAMS_PER_CONNECTION = 1000;
const SESSION_MEMORY_MB = 1000;

export interface HoldingEndpoint {
  readonly port: number;
  /** Requests that have come whole and have no answer. */
  held(): number;
  /** Answers all that are held, and all that come from now on at once. */
  release(): void;
  close(): Promise<void>;
}

export async function startHoldingEndpoint(host: string, port: number): Promise<HoldingEndpoint> {
  const waiting = new Set<ServerHttp2Stream>();
  const sessions = new Set<ServerHttp2Session>();
  let isOpen = false;
  const answer = (stream: ServerHttp2Stream): void => {
    if (stream.destroyed) return;
    stream.respond({ ":status": 200, "content-type": "application/json" });
    stream.end(WHOLE_ANSWER);
  };
  const server = createServer({
    maxSessionMemory: SESSION_MEMORY_MB,
    settings: { maxConcurrentStreams: 20_000 },
  });
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => undefined);
    session.once("close", () => sessions.delete(session));
  });
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    stream.resume();
    stream.once("end", () => {
      if (isOpen) return answer(stream);
      waiting.add(stream);
      stream.once("close", () => waiting.delete(stream));
    });
  });
  server.listen(port, host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    held: () => waiting.size,
    release: () => {
      isOpen = true;
      for (const stream of waiting) answer(stream);
      waiting.clear();
    },
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}

export interface HeldRequests {
  /** Statuses of answers that came whole, or of streams that broke off (0). */
  readonly statuses: Promise<readonly number[]>;
  /** Answers so far. */
  answered(): number;
  close(): void;
}

/** Sends `count` requests at once, each with a body of its own. */
export function sendRequests(port: number, count: number, bodyOf: (index: number) => string): HeldRequests {
  const sessions = Array.from({ length: Math.ceil(count / STREAMS_PER_CONNECTION) }, () => {
    const session = connect(`http://127.0.0.1:${port}`, { maxSessionMemory: SESSION_MEMORY_MB });
    session.on("error", () => undefined);
    return session;
  });
  let answered = 0;
  const statuses = Promise.all(
    Array.from({ length: count }, (_, index) => {
      const body = bodyOf(index);
      const stream = sessions[index % sessions.length]!.request({
        ":method": "POST",
        ":path": "/v1/chat/completions",
        "content-type": "application/json",
      });
      stream.end(body);
      return statusOf(stream).finally(() => (answered += 1));
    }),
  );
  return {
    statuses,
    answered: () => answered,
    close: () => {
      for (const session of sessions) session.destroy();
    },
  };
}

function statusOf(stream: ClientHttp2Stream): Promise<number> {
  return new Promise((resolve) => {
    let status = 0;
    let isWhole = false;
    stream.on("response", (head) => (status = Number(head[":status"])));
    stream.on("end", () => (isWhole = true));
    stream.on("error", () => undefined);
    stream.once("close", () => resolve(isWhole ? status : 0));
    stream.resume();
  });
}
