/**
 * A real Node server as an endpoint: node:http with pages, an echo, events, trailers, and WebSocket by `ws`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";

export interface NodeBackend {
  readonly host: string;
  readonly port: number;
  [Symbol.asyncDispose](): Promise<void>;
}

/** `pages`: path to HTML. */
export async function startNodeBackend(pages: Readonly<Record<string, string>> = {}): Promise<NodeBackend> {
  const server = createServer((request, response) => {
    // A request that is cut short is the test's to notice, at its other end.
    answer(request, response, pages).catch(() => response.destroy());
  });
  const sockets = new WebSocketServer({ server, path: "/ws" });
  sockets.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  pages: Readonly<Record<string, string>>,
): Promise<void> {
  const path = new URL(request.url ?? "/", "http://backend").pathname;
  const page = pages[path];
  if (page !== undefined) {
    response.setHeader("Content-Type", "text/html; charset=utf-8").end(page);
  } else if (path === "/echo") {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces);
    response.setHeader("X-Method", request.method ?? "").setHeader("X-Length", body.length);
    response.setHeader("X-Trailer-Seen", request.trailers["x-sum"] ?? "").end(body);
  } else if (path === "/events") {
    response.setHeader("Content-Type", "text/event-stream");
    for (let n = 1; n <= 3; n++) {
      response.write(`data: event ${n}\n\n`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    response.end();
  } else if (path === "/trailers") {
    response.writeHead(200, { Trailer: "X-Sum" });
    response.write("first ");
    response.write("second");
    response.addTrailers({ "X-Sum": "2" });
    response.end();
  } else response.writeHead(404).end("not here");
}
