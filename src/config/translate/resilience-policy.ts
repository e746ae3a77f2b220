/**
 * outlierDetection, slowStart and circuitBreaker of a BackendPolicy in the model's words. What is left out has the
 * defaults of model/policy.ts, whether the section stands or not.
 */
import {
  DEFAULT_ADAPTIVE_LIMIT,
  DEFAULT_OUTLIER,
  DEFAULT_POOL_POLICY,
  DEFAULT_SLOW_START,
  DEFAULT_THROTTLE,
} from "../../model/policy.ts";
import type { CircuitBreakerPolicy, OutlierPolicy, SlowStartPolicy } from "../../model/policy.ts";
import { parseDurationMs } from "../../std/duration.ts";
import type { CircuitBreakerManifest, SlowStartManifest } from "../schema/circuit-breaker.ts";
import type { OutlierManifest } from "../schema/outlier-detection.ts";

export function outlierOf(given: OutlierManifest = {}): OutlierPolicy | undefined {
  const { successRate, failurePercentage, latency } = DEFAULT_OUTLIER;
  const maxEjectionPercent = given.maxEjectionPercent ?? DEFAULT_OUTLIER.maxEjectionPercent;
  if (maxEjectionPercent === 0) return undefined;
  const baseEjectionMs = msOf(given.baseEjectionTime) ?? DEFAULT_OUTLIER.baseEjectionMs;
  const factor = given.successRateStdevFactor;
  return {
    intervalMs: msOf(given.interval) ?? DEFAULT_OUTLIER.intervalMs,
    baseEjectionMs,
    // A base beyond the default maximum raises it, as in Envoy.
    maxEjectionMs: msOf(given.maxEjectionTime) ?? Math.max(DEFAULT_OUTLIER.maxEjectionMs, baseEjectionMs),
    maxEjectionPercent,
    consecutiveErrors: given.consecutive5xxErrors ?? DEFAULT_OUTLIER.consecutiveErrors,
    consecutiveGatewayErrors: given.consecutiveGatewayErrors ?? DEFAULT_OUTLIER.consecutiveGatewayErrors,
    consecutiveLocalOriginFailures:
      given.consecutiveLocalOriginFailures ?? DEFAULT_OUTLIER.consecutiveLocalOriginFailures,
    splitLocalOrigin: given.splitExternalLocalOriginErrors ?? DEFAULT_OUTLIER.splitLocalOrigin,
    successRate: {
      minimumHosts: given.successRateMinimumHosts ?? successRate.minimumHosts,
      requestVolume: given.successRateRequestVolume ?? successRate.requestVolume,
      stdevFactor: factor === undefined ? successRate.stdevFactor : factor / 1_000,
    },
    failurePercentage: {
      minimumHosts: given.failurePercentageMinimumHosts ?? failurePercentage.minimumHosts,
      requestVolume: given.failurePercentageRequestVolume ?? failurePercentage.requestVolume,
      threshold: given.failurePercentageThreshold ?? failurePercentage.threshold,
    },
    latency: {
      minimumHosts: given.latencyMinimumHosts ?? latency.minimumHosts,
      requestVolume: given.latencyRequestVolume ?? latency.requestVolume,
      factor: given.latencyFactor ?? latency.factor,
    },
  };
}

export function slowStartOf(given: SlowStartManifest = {}): SlowStartPolicy | undefined {
  const windowMs = msOf(given.window) ?? DEFAULT_SLOW_START.windowMs;
  if (windowMs === 0) return undefined;
  const percent = given.minWeightPercent;
  return {
    windowMs,
    aggression: given.aggression ?? DEFAULT_SLOW_START.aggression,
    minRatio: percent === undefined ? DEFAULT_SLOW_START.minRatio : percent / 100,
  };
}

export function circuitBreakerOf(given: CircuitBreakerManifest = {}): CircuitBreakerPolicy {
  const defaults = DEFAULT_POOL_POLICY.circuitBreaker;
  return {
    maxPendingRequests: given.maxPendingRequests ?? defaults.maxPendingRequests,
    maxRequests: given.maxRequests ?? defaults.maxRequests,
    maxRetries: given.maxRetries ?? defaults.maxRetries,
    adaptive: given.adaptiveConcurrency === undefined ? undefined : adaptiveOf(given.adaptiveConcurrency),
    throttle:
      given.throttling === undefined
        ? undefined
        : {
            ratio: given.throttling.ratio ?? DEFAULT_THROTTLE.ratio,
            windowMs: msOf(given.throttling.window) ?? DEFAULT_THROTTLE.windowMs,
          },
  };
}

function adaptiveOf(
  given: NonNullable<CircuitBreakerManifest["adaptiveConcurrency"]>,
): CircuitBreakerPolicy["adaptive"] {
  const min = given.min ?? DEFAULT_ADAPTIVE_LIMIT.min;
  const max = given.max ?? DEFAULT_ADAPTIVE_LIMIT.max;
  const initial = given.initial ?? DEFAULT_ADAPTIVE_LIMIT.initial;
  return {
    min,
    max,
    initial: Math.min(max, Math.max(min, initial)),
    tolerance: given.tolerance ?? DEFAULT_ADAPTIVE_LIMIT.tolerance,
  };
}

function msOf(duration: string | undefined): number | undefined {
  return duration === undefined ? undefined : parseDurationMs(duration);
}
