/**
 * A lane: the part of a pool that a class of work uses, and how it is balanced there.
 */
import type { BalancingOptions } from "./balancing.ts";
import type { BalancingPolicy } from "./policy.ts";
import type { LabelRequirement } from "./workload.ts";

export interface LaneSpec {
  /** All must hold. Empty: every endpoint of the pool. */
  readonly endpointSelector: readonly LabelRequirement[];
  readonly balancing: BalancingPolicy;
  /** Undefined: the defaults. */
  readonly balancingOptions: BalancingOptions | undefined;
}
