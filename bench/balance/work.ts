/**
 * How much work a request is: drawn from the seed and the request's number alone, so that every proxy meets the same
 * requests, and a retry is the same work again.
 */
import { workSampler } from "../../src/sim/chance/work.ts";
import { createPrng } from "../../src/std/prng.ts";
import { WORK } from "./scenarios.ts";

/** Spreads neighbouring numbers; any odd constant would do. */
const STRIDE = 0x9e37;

export function workMs(seed: number, request: number): number {
  return workSampler({ kind: "lognormal", ...WORK }, createPrng(seed + request * STRIDE))();
}

/** What these requests would take if each met a free slot of a sound endpoint at once: no proxy can be better. */
export function worksMs(seed: number, from: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => workMs(seed, from + index));
}
