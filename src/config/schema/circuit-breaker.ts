/**
 * BackendPolicy.spec.circuitBreaker and .slowStart: how much one gateway lets a pool have at a time, and how an endpoint that
 * joins or returns is brought up. Names are Envoy's.
 */
import type * as z from "zod";
import { DEFAULT_ADAPTIVE_LIMIT } from "../../model/policy.ts";
import { decimal, duration, integer, notYet, raise, strict } from "./fields.ts";

const LIMIT_MAX = 1_000_000;

export const circuitBreaker = strict({
  maxPendingRequests: integer(0, LIMIT_MAX).optional(),
  maxRequests: integer(1, LIMIT_MAX).optional(),
  maxRetries: integer(0, LIMIT_MAX).optional(),
  maxConnections: notYet("maxConnections (spec.connectionPool.tcp.maxConnections covers it)"),
  adaptiveConcurrency: strict({
    min: integer(1, LIMIT_MAX).optional(),
    max: integer(1, LIMIT_MAX).optional(),
    initial: integer(1, LIMIT_MAX).optional(),
    tolerance: decimal(1, 100).optional(),
  })
    .superRefine((value, context) => {
      const { min = DEFAULT_ADAPTIVE_LIMIT.min, max = DEFAULT_ADAPTIVE_LIMIT.max } = value;
      if (min > max) {
        const at = value.max === undefined ? "min" : "max";
        raise(context, [at], `the least limit is ${min} and the greatest ${max}`, "min at most max");
      }
    })
    .optional(),
  throttling: strict({
    ratio: decimal(1, 100).optional(),
    window: duration(false).optional(),
  }).optional(),
});

export type CircuitBreakerManifest = z.infer<typeof circuitBreaker>;

export const slowStart = strict({
  window: duration(true).optional(),
  aggression: decimal(0.1, 10).optional(),
  minWeightPercent: integer(1, 100).optional(),
});

export type SlowStartManifest = z.infer<typeof slowStart>;
