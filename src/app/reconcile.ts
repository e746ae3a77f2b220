/**
 * From a configuration to the next view: pools that stay keep their state, new ones are made, the rest is let go.
 */
import { RouteHabits } from "../core/admission/observed.ts";
import { compileRoutes, type RouteTable } from "../core/route/table.ts";
import type { GatewayConfig } from "../model/config.ts";
import type { ListenerSpec, RouteRule } from "../model/route.ts";
import type { Prng } from "../std/prng.ts";
import { LivePool } from "./live-pool.ts";
import type { TrafficMetrics } from "./metrics/traffic.ts";
import type { LiveRule, View } from "./view.ts";

export const EMPTY_VIEW: View = { epoch: 0, ports: new Map(), pools: new Map(), habits: new Map() };

export interface ReconcileContext {
  readonly prng: Prng;
  readonly metrics: TrafficMetrics;
  readonly nowMs: number;
  /** `topology.kubernetes.io/zone` of this gateway; undefined: not known. */
  readonly localZone: string | undefined;
}

export function reconcile(previous: View, config: GatewayConfig, context: ReconcileContext): View {
  const { nowMs } = context;
  const classes = config.workloadClasses;
  const pools = new Map<string, LivePool>();
  for (const spec of config.pools) {
    const kept = previous.pools.get(spec.key);
    kept?.adopt(spec, classes, nowMs);
    pools.set(spec.key, kept ?? new LivePool(spec, classes, context, nowMs));
  }
  for (const [key, pool] of previous.pools) if (!pools.has(key)) pool.retire(nowMs);
  const habits = new Map<string, RouteHabits>();
  const habitsOf = (id: string): RouteHabits => {
    const known = habits.get(id) ?? previous.habits.get(id) ?? new RouteHabits();
    habits.set(id, known);
    return known;
  };
  const routePools = new Map<string, Set<LivePool>>();
  const resolve = (rule: RouteRule): LiveRule => {
    const backends = rule.backends.map((backend) => ({
      pool: backend.kind === "pool" ? pools.get(backend.poolKey) : undefined,
      weight: backend.weight,
    }));
    const ofRoute = routePools.get(rule.route) ?? new Set();
    routePools.set(rule.route, ofRoute);
    for (const { pool, weight } of backends) if (pool !== undefined && weight > 0) ofRoute.add(pool);
    return {
      rule,
      backends,
      routePools: ofRoute,
      series: context.metrics.route(rule.id),
      habits: habitsOf(rule.id),
    };
  };
  const ports = new Map<number, RouteTable<LiveRule>>();
  for (const [port, listeners] of byPort(config.listeners))
    ports.set(port, compileRoutes(listeners, resolve));
  const elsewhere = config.carried ?? [];
  const carried =
    elsewhere.length === 0
      ? undefined
      : compileRoutes([{ name: "", port: 0, hostname: "*", rules: elsewhere }], resolve);
  const rules = [...config.listeners.flatMap((listener) => listener.rules), ...elsewhere];
  context.metrics.retainRoutes(rules.map(({ rule }) => rule.id));
  return { epoch: previous.epoch + 1, ports, carried, pools, habits };
}

function byPort(listeners: readonly ListenerSpec[]): Map<number, ListenerSpec[]> {
  const ports = new Map<number, ListenerSpec[]>();
  for (const listener of listeners) {
    const sharing = ports.get(listener.port);
    if (sharing === undefined) ports.set(listener.port, [listener]);
    else sharing.push(listener);
  }
  return ports;
}
