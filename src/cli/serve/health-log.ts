/**
 * What becomes of endpoints' health, as lines in the event log and as counts.
 *
 * An ejection is a warning: capacity is gone. A return is worth knowing. A failed trial comes every few seconds from an endpoint
 * that stays dead, and is for those who look closely.
 */
import type { Logger } from "pino";
import type { HealthMetrics } from "../../app/metrics/health.ts";
import type { PoolHealthEvent } from "../../app/tend-pools.ts";

export class HealthLog {
  readonly #log: Logger;
  readonly #metrics: HealthMetrics;

  constructor(log: Logger, metrics: HealthMetrics) {
    this.#log = log;
    this.#metrics = metrics;
  }

  tell(pool: string, { kind, ejection, endpoint, atMs }: PoolHealthEvent): void {
    const { reason, count, sinceMs, untilMs } = ejection;
    const facts = { pool, endpoint: endpoint.key, reason };
    switch (kind) {
      case "ejected":
        this.#metrics.ejected(pool, reason);
        this.#log.warn({ ...facts, inARow: count, trialAfterMs: whole(untilMs - atMs) }, "endpoint ejected");
        return;
      case "kept":
        this.#log.debug(
          { ...facts, inARow: count, trialAfterMs: whole(untilMs - atMs) },
          "endpoint stays ejected; its trial failed",
        );
        return;
      case "returned":
        this.#log.info({ ...facts, outMs: whole(atMs - sinceMs) }, "endpoint is back from ejection");
    }
  }
}

function whole(ms: number): number {
  return Math.round(ms);
}
