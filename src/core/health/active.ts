/**
 * Active health checking: from single probe results to "up" and "down", one state per endpoint.
 *
 * Thresholds as in Kubernetes probes and Envoy: `unhealthyThreshold` failures in a row take an endpoint out,
 * `healthyThreshold` successes in a row bring it back. An endpoint starts optimistic: it serves before its first
 * probe, since its readiness probe vouches for it, and a pool must not be empty after each restart of the gateway. The first
 * success proves it; until then failures count like any others.
 *
 * Pure: a state in, a state out.
 */
import type { HealthCheckPolicy } from "../../model/policy.ts";

export type ActiveHealth =
  /** Serves; no probe has succeeded yet. */
  | { readonly kind: "unproven"; readonly failures: number }
  /** Serves. */
  | { readonly kind: "up"; readonly failures: number }
  /** Does not serve. */
  | { readonly kind: "down"; readonly successes: number };

export interface Observation {
  readonly state: ActiveHealth;
  /** Set when the endpoint's right to serve changed with this probe. */
  readonly transition: "up" | "down" | undefined;
}

export const UNPROVEN: ActiveHealth = { kind: "unproven", failures: 0 };

/** Counts in a row so far are kept in the state, so thresholds may change between probes. */
export function observe(
  state: ActiveHealth,
  ok: boolean,
  policy: Pick<HealthCheckPolicy, "healthyThreshold" | "unhealthyThreshold">,
): Observation {
  switch (state.kind) {
    case "unproven":
    case "up": {
      if (ok) return { state: { kind: "up", failures: 0 }, transition: undefined };
      const failures = state.failures + 1;
      if (failures < policy.unhealthyThreshold) {
        return { state: { kind: state.kind, failures }, transition: undefined };
      }
      return { state: { kind: "down", successes: 0 }, transition: "down" };
    }
    case "down": {
      const successes = ok ? state.successes + 1 : 0;
      if (successes < policy.healthyThreshold) {
        return { state: { kind: "down", successes }, transition: undefined };
      }
      return { state: { kind: "up", failures: 0 }, transition: "up" };
    }
  }
}
