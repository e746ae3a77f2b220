/**
 * From a request's head to the pool that is to serve it: which rule matches, which backend is drawn, which times apply.
 *
 * No socket and no HTTP here, so that whoever has facts about a request can ask.
 */
import type { RouteFacts } from "../core/route/facts.ts";
import { splitBackend } from "../core/route/split.ts";
import { matchRoute } from "../core/route/table.ts";
import type { Prng } from "../std/prng.ts";
import type { LivePool } from "./live-pool.ts";
import type { LiveRule, View } from "./view.ts";

export type Routed =
  | {
      readonly kind: "pool";
      readonly rule: LiveRule;
      readonly pool: LivePool;
      /** For the whole exchange; 0 = no limit. */
      readonly requestMs: number;
      /** For one attempt, to the response's head; 0 = no limit. */
      readonly tryMs: number;
    }
  | { readonly kind: "refuse"; readonly reason: "no-route"; readonly rule: undefined }
  | { readonly kind: "refuse"; readonly reason: "bad-backend"; readonly rule: LiveRule };

const NO_ROUTE: Routed = { kind: "refuse", reason: "no-route", rule: undefined };

export function routeRequest(view: View, port: number, facts: RouteFacts, prng: Prng): Routed {
  const table = view.ports.get(port);
  const live = table === undefined ? undefined : matchRoute(table, facts);
  if (live === undefined) return NO_ROUTE;
  const pool = splitBackend(live.backends, prng.float())?.pool;
  if (pool === undefined) return { kind: "refuse", reason: "bad-backend", rule: live };
  const { timeouts, retries } = pool.spec.policy;
  return {
    kind: "pool",
    rule: live,
    pool,
    requestMs: live.rule.requestTimeoutMs ?? timeouts.requestMs,
    tryMs: live.rule.backendRequestTimeoutMs ?? retries.perTryTimeoutMs,
  };
}
