/**
 * Which part of a pool each class of work uses, and how it is balanced there (balance/lanes.ts carries it out).
 *
 * A class has a lane of its own only where it asks for one: by an endpoint selector, by a policy other than the pool's, or by a
 * resource profile where the policy goes by resources (ResourceAware, and Auto, which may choose it). Classes that ask for
 * the same share a lane; all others use the whole pool as it is. The built-in classes ask for nothing.
 */
import { DEFAULT_BALANCING_OPTIONS, RESOURCE_PROFILES } from "../../model/balancing.ts";
import type { LaneSpec } from "../../model/lane.ts";
import type { BalancingPolicy, PoolPolicy } from "../../model/policy.ts";
import { BUILT_IN_CLASSES, type WorkloadClass } from "../../model/workload.ts";

export interface ClassLanes {
  readonly lanes: readonly LaneSpec[];
  /** By index of the class: the place of its lane, counted from 1; 0 = the whole pool. */
  readonly laneOf: readonly number[];
}

const BY_RESOURCES: ReadonlySet<BalancingPolicy> = new Set(["ResourceAware", "Auto"]);

/** `classes`: as `classesAt` gives them for the pool. */
export function classLanes(
  policy: Pick<PoolPolicy, "balancing" | "balancingOptions">,
  classes: readonly WorkloadClass[],
): ClassLanes {
  const lanes: LaneSpec[] = [];
  const places = new Map<string, number>();
  const laneOf = classes.map((each) => {
    const lane = BUILT_IN_CLASSES.includes(each) ? undefined : laneFor(policy, each);
    if (lane === undefined) return 0;
    const identity = JSON.stringify(lane);
    const known = places.get(identity);
    if (known !== undefined) return known;
    lanes.push(lane);
    places.set(identity, lanes.length);
    return lanes.length;
  });
  return { lanes, laneOf };
}

function laneFor(
  policy: Pick<PoolPolicy, "balancing" | "balancingOptions">,
  { treatment, profile }: WorkloadClass,
): LaneSpec | undefined {
  const { endpointSelector } = treatment;
  const balancing = treatment.policy ?? policy.balancing;
  const options = policy.balancingOptions ?? DEFAULT_BALANCING_OPTIONS;
  const weighed = RESOURCE_PROFILES[profile];
  const goesByProfile =
    BY_RESOURCES.has(balancing) &&
    JSON.stringify({ ...options.resource, ...weighed }) !== JSON.stringify(options.resource);
  if (endpointSelector.length === 0 && balancing === policy.balancing && !goesByProfile) return undefined;
  const balancingOptions = goesByProfile
    ? { ...options, resource: { ...options.resource, ...weighed } }
    : options;
  return { endpointSelector, balancing, balancingOptions };
}
