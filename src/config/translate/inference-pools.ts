/**
 * One pool for each InferencePool that an attached rule sends to.
 */
import type { PoolSpec } from "../../model/pool.ts";
import type { Problem } from "../../model/problem.ts";
import type { Resource, Resources } from "../resources.ts";
import { endpointsOfPool } from "./inference-endpoints.ts";
import { inferencePoolKey } from "./inference-ref.ts";
import type { InferenceRules } from "./inference-rules.ts";
import type { AttachedPolicies } from "./policies.ts";

/** Sorted by key. Whoever picks for other gateways calls it with every pool there is. */
export function buildInferencePools(
  resources: Resources,
  pools: readonly Resource<"InferencePool">[],
  rules: InferenceRules,
  policies: AttachedPolicies,
  problems: Problem[],
): readonly PoolSpec[] {
  return [...new Map(pools.map((pool) => [inferencePoolKey(pool), pool]))]
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, pool]): PoolSpec => {
      const { spec } = pool.body;
      const { endpoints, servers } = endpointsOfPool(pool, resources, problems);
      const { policy, inference } = policies.policyOfPool(pool);
      return {
        key,
        endpoints,
        policy,
        inference: {
          targetPorts: spec.targetPorts.map(({ number }) => number),
          failureMode: spec.endpointPickerRef?.failureMode === "FailOpen" ? "open" : "close",
          servers,
          ...rules.rulesOf(pool),
          policy: inference,
        },
      };
    });
}
