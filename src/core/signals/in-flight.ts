/**
 * Requests in flight, and how long those still without an answer have been waiting.
 *
 * The mean age of the waiting is the only thing an endpoint that hangs reveals: it gives no samples. brpc's
 * balancer keeps it as a sum of begin times and a count (O(1), no list); so does this. Ageing ends with the
 * first byte of the response, not with its last, so that a long stream does not look like a hang.
 *
 * Unit of the sum: ticks of 1/16 ms, whole numbers. Sums and differences of whole numbers below 2^53 are exact,
 * so the sum does not drift however many requests pass: a year of uptime is 5e11 ticks, which leaves room for
 * 18,000 requests waiting on one endpoint.
 *
 * Invariants: 0 <= waiting <= inFlight; waiting 0 means sum 0.
 */
import type { Columns } from "./columns.ts";

const TICKS_PER_MS = 16;

function ticks(timeMs: number): number {
  return Math.floor(timeMs * TICKS_PER_MS);
}

export function begin(columns: Columns, slot: number, nowMs: number): void {
  columns.inFlight[slot] = columns.inFlight[slot]! + 1;
  columns.inFlightTotal++;
  startWaiting(columns, slot, nowMs);
}

/** The endpoint owes an answer from now on. */
export function startWaiting(columns: Columns, slot: number, nowMs: number): void {
  columns.waiting[slot] = columns.waiting[slot]! + 1;
  columns.waitingSinceTicks[slot] = columns.waitingSinceTicks[slot]! + ticks(nowMs);
}

/** The response to the claim's request has begun, or its client owes the rest of it: it no longer ages. */
export function stopWaiting(
  columns: Columns,
  claim: { readonly slot: number; readonly sinceMs: number },
): void {
  const { slot } = claim;
  columns.waiting[slot] = columns.waiting[slot]! - 1;
  columns.waitingSinceTicks[slot] = columns.waitingSinceTicks[slot]! - ticks(claim.sinceMs);
}

export function end(columns: Columns, slot: number): void {
  columns.inFlight[slot] = columns.inFlight[slot]! - 1;
  columns.inFlightTotal--;
}

/** Mean age of the requests still waiting for their first byte; 0 where none is. */
export function waitingAgeMs(columns: Columns, slot: number, nowMs: number): number {
  const waiting = columns.waiting[slot]!;
  if (waiting === 0) return 0;
  return nowMs - columns.waitingSinceTicks[slot]! / (waiting * TICKS_PER_MS);
}
