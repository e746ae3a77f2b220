/**
 * What people and dashboards are told about an endpoint of a pool.
 */
import type { EjectionReason } from "../health/ejections.ts";

export interface EndpointReport {
  readonly key: string;
  readonly displayName: string | undefined;
  /** What Kubernetes says of it. */
  readonly condition: "ready" | "draining";
  /**
   * What Plimsoll makes of that. `leaving`: gone from the pool, finishing its requests. `unhealthy` (failing its
   * checks) and `ejected` (failing its requests) may still serve while most of the pool is one or the other (panic).
   */
  readonly state: "healthy" | "unhealthy" | "ejected" | "draining" | "leaving";
  /** While it is ejected: why, since and until when on the caller's clock, and which in a row. */
  readonly ejection:
    | {
        readonly reason: EjectionReason;
        readonly sinceMs: number;
        readonly untilMs: number;
        readonly count: number;
      }
    | undefined;
  readonly inFlight: number;
  /** The estimate as of its last sample; undefined before the first. */
  readonly latencyMs: number | undefined;
  /** Recent share of failures, as of now, in [0, 1]. */
  readonly errorRatio: number;
  /** Long-run share of the pool's traffic it would get now, in [0, 1]. */
  readonly share: number;
  /** Attempts settled since it joined. */
  readonly requests: number;
  /** Of those, the ones that spoke against it. */
  readonly failures: number;
}

export interface EndpointShare {
  readonly key: string;
  readonly share: number;
}
