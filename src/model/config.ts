/**
 * The running configuration as one immutable value: what manifests mean after translation.
 */
import type { PoolSpec } from "./pool.ts";
import type { ListenerSpec } from "./route.ts";

export interface GatewayConfig {
  readonly listeners: readonly ListenerSpec[];
  readonly pools: readonly PoolSpec[];
}
