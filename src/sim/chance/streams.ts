/**
 * One random stream per purpose, all from the scenario's seed: so every policy meets the same arrivals, the same works and
 * the same faults, and what differs between two results is what the policies did.
 */
import { createPrng, type Prng } from "../../std/prng.ts";

/** Each is one stride from the next. A number is never given again, so that figures outlast purposes. */
const STREAMS = {
  arrivals: 1,
  bursts: 2,
  work: 3,
  gateway: 4,
  backoff: 5,
  faults: 6,
  probes: 7,
  reports: 8,
  keys: 10,
} as const;

export type StreamName = keyof typeof STREAMS;

/** The first of the gateways' own. */
const BRAINS = 11;

/** Odd, so that all multiples differ; not the constant with which the generator spreads its seed. */
const STRIDE = 0x85eb_ca6b;

export function stream(seed: number, name: StreamName): Prng {
  return createPrng((seed ^ Math.imul(STREAMS[name], STRIDE)) >>> 0);
}

/** A gateway's own generator, with which its brain decides. */
export function brainStream(seed: number, gateway: number): Prng {
  return createPrng((seed ^ Math.imul(BRAINS + gateway, STRIDE)) >>> 0);
}
