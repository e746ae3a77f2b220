/**
 * From a request's head to the pool that is to serve it: which rule matches, which backend is drawn, of which class of work the
 * request is, and what follows from these.
 *
 * No socket and no HTTP here, so that whoever has facts about a request can ask.
 */
import { hashOf } from "../core/balance/hash-key.ts";
import { NO_HASH } from "../core/balance/pick-facts.ts";
import type { RouteFacts } from "../core/route/facts.ts";
import { splitBackend } from "../core/route/split.ts";
import { matchRoute } from "../core/route/table.ts";
import type { Prng } from "../std/prng.ts";
import type { LiveClass } from "./followed-classes.ts";
import type { LivePool } from "./live-pool.ts";
import type { LiveRule, View } from "./view.ts";

export type Routed =
  | {
      readonly kind: "pool";
      readonly rule: LiveRule;
      readonly pool: LivePool;
      readonly work: LiveClass;
      /** Of what decides the endpoint under ConsistentHash; NO_HASH: the request has none, or nobody asks. */
      readonly hash: number;
      /** Who the request is fair to and from; empty: its class knows no tenants, or it names none. */
      readonly tenant: string;
      /** For the whole exchange; 0 = no limit. */
      readonly requestMs: number;
      /** For one attempt, to the response's head; 0 = no limit. */
      readonly tryMs: number;
    }
  | { readonly kind: "refuse"; readonly reason: "no-route"; readonly rule: undefined }
  | { readonly kind: "refuse"; readonly reason: "bad-backend"; readonly rule: LiveRule };

const NO_ROUTE: Routed = { kind: "refuse", reason: "no-route", rule: undefined };

export type PoolRouted = Extract<Routed, { readonly kind: "pool" }>;

/** Where the request came in. */
export interface Arrival {
  readonly port: number;
  /** The client's. */
  readonly address: string;
}

export function routeRequest(view: View, arrival: Arrival, facts: RouteFacts, prng: Prng): Routed {
  const table = view.ports.get(arrival.port);
  const live = table === undefined ? undefined : matchRoute(table, facts);
  if (live === undefined) return NO_ROUTE;
  const pool = splitBackend(live.backends, prng.float())?.pool;
  if (pool === undefined) return { kind: "refuse", reason: "bad-backend", rule: live };
  const { rule } = live;
  const { timeouts, retries } = pool.spec.policy;
  const work = pool.classify(rule, facts, live.habits);
  const { treatment, tenantHeader } = work.workload;
  return {
    kind: "pool",
    rule: live,
    pool,
    work,
    hash: hashAt(pool, facts, arrival.address),
    tenant: tenantHeader === undefined ? "" : (facts.header(tenantHeader) ?? ""),
    requestMs: treatment.requestTimeoutMs ?? rule.requestTimeoutMs ?? timeouts.requestMs,
    tryMs: treatment.perTryTimeoutMs ?? rule.backendRequestTimeoutMs ?? retries.perTryTimeoutMs,
  };
}

/** Of the request at that pool; `address`: the client's. */
export function hashAt(pool: LivePool, facts: RouteFacts, address: string): number {
  const hashed = pool.spec.policy.balancingOptions?.hash;
  return hashed === undefined ? NO_HASH : hashOf(hashed.key, facts, address);
}
