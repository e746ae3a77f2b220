/**
 * Routes as the Gateway API's HTTPRoute means them, after references are resolved and attachment decided.
 *
 * A listener holds rules; a rule holds matches and backends. Precedence among matches is not stored here:
 * core/route orders them once when a view is built.
 */

export type PathMatch =
  | { readonly kind: "exact"; readonly value: string }
  /** Element-wise: `/a` matches `/a` and `/a/b`, never `/ab`. */
  | { readonly kind: "prefix"; readonly value: string }
  | { readonly kind: "regex"; readonly value: string };

/** For headers (names lower case) and for query parameters (names as written). */
export type ValueMatch =
  | { readonly kind: "exact"; readonly name: string; readonly value: string }
  /** A whole-value match, as if anchored at both ends. */
  | { readonly kind: "regex"; readonly name: string; readonly value: string };

export interface RouteMatch {
  readonly path: PathMatch;
  readonly method: string | undefined;
  readonly headers: readonly ValueMatch[];
  readonly query: readonly ValueMatch[];
}

export type RouteBackend =
  | { readonly kind: "pool"; readonly poolKey: string; readonly weight: number }
  /** A reference that does not resolve keeps its share of the weight and answers 500, as the specification asks. */
  | { readonly kind: "invalid"; readonly reason: string; readonly weight: number };

export interface RouteRule {
  /** `namespace/route/rule-index` (or the rule's name): what logs and metrics call it. */
  readonly id: string;
  /** `namespace/route`. */
  readonly route: string;
  readonly matches: readonly RouteMatch[];
  readonly backends: readonly RouteBackend[];
  /** From `timeouts.request`; undefined: the pool's. 0 = none. */
  readonly requestTimeoutMs: number | undefined;
  /** From `timeouts.backendRequest`; undefined: the pool's per-try timeout. 0 = none. */
  readonly backendRequestTimeoutMs: number | undefined;
}

/** A rule as attached to one listener, under the hostnames that both of them admit. */
export interface AttachedRule {
  readonly rule: RouteRule;
  /** Lower case; `*.example.com` for wildcards; `*` for any host. */
  readonly hostnames: readonly string[];
  /** Age of the route for ties: creation time in ms, or 0 where the manifest gives none. */
  readonly createdMs: number;
  /** Position of the rule inside its route. */
  readonly index: number;
}

export interface ListenerSpec {
  /** `namespace/gateway/listener`. */
  readonly name: string;
  readonly port: number;
  /** Lower case; `*` for any host. */
  readonly hostname: string;
  readonly rules: readonly AttachedRule[];
}
