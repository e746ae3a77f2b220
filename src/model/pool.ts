/**
 * A pool: the endpoints behind one Service port or one InferencePool, with the policy that governs them.
 */
import type { Endpoint } from "./endpoint.ts";
import type { InferencePoolSpec } from "./inference-pool.ts";
import type { PoolPolicy } from "./policy.ts";

export interface PoolSpec {
  /** `namespace/service:port`, or `namespace/name` of an InferencePool: the identity that survives reloads. */
  readonly key: string;
  readonly endpoints: readonly Endpoint[];
  readonly policy: PoolPolicy;
  /** Undefined: the pool of a Service. */
  readonly inference?: InferencePoolSpec | undefined;
}
