/**
 * Which pool a request belongs to that somebody else carries: the gateway has routed it already, by rules that may or may not
 * be ours, and asks only for an endpoint.
 *
 *   1. The pool that the gateway names.
 *   2. The only pool of model servers, where there is no more than one.
 *   3. The pool that an HTTPRoute leads the request to: one of ours on any port, else one of another gateway.
 *   4. The only pool there is.
 *
 * A rule that leads to the pool gives its timeouts and its class of work; without one the pool's own hold.
 */
import { NO_HASH } from "../core/balance/pick-facts.ts";
import { hashOf } from "../core/balance/hash-key.ts";
import type { RouteFacts } from "../core/route/facts.ts";
import { splitBackend } from "../core/route/split.ts";
import { matchRoute } from "../core/route/table.ts";
import type { Prng } from "../std/prng.ts";
import type { LivePool } from "./live-pool.ts";
import { routeRequest, type PoolRouted } from "./route-request.ts";
import type { LiveRule, View } from "./view.ts";

export type CarriedRoute =
  | (Omit<PoolRouted, "rule" | "tryMs"> & { readonly rule: LiveRule | undefined })
  | { readonly kind: "refuse"; readonly reason: "no-route" | "bad-backend"; readonly rule: undefined };

export interface CarriedArrival {
  /** `namespace/name`, or a name where no other pool has it; undefined: the gateway names none. */
  readonly poolName: string | undefined;
  /** The client's address. */
  readonly address: string;
}

const NO_ROUTE: CarriedRoute = { kind: "refuse", reason: "no-route", rule: undefined };
const BAD_BACKEND: CarriedRoute = { kind: "refuse", reason: "bad-backend", rule: undefined };
/** What requests are called whose rule is not ours. */
const RULE_ELSEWHERE = { id: "", route: "" };

export function routeToPool(
  view: View,
  arrival: CarriedArrival,
  facts: RouteFacts,
  prng: Prng,
): CarriedRoute {
  const { poolName, address } = arrival;
  if (poolName !== undefined) {
    const named = poolNamed(view, poolName);
    return named === undefined ? BAD_BACKEND : toPool(view, named, address, facts);
  }
  const servers = onlyOf(view, ({ desk }) => desk !== undefined);
  if (servers !== undefined) return toPool(view, servers, address, facts);
  for (const port of view.ports.keys()) {
    const routed = routeRequest(view, { port, address }, facts, prng);
    if (routed.kind === "pool") return routed;
    if (routed.reason === "bad-backend") return BAD_BACKEND;
  }
  const live = view.carried === undefined ? undefined : matchRoute(view.carried, facts);
  const carried = live === undefined ? undefined : splitBackend(live.backends, prng.float())?.pool;
  if (carried !== undefined) return toPool(view, carried, address, facts);
  const only = onlyOf(view, () => true);
  return only === undefined ? NO_ROUTE : toPool(view, only, address, facts);
}

function toPool(view: View, pool: LivePool, address: string, facts: RouteFacts): CarriedRoute {
  const rule = ruleTo(view, pool, facts);
  const work = pool.classify(rule?.rule ?? RULE_ELSEWHERE, facts, rule?.habits);
  const { treatment, tenantHeader } = work.workload;
  const { timeouts, balancingOptions } = pool.spec.policy;
  const hashed = balancingOptions?.hash;
  return {
    kind: "pool",
    rule,
    pool,
    work,
    hash: hashed === undefined ? NO_HASH : hashOf(hashed.key, facts, address),
    tenant: tenantHeader === undefined ? "" : (facts.header(tenantHeader) ?? ""),
    requestMs: treatment.requestTimeoutMs ?? rule?.rule.requestTimeoutMs ?? timeouts.requestMs,
  };
}

function ruleTo(view: View, pool: LivePool, facts: RouteFacts): LiveRule | undefined {
  const leads = (live: LiveRule | undefined): boolean =>
    live?.backends.some((backend) => backend.pool === pool) === true;
  for (const table of view.ports.values()) {
    const live = matchRoute(table, facts);
    if (leads(live)) return live;
  }
  const live = view.carried === undefined ? undefined : matchRoute(view.carried, facts);
  return leads(live) ? live : undefined;
}

function poolNamed(view: View, name: string): LivePool | undefined {
  const exact = view.pools.get(name);
  if (exact !== undefined) return exact;
  let found: LivePool | undefined;
  for (const pool of view.pools.values()) {
    const slash = pool.key.indexOf("/");
    const colon = pool.key.lastIndexOf(":");
    const bare = pool.key.slice(slash + 1);
    // A Service's pool may be named without its port.
    const isIt =
      bare === name ||
      (colon > 0 && (pool.key.slice(0, colon) === name || pool.key.slice(slash + 1, colon) === name));
    if (!isIt) continue;
    if (found !== undefined) return undefined;
    found = pool;
  }
  return found;
}

function onlyOf(view: View, holds: (pool: LivePool) => boolean): LivePool | undefined {
  let found: LivePool | undefined;
  for (const pool of view.pools.values()) {
    if (!holds(pool)) continue;
    if (found !== undefined) return undefined;
    found = pool;
  }
  return found;
}
