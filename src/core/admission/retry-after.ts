/**
 * When a refused request may try again: the time that those before it will take.
 *
 *     estimate = ahead * hold / limit        [requests * ms / requests]
 *
 * By Little's law `limit / hold` requests end per ms. Between one second (the least the header can say) and a minute
 * (beyond which the estimate means nothing), and spread by a quarter to both sides, lest all who were refused together come
 * back together.
 */
import type { Prng } from "../../std/prng.ts";

const LEAST_MS = 1_000;
const MOST_MS = 60_000;
const SPREAD = 0.25;

export function retryAfterMs(ahead: number, limit: number, holdMs: number, prng: Prng): number {
  const estimateMs = Math.min(MOST_MS, Math.max(LEAST_MS, (ahead * holdMs) / Math.max(1, limit)));
  return Math.round(estimateMs * (1 - SPREAD + 2 * SPREAD * prng.float()));
}
