/**
 * A BackendPolicy's spec in the model's words: durations to milliseconds, defaults from model/policy.ts filled in.
 */
import { DEFAULT_HEALTH_CHECK, DEFAULT_POOL_POLICY } from "../../model/policy.ts";
import type {
  BalancingPolicy,
  ConnectionPolicy,
  HealthCheckPolicy,
  HealthProbe,
  PoolPolicy,
  RetryCause,
  RetryPolicy,
} from "../../model/policy.ts";
import { parseDurationMs } from "../../std/duration.ts";
import type { Bodies } from "../resources.ts";
import { splitCauses } from "../schema/backend-policy.ts";
import type { HealthCheckManifest } from "../schema/health-check.ts";
import { balancingOptionsOf } from "./balancing-options.ts";
import { circuitBreakerOf, outlierOf, slowStartOf } from "./resilience-policy.ts";

type Spec = Bodies["BackendPolicy"]["spec"];

export function poolPolicyOf(spec: Spec): PoolPolicy {
  const { timeouts } = DEFAULT_POOL_POLICY;
  return {
    // The schema lets only the model's own names through.
    balancing: (spec.balancing?.policy as BalancingPolicy | undefined) ?? DEFAULT_POOL_POLICY.balancing,
    balancingOptions: balancingOptionsOf(spec.balancing),
    outlierDetection: outlierOf(spec.outlierDetection),
    slowStart: slowStartOf(spec.slowStart),
    circuitBreaker: circuitBreakerOf(spec.circuitBreaker),
    healthCheck: spec.healthCheck === undefined ? undefined : healthCheckOf(spec.healthCheck),
    connections: connectionsOf(spec),
    timeouts: {
      requestMs: msOf(spec.timeouts?.request) ?? timeouts.requestMs,
      idleMs: msOf(spec.timeouts?.idle) ?? timeouts.idleMs,
    },
    retries: retriesOf(spec),
  };
}

function healthCheckOf(check: HealthCheckManifest): HealthCheckPolicy {
  return {
    intervalMs: secondsToMs(check.intervalSeconds) ?? DEFAULT_HEALTH_CHECK.intervalMs,
    timeoutMs: secondsToMs(check.timeoutSeconds) ?? DEFAULT_HEALTH_CHECK.timeoutMs,
    unhealthyThreshold: check.unhealthyThreshold ?? DEFAULT_HEALTH_CHECK.unhealthyThreshold,
    healthyThreshold: check.healthyThreshold ?? DEFAULT_HEALTH_CHECK.healthyThreshold,
    probe: probeOf(check),
  };
}

function probeOf({ httpGet, tcpSocket }: HealthCheckManifest): HealthProbe {
  if (tcpSocket !== undefined) return { kind: "tcp", port: tcpSocket.port };
  if (httpGet === undefined) return DEFAULT_HEALTH_CHECK.probe;
  // A probe that is spelled out but names no port asks the endpoint where it serves, not the default's 8080.
  return { kind: "http", path: httpGet.path ?? DEFAULT_PROBE_PATH, port: httpGet.port };
}

const DEFAULT_PROBE_PATH = DEFAULT_HEALTH_CHECK.probe.kind === "http" ? DEFAULT_HEALTH_CHECK.probe.path : "/";

function connectionsOf(spec: Spec): ConnectionPolicy {
  const { connections } = DEFAULT_POOL_POLICY;
  const { tcp, http } = spec.connectionPool ?? {};
  const given = [msOf(tcp?.connectTimeout), msOf(spec.timeouts?.connect)].filter((ms) => ms !== undefined);
  return {
    maxConnections: tcp?.maxConnections ?? connections.maxConnections,
    // Two fields say the same; where both stand, the stricter is kept.
    connectTimeoutMs: given.length === 0 ? connections.connectTimeoutMs : Math.min(...given),
    maxRequestsPerConnection: http?.maxRequestsPerConnection ?? connections.maxRequestsPerConnection,
  };
}

function retriesOf({ retries }: Spec): RetryPolicy {
  const defaults = DEFAULT_POOL_POLICY.retries;
  const causes = retries?.retryOn === undefined ? undefined : splitCauses(retries.retryOn);
  return {
    attempts: retries?.attempts ?? defaults.attempts,
    perTryTimeoutMs: msOf(retries?.perTryTimeout) ?? defaults.perTryTimeoutMs,
    retryOn: causes === undefined ? defaults.retryOn : [...new Set(causes as readonly RetryCause[])],
  };
}

function msOf(duration: string | undefined): number | undefined {
  return duration === undefined ? undefined : parseDurationMs(duration);
}

function secondsToMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1_000;
}
