/**
 * The built-in load generator, for machines without wrk: `node load-client.ts PORT PATH CONNECTIONS SECONDS`.
 *
 * Closed loop over raw sockets: each connection sends the next request when the last answer is complete. It reads
 * answers with a Content-Length and status 200; anything else is an error and ends that connection. Prints one
 * LoadResult as JSON. It costs more than wrk does, so compare its figures only among themselves.
 */
import { connect, type Socket } from "node:net";
import { createHistogram } from "node:perf_hooks";
import { AnswerReader } from "../lib/answer-reader.ts";
import { HOST } from "../lib/network.ts";
import type { LoadResult } from "./load.ts";

const [port = 0, , connections = 1, seconds = 1] = process.argv.slice(2).map(Number);
const request = Buffer.from(`GET ${process.argv[3]} HTTP/1.1\r\nHost: ${HOST}:${port}\r\n\r\n`, "latin1");

/** In microseconds. */
const latency = createHistogram();
let requests = 0;
let errors = 0;
let stopping = false;
const sockets = new Set<Socket>();

function open(): void {
  const socket = connect({ port, host: HOST, noDelay: true });
  sockets.add(socket);
  let sentAt = 0;
  const reader = new AnswerReader();
  const send = (): void => {
    sentAt = performance.now();
    reader.begin();
    socket.write(request);
  };
  const fail = (): void => {
    if (!sockets.delete(socket)) return;
    socket.destroy();
    if (!stopping) errors += 1;
  };
  socket.once("connect", send);
  socket.on("error", fail);
  socket.on("close", fail);
  socket.on("data", (part: Buffer) => {
    const read = reader.read(part);
    if (read === "more") return;
    if (read === "strange" || reader.status !== 200) return fail();
    requests += 1;
    latency.record(Math.max(1, Math.round((performance.now() - sentAt) * 1000)));
    if (!stopping) send();
  });
}

const startedAt = performance.now();
for (let i = 0; i < connections; i += 1) open();
setTimeout(() => {
  stopping = true;
  const result: LoadResult = {
    requests,
    units: requests,
    seconds: (performance.now() - startedAt) / 1000,
    errors,
    p50Ms: latency.percentile(50) / 1000,
    p99Ms: latency.percentile(99) / 1000,
  };
  for (const socket of sockets) socket.destroy();
  process.stdout.write(JSON.stringify(result));
}, seconds * 1000);
