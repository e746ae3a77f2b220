/**
 * When the next probe of an endpoint is due.
 *
 * Jitter keeps the probes of a pool from marching in step: first probes are spread over a whole interval, so
 * a pool of 1,000 that appears at once is probed at an even rate; later ones vary by a tenth, so endpoints that fell
 * into step (a restart, a stall) drift apart again. The mean interval is the configured one.
 *
 * All in milliseconds.
 */
import type { Prng } from "../../std/prng.ts";

const JITTER_RATIO = 0.1;

/** Uniform in [0, interval). */
export function firstDelayMs(intervalMs: number, prng: Prng): number {
  return intervalMs * prng.float();
}

/** Uniform in [0.9, 1.1) of the interval, counted from the start of the probe before. */
export function nextDelayMs(intervalMs: number, prng: Prng): number {
  return intervalMs * (1 - JITTER_RATIO + 2 * JITTER_RATIO * prng.float());
}
