/**
 * A pool: the endpoints behind one Service port, with the policy that governs them.
 */
import type { Endpoint } from "./endpoint.ts";
import type { PoolPolicy } from "./policy.ts";

export interface PoolSpec {
  /** `namespace/service:port`: the identity that survives reloads. */
  readonly key: string;
  readonly endpoints: readonly Endpoint[];
  readonly policy: PoolPolicy;
}
