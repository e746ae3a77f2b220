/**
 * Load on one proxy: which generator sends it, and its figures in one shape.
 *
 * Request/response rows are sent by wrk (one thread, closed loop) or, where wrk is missing, by load-client.ts.
 * Streams are read by sse-client.ts. Every generator is a process of its own and bounded in time by its arguments.
 */
import { join } from "node:path";
import { output } from "../lib/children.ts";
import { HOST } from "../lib/network.ts";
import type { Row } from "./rows.ts";

export interface LoadResult {
  readonly requests: number;
  /** Requests, or chunks that arrived: what the row's processor time is divided by. */
  readonly units: number;
  readonly seconds: number;
  /** Broken connections, timeouts and statuses other than 2xx. */
  readonly errors: number;
  /** Of a request; of a chunk (written by the origin to read by the client) where the row counts chunks. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Reads of the client per chunk: below 1 means that the proxy gathered chunks instead of passing each on. */
  readonly readsPerUnit?: number;
}

export type Generator = "wrk" | "built-in";

export async function findGenerator(): Promise<{ readonly generator: Generator; readonly version: string }> {
  try {
    // wrk -v prints its version and ends with 1.
    const text = await output("sh", ["-c", "wrk -v 2>&1; true"]);
    const version = /^wrk (\S+)/m.exec(text)?.[1];
    if (version !== undefined) return { generator: "wrk", version };
  } catch {
    // No shell or no wrk: the built-in client it is.
  }
  return { generator: "built-in", version: process.version };
}

export async function load(
  generator: Generator,
  port: number,
  row: Row,
  seconds: number,
): Promise<LoadResult> {
  const url = `http://${HOST}:${port}${row.path}`;
  if (row.unit === "chunk") return client("sse-client.ts", port, row, seconds);
  if (generator === "built-in") return client("load-client.ts", port, row, seconds);
  const report = join(import.meta.dirname, "wrk-report.lua");
  const flags = ["-t1", `-c${row.connections}`, `-d${wrkDuration(seconds)}`, "--timeout", "10s", "--latency"];
  const text = await output("wrk", [...flags, "-s", report, url]);
  const line = /^@(\{.*\})$/m.exec(text)?.[1];
  if (line === undefined) throw new Error(`wrk said nothing that could be read: ${text}`);
  const figures = JSON.parse(line) as Omit<LoadResult, "units">;
  return { ...figures, units: figures.requests - figures.errors };
}

async function client(file: string, port: number, row: Row, seconds: number): Promise<LoadResult> {
  const script = join(import.meta.dirname, file);
  const words = [script, String(port), row.path, String(row.connections), String(seconds)];
  return JSON.parse(await output(process.execPath, words)) as LoadResult;
}

/** wrk takes whole seconds only. */
function wrkDuration(seconds: number): string {
  return `${Math.max(1, Math.round(seconds))}s`;
}
