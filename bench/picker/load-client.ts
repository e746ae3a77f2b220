/**
 * The load: `node load-client.ts PORT RATE SECONDS TOKENS`, requests at even distances whatever becomes of those before, each on a
 * connection that is free.
 *
 * Half of a prompt is common to all, the rest its own; a token is four bytes. Latency counts from when a request was due, so that a client
 * that is late itself shows it; how late is told beside it. Prints one `LoadResult` as JSON.
 */
import { connect, type Socket } from "node:net";
import { HOST } from "../lib/network.ts";
import { MessageEnd } from "./message-end.ts";

export interface LoadResult {
  /** From due to the first byte of the answer, in milliseconds, sorted. */
  readonly firstByteMs: readonly number[];
  /** To its last byte. */
  readonly totalMs: readonly number[];
  readonly lateP99Ms: number;
  readonly errors: number;
}

const BYTES_PER_TOKEN = 4;
/** What is still open when the last request is due. */
const GRACE_MS = 5000;

const [port = 0, rate = 1, seconds = 1, tokens = 1] = process.argv.slice(2).map(Number);

interface Lane {
  readonly socket: Socket;
  dueMs: number;
  firstMs: number;
}

const words = "the load of a ship is known by a line that is painted on its side and seen by all who care ";
const half = words
  .repeat(Math.ceil((tokens * BYTES_PER_TOKEN) / 2 / words.length))
  .slice(0, (tokens * BYTES_PER_TOKEN) / 2);
const opening = Buffer.from(
  `{"model":"model","max_tokens":16,"messages":[{"role":"system","content":"${half}"},{"role":"user","content":"`,
);
const ending = Buffer.from(` ${half}"}]}`);
let number = Math.floor(Math.random() * 1e9);

const free: Lane[] = [];
const busy = new Set<Lane>();
const firstByteMs: number[] = [];
const totalMs: number[] = [];
const lateMs: number[] = [];
let errors = 0;

function lane(): Lane {
  const made: Lane = { socket: connect({ port, host: HOST, noDelay: true }), dueMs: 0, firstMs: 0 };
  const end = new MessageEnd();
  const fail = (): void => {
    made.socket.destroy();
    if (busy.delete(made)) errors += 1;
    const at = free.indexOf(made);
    if (at >= 0) free.splice(at, 1);
  };
  made.socket.on("error", fail);
  made.socket.on("close", fail);
  made.socket.on("data", (part: Buffer) => {
    const nowMs = performance.now();
    if (made.firstMs === 0) made.firstMs = nowMs;
    if (!end.read(part)) return;
    if (!end.startLine.includes(" 200 ")) return fail();
    busy.delete(made);
    firstByteMs.push(made.firstMs - made.dueMs);
    totalMs.push(nowMs - made.dueMs);
    free.push(made);
  });
  return made;
}

function send(dueMs: number): void {
  const used = free.pop() ?? lane();
  const own = Buffer.from(`request ${(number++).toString(36)}:`);
  const length = opening.length + own.length + ending.length;
  used.dueMs = dueMs;
  used.firstMs = 0;
  busy.add(used);
  lateMs.push(performance.now() - dueMs);
  used.socket.write(
    Buffer.concat([
      Buffer.from(
        `POST /v1/chat/completions HTTP/1.1\r\nHost: ${HOST}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`,
      ),
      opening,
      own,
      ending,
    ]),
  );
}

const startMs = performance.now() + 20;
const count = Math.round(rate * seconds);
let next = 0;
await new Promise<void>((resolve) => {
  const tick = (): void => {
    while (next < count && performance.now() >= startMs + (next * 1000) / rate)
      send(startMs + (next++ * 1000) / rate);
    if (next === count) return resolve();
    setTimeout(tick, Math.max(0, startMs + (next * 1000) / rate - performance.now()));
  };
  tick();
});
const deadlineMs = performance.now() + GRACE_MS;
while (busy.size > 0 && performance.now() < deadlineMs)
  await new Promise((resolve) => setTimeout(resolve, 5));
const ascending = (a: number, b: number): number => a - b;
const late = lateMs.toSorted(ascending);
const result: LoadResult = {
  firstByteMs: firstByteMs.toSorted(ascending),
  totalMs: totalMs.toSorted(ascending),
  lateP99Ms: late[Math.floor(late.length * 0.99)] ?? 0,
  errors: errors + busy.size,
};
process.stdout.write(JSON.stringify(result));
process.exit(0);
