/**
 * Reads event streams: `node sse-client.ts PORT PATH STREAMS SECONDS`.
 *
 * Each of a bounded number of connections reads one stream after the other. Events are counted by their blank
 * line and timed from the `at=` that the origin wrote in them. The number of reads is kept too: a proxy that
 * gathers chunks before it passes them on looks cheap, and this is where it shows. Prints one LoadResult as JSON.
 */
import { connect, type Socket } from "node:net";
import { createHistogram } from "node:perf_hooks";
import { HOST } from "../lib/network.ts";
import type { LoadResult } from "./load.ts";

const [port = 0, , streams = 1, seconds = 1] = process.argv.slice(2).map(Number);
const request = `GET ${process.argv[3]} HTTP/1.1\r\nHost: ${HOST}:${port}\r\nAccept: text/event-stream\r\n\r\n`;

/** Microseconds from the origin's write to our read. */
const delay = createHistogram();
let chunks = 0;
let reads = 0;
let requests = 0;
let errors = 0;
let stopping = false;
const sockets = new Set<Socket>();

function open(): void {
  const socket = connect({ port, host: HOST, noDelay: true });
  sockets.add(socket);
  socket.setEncoding("latin1");
  let pending = "";
  const fail = (): void => {
    if (!sockets.delete(socket)) return;
    socket.destroy();
    if (!stopping) errors += 1;
  };
  socket.once("connect", () => socket.write(request));
  socket.on("error", fail);
  socket.on("close", fail);
  socket.on("data", (text: string) => {
    const nowUs = Number(process.hrtime.bigint() / 1000n);
    pending += text;
    let found = false;
    for (let end = pending.indexOf("\n\n"); end >= 0; end = pending.indexOf("\n\n")) {
      const at = pending.indexOf("at=");
      delay.record(Math.max(1, nowUs - Number(pending.slice(at + 3, pending.indexOf(" ", at)))));
      pending = pending.slice(end + 2);
      chunks += 1;
      found = true;
    }
    // Reads that complete no event (a head, a last chunk) are not deliveries of one.
    if (found) reads += 1;
    if (!pending.endsWith("\r\n0\r\n\r\n")) return;
    requests += 1;
    pending = "";
    if (!stopping) socket.write(request);
  });
}

const startedAt = performance.now();
for (let i = 0; i < streams; i += 1) open();
setTimeout(() => {
  stopping = true;
  const result: LoadResult = {
    requests,
    units: chunks,
    seconds: (performance.now() - startedAt) / 1000,
    errors,
    p50Ms: delay.percentile(50) / 1000,
    p99Ms: delay.percentile(99) / 1000,
    readsPerUnit: chunks === 0 ? 0 : reads / chunks,
  };
  for (const socket of sockets) socket.destroy();
  process.stdout.write(JSON.stringify(result));
}, seconds * 1000);
