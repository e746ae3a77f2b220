/**
 * When to look at a target again. Pure: periods in milliseconds, chance given as a number.
 *
 * A target that moves is looked at twice as often as before, one at work but unchanged less and less often up to
 * `steadyMs`, one with nothing to do up to `idleMs`. So a hundred idle targets cost twenty pages a second, and the first sign of
 * movement is followed within a few pages by looks as frequent as movement deserves. A target that fails is left alone for
 * twice as long each time: it has troubles enough.
 */
import type { Movement } from "./extractor.ts";

export interface Rhythm {
  /** Never sooner than this after the page before. */
  readonly movingMs: number;
  /** At most this long while there is work. */
  readonly steadyMs: number;
  /** And at most this long while there is none. */
  readonly idleMs: number;
}

/**
 * 50 ms is what others poll with at all times; in half a second an engine admits a few requests, which the gateway's own
 * count of requests in flight covers meanwhile.
 */
export const DEFAULT_RHYTHM: Rhythm = { movingMs: 50, steadyMs: 500, idleMs: 5_000 };

const FIRST_RETRY_MS = 250;
const RETRY_MS_MAX = 10_000;
/** Targets that began together do not stay together. */
const JITTER_RATIO = 0.1;

export function nextPeriodMs(periodMs: number, movement: Movement, rhythm: Rhythm): number {
  switch (movement) {
    case "moving":
      return Math.max(rhythm.movingMs, Math.min(rhythm.steadyMs, periodMs) / 2);
    case "steady":
      return Math.max(rhythm.movingMs, Math.min(rhythm.steadyMs, periodMs * 1.25));
    case "idle":
      return Math.max(rhythm.movingMs, Math.min(rhythm.idleMs, periodMs * 2));
  }
}

/** `failures`: in a row, at least 1. */
export function retryMs(failures: number): number {
  return Math.min(RETRY_MS_MAX, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 16));
}

/** `chance` in [0, 1). */
export function jittered(periodMs: number, chance: number): number {
  return periodMs * (1 - JITTER_RATIO + 2 * JITTER_RATIO * chance);
}
