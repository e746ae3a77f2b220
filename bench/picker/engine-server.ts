/**
 * Model servers that cost next to nothing: `node engine-server.ts PORT HOST[,HOST…] EVENTS`, one on every host.
 *
 * Each answers a completion as soon as its prompt is whole, with `EVENTS` events, or with JSON where that is 0; and `/metrics` with a page of
 * the length of vLLM's; `/pages-read` tells how many of those were read from all of them. Prints a line when all of them listen.
 */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { vllmPage } from "../../test/kit/metrics-pages.ts";
import { MessageEnd } from "./message-end.ts";

const port = Number(process.argv[2]);
const events = Number(process.argv[4]);
const hosts = (process.argv[3] ?? "").split(",");
/** As many as vLLM's own page has. */
const PAGE_LINES = 420;

const usage = '"usage":{"prompt_tokens":1000,"completion_tokens":16,"total_tokens":1016}';
const JSON_BODY = `{"id":"1","object":"chat.completion","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"Aye."}}],${usage}}`;

function whole(type: string, body: Buffer): Buffer {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}

function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

const answer = whole("application/json", Buffer.from(JSON_BODY));
const page = whole(
  "text/plain; version=0.0.4",
  vllmPage({ running: 0, waiting: 0, kvUsedRatio: 0.1, lines: PAGE_LINES }),
);
const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const EVENT = chunk(
  'data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}\n\n',
);
const LAST = `${chunk(`data: {"id":"1","object":"chat.completion.chunk","choices":[],${usage}}\n\ndata: [DONE]\n\n`)}0\r\n\r\n`;

/** One event at a time, each in a write of its own, as tokens come. */
function stream(socket: Socket, left: number): void {
  if (socket.destroyed) return;
  if (left === 0) return void socket.write(LAST);
  socket.write(left === events ? HEAD + EVENT : EVENT);
  setImmediate(stream, socket, left - 1);
}

let pagesRead = 0;

await Promise.all(
  hosts.map(async (host) => {
    const server = createServer({ noDelay: true }, (socket) => {
      const end = new MessageEnd();
      socket.on("data", (part: Buffer) => {
        if (!end.read(part)) return;
        if (end.startLine.includes("/metrics")) {
          pagesRead += 1;
          socket.write(page);
        } else if (end.startLine.includes("/pages-read")) {
          socket.write(whole("text/plain", Buffer.from(String(pagesRead))));
        } else if (end.startLine.startsWith("GET ")) socket.write(answer);
        else if (events === 0) socket.write(answer);
        else stream(socket, events);
      });
      socket.on("error", () => socket.destroy());
    });
    server.listen(port, host);
    await once(server, "listening");
  }),
);
process.stdout.write("listening\n");
