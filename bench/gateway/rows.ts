/**
 * The rows of the comparison: what is asked of each proxy, and in which unit its cost is counted.
 *
 * A cell is one row on one proxy in one round. Sizes are those of the answer's body.
 */
export const ROW_NAMES = ["small", "10k", "1m", "sse", "idle"] as const;
export type RowName = (typeof ROW_NAMES)[number];

export interface Row {
  readonly name: RowName;
  readonly title: string;
  readonly path: string;
  /** Connections of the load generator; each sends its next request when the last answer is complete. */
  readonly connections: number;
  /** What processor time is divided by. */
  readonly unit: "request" | "chunk" | "connection";
}

/** ~150 bytes: a short JSON answer, the case where the proxy's own cost per request shows most. */
export const SMALL_BODY = JSON.stringify({
  service: "origin",
  status: "ok",
  note: "a short answer of the size that health checks, lookups and small API calls have, padded to 150 bytes",
});

export const SSE_EVENTS = 64;
/** A real pause between events: each must reach the proxy as its own read, or flushing is not measured. */
export const SSE_GAP_MS = 1;
export const SSE_STREAMS = 20;
export const IDLE_CONNECTIONS = 1000;

export const ROWS: readonly Row[] = [
  { name: "small", title: "small GET", path: "/small", connections: 32, unit: "request" },
  { name: "10k", title: "10 KB response", path: "/10k", connections: 32, unit: "request" },
  { name: "1m", title: "1 MB response", path: "/1m", connections: 8, unit: "request" },
  { name: "sse", title: `SSE, ${SSE_EVENTS} chunks`, path: "/sse", connections: SSE_STREAMS, unit: "chunk" },
  {
    name: "idle",
    title: `${IDLE_CONNECTIONS} idle connections`,
    path: "/small",
    connections: IDLE_CONNECTIONS,
    unit: "connection",
  },
];
