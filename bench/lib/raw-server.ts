/**
 * A raw socket server for endpoints of the benches, because Node's own HTTP server costs several times as much as what
 * is measured through it.
 *
 * It is no HTTP server: it reads requests that have no body and trusts them, which is all that the benches send.
 */
import { createServer, type Server, type Socket } from "node:net";

export type RawHandler = (path: string, socket: Socket) => void;

/** One call per request. The handler writes one whole answer to the socket, now or later. */
export function rawServer(handle: RawHandler): Server {
  return createServer({ noDelay: true }, (socket) => {
    let pending = "";
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      pending += text;
      for (let end = pending.indexOf("\r\n\r\n"); end >= 0; end = pending.indexOf("\r\n\r\n")) {
        const path = pending.slice(pending.indexOf(" ") + 1, pending.indexOf(" HTTP/1."));
        pending = pending.slice(end + 4);
        handle(path, socket);
      }
    });
    socket.on("error", () => socket.destroy());
  });
}

/** A whole answer with a body. */
export function rawAnswer(body: Buffer, type = "application/json", status = "200 OK"): Buffer {
  const head = `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}
