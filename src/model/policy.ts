/**
 * What a BackendPolicy says about a pool, after defaults. Durations are milliseconds.
 *
 * The defaults are those of the source text (Databricks-style settings, Istio's field names); see
 * docs/configuration.md for each field as its user writes it.
 */

/** How an endpoint is chosen; the names are those of `BackendPolicy.spec.balancing.policy`. */
export type BalancingPolicy =
  "Auto" | "RoundRobin" | "Random" | "LeastRequest" | "PeakEwma" | "LocalityAware";

export type HealthProbe =
  /** `port` undefined: the endpoint's own port. Success is a status of 200 to 399, as for a kubelet probe. */
  | { readonly kind: "http"; readonly path: string; readonly port: number | undefined }
  /** Success is an accepted connection. */
  | { readonly kind: "tcp"; readonly port: number | undefined };

export interface HealthCheckPolicy {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Consecutive failures that take an endpoint out. */
  readonly unhealthyThreshold: number;
  /** Consecutive successes that bring it back. */
  readonly healthyThreshold: number;
  readonly probe: HealthProbe;
}

export interface ConnectionPolicy {
  /** Connections to one endpoint; at the limit the endpoint takes no further request until one ends. */
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  /** Requests after which a connection is closed rather than reused. */
  readonly maxRequestsPerConnection: number;
}

export interface TimeoutPolicy {
  /** The whole exchange, all attempts included, from the request's head to the response's last byte. 0 = none. */
  readonly requestMs: number;
  /** No byte in either direction for this long ends an exchange, a tunnel or a pooled connection. 0 = none. */
  readonly idleMs: number;
}

/** Causes on which another attempt may be made; the names are those of `BackendPolicy.spec.retries.retryOn`. */
export type RetryCause = "connect-failure" | "refused-stream" | "unavailable";

export interface RetryPolicy {
  /** Attempts in all, the first included. 1 = never retry. */
  readonly attempts: number;
  /** From the last byte of the request, or the pick if it had none, to the response head. 0 = none. */
  readonly perTryTimeoutMs: number;
  readonly retryOn: readonly RetryCause[];
}

export interface PoolPolicy {
  readonly balancing: BalancingPolicy;
  /** Undefined: no active checks; passive signals alone decide. */
  readonly healthCheck: HealthCheckPolicy | undefined;
  readonly connections: ConnectionPolicy;
  readonly timeouts: TimeoutPolicy;
  readonly retries: RetryPolicy;
}

export const DEFAULT_POOL_POLICY: PoolPolicy = {
  balancing: "Auto",
  healthCheck: undefined,
  connections: { maxConnections: 1000, connectTimeoutMs: 30_000, maxRequestsPerConnection: 1000 },
  timeouts: { requestMs: 300_000, idleMs: 3_600_000 },
  retries: {
    attempts: 3,
    perTryTimeoutMs: 30_000,
    retryOn: ["connect-failure", "refused-stream", "unavailable"],
  },
};

/** What a `healthCheck: {}` means: the source text's section, field by field. */
export const DEFAULT_HEALTH_CHECK: HealthCheckPolicy = {
  intervalMs: 10_000,
  timeoutMs: 5_000,
  unhealthyThreshold: 3,
  healthyThreshold: 2,
  probe: { kind: "http", path: "/health", port: 8080 },
};
