/**
 * The view: the running configuration joined with the live pools, built anew at each change and swapped by one
 * assignment. A request reads it once and keeps what it found; nothing in it changes but the pools' own columns.
 */
import type { RouteHabits } from "../core/admission/observed.ts";
import type { RouteTable } from "../core/route/table.ts";
import type { RouteRule } from "../model/route.ts";
import type { LivePool } from "./live-pool.ts";
import type { RouteSeries } from "./metrics/traffic.ts";

export interface LiveBackend {
  /** Undefined: the reference does not resolve, and its share of the weight answers `bad-backend`. */
  readonly pool: LivePool | undefined;
  readonly weight: number;
}

export interface LiveRule {
  readonly rule: RouteRule;
  readonly backends: readonly LiveBackend[];
  /** That rules of the same route lead to, this one's among them. */
  readonly routePools: ReadonlySet<LivePool>;
  readonly series: RouteSeries;
  /** What requests that the rule took were seen to do; kept from view to view under the rule's id. */
  readonly habits: RouteHabits;
}

export interface View {
  /** Counts the configurations taken since the start; 1 is the first. */
  readonly epoch: number;
  /** By listening port. */
  readonly ports: ReadonlyMap<number, RouteTable<LiveRule>>;
  /** Rules of other gateways, whatever their ports; undefined: no other gateway asks. */
  readonly carried?: RouteTable<LiveRule> | undefined;
  readonly pools: ReadonlyMap<string, LivePool>;
  /** By the rule's id. */
  readonly habits: ReadonlyMap<string, RouteHabits>;
}
