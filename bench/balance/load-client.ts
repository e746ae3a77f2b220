/**
 * The clients: `node load-client.ts PORT RATE SEED WARM_UP MEASURED` sends WARM_UP + MEASURED requests, the first of
 * which warm up, and prints a LoadResult.
 *
 * Open loop: arrivals are Poisson from the seed and wait for no answer, and a latency counts from the moment when the
 * request should have been sent [ms], so a proxy that stalls cannot slow the clock that measures it (no coordinated
 * omission). Connections are kept and opened as needed, never two requests on one at a time; one that a proxy closed is
 * not used again. GET, so every proxy may retry.
 */
import { connect } from "node:net";
import { exponential } from "../../src/sim/chance/work.ts";
import { createPrng } from "../../src/std/prng.ts";
import { AnswerReader } from "../lib/answer-reader.ts";
import { HOST } from "../lib/network.ts";

/** An answer that has not come by then is an error of that latency. Ten times what the slowest endpoint needs. */
const TIMEOUT_MS = 10_000;

export interface LoadResult {
  /** Of every measured request, errors included: in the order of their numbers. */
  readonly latenciesMs: readonly number[];
  readonly errors: number;
  /** How late requests were sent, at the 99th percentile: the machine's own part in the tail. */
  readonly lateP99Ms: number;
}

const [port = 0, ratePerSec = 1, seed = 0, warmUp = 0, measured = 1] = process.argv.slice(2).map(Number);
const prng = createPrng(seed);
const total = warmUp + measured;
const latenciesMs = new Float64Array(measured);
const lateMs = new Float64Array(measured);
let errors = 0;
let open = total;
let next = 0;
let dueMs = performance.now() + 100;

interface Connection {
  ask(number: number, intendedMs: number): void;
}

/** The one used last is used next. */
const idle: Connection[] = [];

function finished(number: number, intendedMs: number, good: boolean): void {
  const index = number - warmUp;
  if (index >= 0) {
    latenciesMs[index] = performance.now() - intendedMs;
    if (!good) errors += 1;
  }
  open -= 1;
  if (open === 0) report();
}

function openConnection(): Connection {
  const socket = connect({ port, host: HOST, noDelay: true });
  const reader = new AnswerReader();
  let asked: { readonly number: number; readonly intendedMs: number } | undefined;
  const connection: Connection = {
    ask(number, intendedMs) {
      asked = { number, intendedMs };
      reader.begin();
      socket.setTimeout(TIMEOUT_MS);
      socket.write(`GET /r/${number} HTTP/1.1\r\nHost: ${HOST}:${port}\r\n\r\n`, "latin1");
    },
  };
  const end = (good: boolean): void => {
    if (asked === undefined) return;
    const { number, intendedMs } = asked;
    asked = undefined;
    socket.setTimeout(0);
    finished(number, intendedMs, good);
  };
  const lose = (): void => {
    socket.destroy();
    const place = idle.indexOf(connection);
    if (place >= 0) idle.splice(place, 1);
    end(false);
  };
  socket.on("error", lose).on("close", lose).on("end", lose).on("timeout", lose);
  socket.on("data", (part: Buffer) => {
    const read = reader.read(part);
    if (read === "more") return;
    if (read === "strange") return lose();
    idle.push(connection);
    end(reader.status === 200);
  });
  return connection;
}

function send(number: number, intendedMs: number): void {
  const index = number - warmUp;
  if (index >= 0) lateMs[index] = performance.now() - intendedMs;
  (idle.pop() ?? openConnection()).ask(number, intendedMs);
}

function report(): void {
  const result: LoadResult = {
    latenciesMs: Array.from(latenciesMs, (ms) => Math.round(ms * 100) / 100),
    errors,
    lateP99Ms: lateMs.toSorted()[Math.floor(measured * 0.99)] ?? 0,
  };
  process.stdout.write(JSON.stringify(result), () => process.exit(0));
}

function turn(): void {
  while (next < total && dueMs <= performance.now()) {
    send(next, dueMs);
    next += 1;
    dueMs += (exponential(prng) * 1000) / ratePerSec;
  }
  if (next < total) setTimeout(turn, Math.max(0, dueMs - performance.now()));
}

turn();
