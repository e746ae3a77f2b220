/**
 * Waiting for something to become true in another task, bounded, and saying what was awaited when it does not.
 */
import { setTimeout as sleep } from "node:timers/promises";

/** Generous, because two test files may share one busy core; a passing test never waits this long. */
export const WAIT_LIMIT_MS = 30_000;

/** How often a condition is looked at: short against what people notice, long against the cost of a look. */
const LOOK_EVERY_MS = 5;

/** Resolves once `condition` holds; fails with `what` (called then, so it can show the state) when it does not. */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string),
  limitMs = WAIT_LIMIT_MS,
): Promise<void> {
  const deadlineMs = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() >= deadlineMs) {
      throw new Error(`not so within ${limitMs} ms: ${typeof what === "string" ? what : what()}`);
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** The promise's own result, or a failure that names `what` once `limitMs` passed. */
export async function within<T>(promise: Promise<T>, what: string, limitMs = WAIT_LIMIT_MS): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`not within ${limitMs} ms: ${what}`)), limitMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
