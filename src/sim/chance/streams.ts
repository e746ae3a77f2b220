/**
 * One random stream per purpose, all from the scenario's seed: so every policy meets the same arrivals, the same works and
 * the same faults, and what differs between two results is what the policies did.
 */
import { createPrng, type Prng } from "../../std/prng.ts";

export type StreamName =
  "arrivals" | "bursts" | "work" | "gateway" | "backoff" | "faults" | "probes" | "reports" | "doors" | "keys";

const STREAMS: readonly StreamName[] = [
  "arrivals",
  "bursts",
  "work",
  "gateway",
  "backoff",
  "faults",
  "probes",
  "reports",
  "doors",
  "keys",
];

/** Odd, so that all multiples differ; not the constant with which the generator spreads its seed. */
const STRIDE = 0x85eb_ca6b;

export function stream(seed: number, name: StreamName): Prng {
  return createPrng((seed ^ Math.imul(STREAMS.indexOf(name) + 1, STRIDE)) >>> 0);
}

/** A gateway's own generator, with which its brain decides. */
export function brainStream(seed: number, gateway: number): Prng {
  return createPrng((seed ^ Math.imul(STREAMS.length + 1 + gateway, STRIDE)) >>> 0);
}
