/**
 * The columns: everything about a pool's endpoints that changes per request, one typed array per signal,
 * indexed by the endpoint's slot.
 *
 * A struct of arrays keeps a decision among 10,000 endpoints inside the second-level cache and free of
 * allocation; arrays are replaced only when the pool outgrows them, so nobody may hold on to one across calls.
 * Numbers of the pool as a whole are one-cell arrays: a fractional number in a plain field would be boxed anew each
 * time it is handed to a function that the engine does not inline.
 * Times are milliseconds since process start (small floats), durations milliseconds.
 *
 * Invariants: all arrays have length `capacity`, a power of two; a free slot's row is as `resetRow` left it
 * save for its generation; `inFlightTotal` is the sum of `inFlight`.
 */
import { grown } from "./grown.ts";
import { createLoad, growLoad, resetLoad, type Load } from "./load.ts";
import { createTraits, growTraits, type Traits } from "./traits.ts";

/** What a slot's endpoint may do. Numbers, because they stand in a typed array. */
export const FREE = 0;
export const READY = 1;
export const DRAINING = 2;
/** Gone from the pool, kept until its last request ends. */
export const LEAVING = 3;

export interface Columns {
  capacity: number;
  inFlightTotal: number;

  /** FREE, READY, DRAINING or LEAVING. */
  state: Uint8Array;
  /** 1 healthy, 0 not. */
  healthy: Uint8Array;
  /** 1 ejected on the evidence of its traffic, 0 not. See health/ejections.ts. */
  ejected: Uint8Array;
  /** Share of a full load it should get for now, in (0, 1]; 1 save in slow start. See health/slow-start.ts. */
  ramp: Float64Array;
  /** Counts the endpoints that have lived in the slot: a ticket of an earlier one can be told apart. */
  generation: Int32Array;
  joinedMs: Float64Array;

  /** Claims not yet settled. */
  inFlight: Int32Array;
  /** Claims whose response has not begun. */
  waiting: Int32Array;
  /** Sum of the begin times of those, in ticks: see in-flight.ts. */
  waitingSinceTicks: Float64Array;

  /** Peak EWMA of the time to the first byte; below 0: nothing known yet. See peak-ewma.ts. */
  latencyMs: Float64Array;
  latencyStampMs: Float64Array;
  /** The latest sample of it, undecayed. */
  latencySampleMs: Float64Array;
  /** Recent share of attempts that failed, in [0, 1]. See error-ratio.ts. */
  errorRatio: Float64Array;
  errorStampMs: Float64Array;

  /** Decayed sums over recent answers; stamp below 0: none yet. See rate-window.ts. */
  windowCount: Float64Array;
  windowLatencyMs: Float64Array;
  windowSpanMs: Float64Array;
  windowStampMs: Float64Array;

  /** Attempts settled, and those that failed, since the endpoint joined. */
  requests: Float64Array;
  failures: Float64Array;

  /** What the configuration says of each: weight, zone, priority. */
  readonly traits: Traits;
  /** What each has reported of itself. */
  readonly load: Load;

  /** One cell: what the latency estimate of an endpoint of this pool usually is; 0: nothing known yet. */
  readonly typicalMs: Float64Array;
  /** One cell: mean throughput of an endpoint, for the locality-aware policy; above 0. */
  readonly meanRatePerSec: Float64Array;
}

const FIRST_CAPACITY = 16;

export function createColumns(): Columns {
  const columns: Columns = {
    capacity: FIRST_CAPACITY,
    inFlightTotal: 0,
    state: new Uint8Array(FIRST_CAPACITY),
    healthy: new Uint8Array(FIRST_CAPACITY),
    ejected: new Uint8Array(FIRST_CAPACITY),
    ramp: new Float64Array(FIRST_CAPACITY),
    generation: new Int32Array(FIRST_CAPACITY),
    joinedMs: new Float64Array(FIRST_CAPACITY),
    inFlight: new Int32Array(FIRST_CAPACITY),
    waiting: new Int32Array(FIRST_CAPACITY),
    waitingSinceTicks: new Float64Array(FIRST_CAPACITY),
    latencyMs: new Float64Array(FIRST_CAPACITY),
    latencyStampMs: new Float64Array(FIRST_CAPACITY),
    latencySampleMs: new Float64Array(FIRST_CAPACITY),
    errorRatio: new Float64Array(FIRST_CAPACITY),
    errorStampMs: new Float64Array(FIRST_CAPACITY),
    windowCount: new Float64Array(FIRST_CAPACITY),
    windowLatencyMs: new Float64Array(FIRST_CAPACITY),
    windowSpanMs: new Float64Array(FIRST_CAPACITY),
    windowStampMs: new Float64Array(FIRST_CAPACITY),
    requests: new Float64Array(FIRST_CAPACITY),
    failures: new Float64Array(FIRST_CAPACITY),
    traits: createTraits(FIRST_CAPACITY),
    load: createLoad(FIRST_CAPACITY),
    typicalMs: new Float64Array(1),
    // While nothing is measured any value does, as all endpoints share it; 1 is brpc's DEFAULT_QPS.
    meanRatePerSec: new Float64Array([1]),
  };
  for (let slot = 0; slot < FIRST_CAPACITY; slot++) resetRow(columns, slot);
  return columns;
}

/** Doubles the capacity by copying. */
export function growColumns(columns: Columns): void {
  const before = columns.capacity;
  const capacity = before * 2;
  columns.capacity = capacity;
  columns.state = grown(columns.state, capacity);
  columns.healthy = grown(columns.healthy, capacity);
  columns.ejected = grown(columns.ejected, capacity);
  columns.ramp = grown(columns.ramp, capacity);
  columns.generation = grown(columns.generation, capacity);
  columns.joinedMs = grown(columns.joinedMs, capacity);
  columns.inFlight = grown(columns.inFlight, capacity);
  columns.waiting = grown(columns.waiting, capacity);
  columns.waitingSinceTicks = grown(columns.waitingSinceTicks, capacity);
  columns.latencyMs = grown(columns.latencyMs, capacity);
  columns.latencyStampMs = grown(columns.latencyStampMs, capacity);
  columns.latencySampleMs = grown(columns.latencySampleMs, capacity);
  columns.errorRatio = grown(columns.errorRatio, capacity);
  columns.errorStampMs = grown(columns.errorStampMs, capacity);
  columns.windowCount = grown(columns.windowCount, capacity);
  columns.windowLatencyMs = grown(columns.windowLatencyMs, capacity);
  columns.windowSpanMs = grown(columns.windowSpanMs, capacity);
  columns.windowStampMs = grown(columns.windowStampMs, capacity);
  columns.requests = grown(columns.requests, capacity);
  columns.failures = grown(columns.failures, capacity);
  growTraits(columns.traits, capacity);
  growLoad(columns.load, capacity);
  for (let slot = before; slot < capacity; slot++) resetRow(columns, slot);
}

/** Makes the slot's row that of an endpoint never seen before. The generation stays: it outlives endpoints. */
export function resetRow(columns: Columns, slot: number): void {
  columns.state[slot] = FREE;
  columns.healthy[slot] = 1;
  columns.ejected[slot] = 0;
  columns.ramp[slot] = 1;
  columns.joinedMs[slot] = 0;
  columns.inFlight[slot] = 0;
  columns.waiting[slot] = 0;
  columns.waitingSinceTicks[slot] = 0;
  columns.latencyMs[slot] = -1;
  columns.latencyStampMs[slot] = 0;
  columns.latencySampleMs[slot] = -1;
  columns.errorRatio[slot] = 0;
  columns.errorStampMs[slot] = 0;
  columns.windowCount[slot] = 0;
  columns.windowLatencyMs[slot] = 0;
  columns.windowSpanMs[slot] = 0;
  columns.windowStampMs[slot] = -1;
  columns.requests[slot] = 0;
  columns.failures[slot] = 0;
  resetLoad(columns.load, slot);
}

/** Columns of their own with the same numbers: for asking "what if" without consequences. O(capacity). */
export function copyColumns(columns: Columns): Columns {
  return structuredCopy(columns) as Columns;
}

function structuredCopy(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return (value as Float64Array).slice();
  if (Array.isArray(value)) return [...(value as readonly unknown[])];
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, structuredCopy(part)]));
}
