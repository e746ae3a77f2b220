/**
 * A raw socket origin: `node origin-server.ts PORT`. Streams events at /sse; also /small, /10k and /1m, for
 * machines without nginx.
 *
 * Each event carries its time of writing (`at=`, microseconds of the system's monotonic clock, which all processes
 * of a machine share), so that the reader can tell how long it was under way.
 */
import type { Socket } from "node:net";
import { HOST } from "../lib/network.ts";
import { rawAnswer, rawServer } from "../lib/raw-server.ts";
import { SMALL_BODY, SSE_EVENTS, SSE_GAP_MS } from "./rows.ts";

const ANSWERS: Readonly<Record<string, Buffer>> = {
  "/small": rawAnswer(Buffer.from(SMALL_BODY)),
  "/10k": rawAnswer(Buffer.alloc(10 * 1024, "x")),
  "/1m": rawAnswer(Buffer.alloc(1024 * 1024, "x")),
};
const NOT_FOUND = Buffer.from("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "latin1");
const STREAM_HEAD =
  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";
/** Brings an event to about 100 bytes: the size of one token's delta from an LLM server, give or take. */
const PADDING = "x".repeat(60);

function streamEvents(socket: Socket): void {
  socket.write(STREAM_HEAD, "latin1");
  let sent = 0;
  // A chain of timers rather than an interval: two events of one stream never share a turn of the loop.
  const next = (): void => {
    if (socket.destroyed) return;
    if (sent === SSE_EVENTS) {
      socket.write("0\r\n\r\n", "latin1");
      return;
    }
    sent += 1;
    const event = `id: ${sent}\ndata: at=${process.hrtime.bigint() / 1000n} ${PADDING}\n\n`;
    socket.write(`${event.length.toString(16)}\r\n${event}\r\n`, "latin1");
    setTimeout(next, SSE_GAP_MS);
  };
  setTimeout(next, SSE_GAP_MS);
}

const server = rawServer((path, socket) => {
  if (path.startsWith("/sse")) streamEvents(socket);
  else socket.write(ANSWERS[path] ?? NOT_FOUND);
});
server.listen({ port: Number(process.argv[2]), host: HOST, backlog: 4096 });
process.once("SIGTERM", () => process.exit(0));
