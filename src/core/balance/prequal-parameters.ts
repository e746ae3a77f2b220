/**
 * Prequal's numbers (NSDI 2024, arXiv 2312.10172, sections 4 and 5): how often a probe may be used and how many are removed.
 *
 *     reuse = max(1, (1 + delta) / ((1 - m / n) * probes - removals))
 *
 * m: size of the pool of probes; n: endpoints; probes, removals: per request; delta 1: net growth of the pool.
 * A denominator of 0 or less (n <= 24 at three probes) means that probes come slower than they are used up at any
 * reuse: they may then be used until they age away.
 */
import { POOL_SIZE } from "./probe-pool.ts";

/** Parts hot from cold: 2^(-1/4) = 0.84, the middle of the good range 0.6 to 0.9. */
export const HOT_QUANTILE = 2 ** -0.25;

/** The testbed's rate. Below one probe per request tails grow (section 5.3). */
export const PROBES_PER_REQUEST = 3;

/** One removal for three probes, as in the paper. */
const REMOVALS_PER_PROBE = 1 / 3;
const DELTA = 1;

/** Past this a probe ages away before it is used up: a second has rarely more picks. */
const REUSE_MAX = 1_000_000;

export function removalsOf(probes: number): number {
  return probes * REMOVALS_PER_PROBE;
}

export function reuseOf(probes: number, endpoints: number): number {
  const inflow = (1 - POOL_SIZE / endpoints) * probes - removalsOf(probes);
  return inflow <= 0 ? REUSE_MAX : Math.min(REUSE_MAX, Math.max(1, (1 + DELTA) / inflow));
}
