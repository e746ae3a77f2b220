/**
 * `/debug/pools`: what each pool's brain thinks of its endpoints, what engines say of themselves, and the connections that
 * are open to them.
 */
import type { EngineSource } from "./engine-metrics.ts";
import type { Gateway } from "../http/gateway.ts";

export interface PoolsReport {
  readonly pools: readonly PoolReport[];
}

interface PoolReport {
  readonly key: string;
  readonly policy: string;
  /** Whole retries that the pool's budget would allow now. */
  readonly retriesAvailable: number;
  readonly endpoints: readonly object[];
}

export function poolsReport(gateway: Gateway, engines: EngineSource): PoolsReport {
  const nowMs = gateway.clock();
  const states = engines.states();
  const pools = [...gateway.view.pools.values()].map((pool): PoolReport => {
    const endpoints = pool.brain.report(nowMs).map((endpoint) => {
      const connections = gateway.upstreams.peek(pool.key, endpoint.key);
      return {
        ...endpoint,
        // Every field is present in the JSON, whether or not it has a value yet.
        displayName: endpoint.displayName ?? null,
        latencyMs: endpoint.latencyMs ?? null,
        // Null: not one of a pool of model servers.
        engine: states.get(pool.key)?.get(endpoint.key) ?? null,
        connections: { active: connections?.activeCount ?? 0, idle: connections?.idleCount ?? 0 },
      };
    });
    return {
      key: pool.key,
      policy: pool.spec.policy.balancing,
      retriesAvailable: pool.budget.available(nowMs),
      endpoints,
    };
  });
  return { pools };
}
