/**
 * One pool for each Service port that an attached rule sends to.
 */
import type { PoolSpec } from "../../model/pool.ts";
import type { Problem } from "../../model/problem.ts";
import type { Resources } from "../resources.ts";
import { poolKeyOf } from "./backend-refs.ts";
import type { ServicePort } from "./backend-refs.ts";
import { emptyPoolProblem, strayProblem } from "./empty-pools.ts";
import { endpointsOf, SERVICE_NAME_LABEL, sliceProblems } from "./endpoints.ts";
import type { AttachedPolicies } from "./policies.ts";

/** Sorted by key. */
export function buildPools(
  resources: Resources,
  targets: readonly ServicePort[],
  policies: AttachedPolicies,
  problems: Problem[],
): readonly PoolSpec[] {
  const slices = Map.groupBy(
    resources.endpointSlices,
    ({ namespace, labels }) => `${namespace}/${labels[SERVICE_NAME_LABEL] ?? ""}`,
  );
  for (const slice of resources.endpointSlices) {
    const stray = strayProblem(slice, resources);
    problems.push(...sliceProblems(slice), ...(stray === undefined ? [] : [stray]));
  }
  const byKey = new Map(targets.map((target) => [poolKeyOf(target), target]));
  return [...byKey]
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, target]) => {
      const own = slices.get(`${target.service.namespace}/${target.service.name}`) ?? [];
      const endpoints = endpointsOf(target, own);
      const empty = endpoints.length === 0 ? emptyPoolProblem(target, own, resources) : undefined;
      if (empty !== undefined) problems.push(empty);
      return { key, endpoints, policy: policies.policyOf(target) };
    });
}
