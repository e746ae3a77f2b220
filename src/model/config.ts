/**
 * The running configuration as one immutable value: what manifests mean after translation.
 */
import type { PoolSpec } from "./pool.ts";
import type { AttachedRule, ListenerSpec } from "./route.ts";
import type { WorkloadClass } from "./workload.ts";

export interface GatewayConfig {
  readonly listeners: readonly ListenerSpec[];
  readonly pools: readonly PoolSpec[];
  /** In order of precedence; the built-in ones (model/workload.ts) come after them. */
  readonly workloadClasses: readonly WorkloadClass[];
  /** Rules of other gateways that lead to pools of ours; undefined: no other gateway asks. */
  readonly carried?: readonly AttachedRule[] | undefined;
}
