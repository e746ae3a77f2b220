/**
 * What a BackendPolicy says about a pool, after defaults. Durations are milliseconds.
 *
 * The defaults are those of the source text (Databricks-style settings, Istio's field names); see
 * docs/configuration.md for each field as its user writes it.
 */

import type { BalancingOptions } from "./balancing.ts";

/** How an endpoint is chosen; the names are those of `BackendPolicy.spec.balancing.policy`. */
export type BalancingPolicy =
  | "Auto"
  | "RoundRobin"
  | "Random"
  | "LeastRequest"
  | "ShortestDelay"
  | "PeakEwma"
  | "LocalityAware"
  | "Prequal"
  | "ResourceAware"
  | "ConsistentHash"
  | "Inference";

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

/** When an endpoint is ejected on the evidence of its own traffic, judged against its peers. 0 turns a count off. */
export interface OutlierPolicy {
  /** Between two looks at the statistics; also how long a failure is remembered as fresh. */
  readonly intervalMs: number;
  /** The n-th ejection in a row lasts n times this, up to `maxEjectionMs`. */
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  /** Of the pool. One endpoint may be ejected whatever the share, except that 0 turns ejection off. */
  readonly maxEjectionPercent: number;
  /** Failures in a row; with `splitLocalOrigin` only responses of 5xx count. */
  readonly consecutiveErrors: number;
  /** Responses of 502, 503 or 504 in a row; without `splitLocalOrigin`, want of a response counts as one. */
  readonly consecutiveGatewayErrors: number;
  /** No connection, a broken one or no answer in time, in a row; only with `splitLocalOrigin`. */
  readonly consecutiveLocalOriginFailures: number;
  readonly splitLocalOrigin: boolean;
  /** Below mean - stdevFactor * standard deviation of the peers' success rates. */
  readonly successRate: PeerVolume & { readonly stdevFactor: number };
  /** At least this share of an interval's attempts failed. */
  readonly failurePercentage: PeerVolume & { readonly threshold: number };
  /** Mean time to the first byte at least this many times the median of the peers' means. */
  readonly latency: PeerVolume & { readonly factor: number };
}

/** How much must be known before a statistic is believed. */
export interface PeerVolume {
  /** Endpoints with enough attempts in the interval. */
  readonly minimumHosts: number;
  /** Attempts in the interval that make an endpoint count. */
  readonly requestVolume: number;
}

/** How an endpoint that joins or returns is brought up to its full share. */
export interface SlowStartPolicy {
  readonly windowMs: number;
  /** Share at time t: (t / window) ^ (1 / aggression). 1 = linear, above 1 = faster at first. */
  readonly aggression: number;
  /** The least share, in (0, 1]. */
  readonly minRatio: number;
}

/** Limits on what one gateway lets a pool have at a time. Undefined: no limit. */
export interface CircuitBreakerPolicy {
  /** Requests that wait for their turn. */
  readonly maxPendingRequests: number;
  /** Requests under way. */
  readonly maxRequests: number | undefined;
  /** Attempts under way that are not the first of their request. */
  readonly maxRetries: number | undefined;
  /** Undefined: `maxRequests` alone limits. */
  readonly adaptive: AdaptiveLimitPolicy | undefined;
  /** Undefined: requests are not refused because the endpoints refuse many. */
  readonly throttle: ThrottlePolicy | undefined;
}

/** Requests under way at a time, found from how long answers take to begin. */
export interface AdaptiveLimitPolicy {
  readonly min: number;
  readonly max: number;
  readonly initial: number;
  /** The limit sinks while answers take more than this many times as long as they do unloaded. */
  readonly tolerance: number;
}

/** Client-side throttling: requests are refused here once endpoints accept less than 1 / ratio of them. */
export interface ThrottlePolicy {
  readonly ratio: number;
  readonly windowMs: number;
}

export interface PoolPolicy {
  readonly balancing: BalancingPolicy;
  /** Undefined: the defaults, DEFAULT_BALANCING_OPTIONS. */
  readonly balancingOptions?: BalancingOptions | undefined;
  /** Undefined: nobody is ejected. */
  readonly outlierDetection: OutlierPolicy | undefined;
  /** Undefined: everybody has a full share at once. */
  readonly slowStart: SlowStartPolicy | undefined;
  readonly circuitBreaker: CircuitBreakerPolicy;
  /** Undefined: no active checks; passive signals alone decide. */
  readonly healthCheck: HealthCheckPolicy | undefined;
  readonly connections: ConnectionPolicy;
  readonly timeouts: TimeoutPolicy;
  readonly retries: RetryPolicy;
}

/**
 * What `outlierDetection: {}`, or saying nothing, means. Envoy's numbers where it has them, except that failure
 * percentage judges: it covers the case that success rate cannot see (several endpoints equally dead, docs/health.md).
 */
export const DEFAULT_OUTLIER: OutlierPolicy = {
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  maxEjectionPercent: 10,
  consecutiveErrors: 5,
  consecutiveGatewayErrors: 0,
  consecutiveLocalOriginFailures: 5,
  splitLocalOrigin: false,
  successRate: { minimumHosts: 5, requestVolume: 100, stdevFactor: 1.9 },
  // Three hosts: a pool of three is common in Kubernetes, and two good peers are enough to tell the bad one.
  failurePercentage: { minimumHosts: 3, requestVolume: 50, threshold: 85 },
  // Five times is beyond what mixed hardware explains, and beyond what latency-aware policies leave standing.
  latency: { minimumHosts: 3, requestVolume: 50, factor: 5 },
};

/** Ten seconds is what a runtime usually needs to warm its caches and compile; Envoy's floor of 10 %. */
export const DEFAULT_SLOW_START: SlowStartPolicy = { windowMs: 10_000, aggression: 1, minRatio: 0.1 };

/** What `adaptiveConcurrency: {}` means. Netflix' Gradient2 bounds its limit to 20..200, too narrow for a pool. */
export const DEFAULT_ADAPTIVE_LIMIT: AdaptiveLimitPolicy = {
  min: 4,
  max: 10_000,
  initial: 100,
  tolerance: 1.5,
};

/** Google SRE's K and window. */
export const DEFAULT_THROTTLE: ThrottlePolicy = { ratio: 2, windowMs: 120_000 };

export const DEFAULT_POOL_POLICY: PoolPolicy = {
  balancing: "Auto",
  outlierDetection: DEFAULT_OUTLIER,
  slowStart: DEFAULT_SLOW_START,
  // Envoy's bound on what waits; the rest is bounded by the endpoints' connections and by the retry budget.
  circuitBreaker: {
    maxPendingRequests: 1024,
    maxRequests: undefined,
    maxRetries: undefined,
    adaptive: undefined,
    throttle: undefined,
  },
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
