/**
 * Classes of prompts: one for each priority that a pool's objectives give, most important first, so that admission orders, shares
 * and sheds prompts as it does any work.
 *
 * A prompt that names no objective, or one that is not there, has priority 0, which is always among them. Below 0 is what may be
 * given up: it waits behind all others and gives way first. Within a priority tenants are served evenly.
 */
import type { InferencePoolSpec } from "../../model/inference-pool.ts";
import { BUILT_IN_TREATMENTS, type WorkloadClass } from "../../model/workload.ts";

export const ORDINARY_PRIORITY = 0;

/** Most important first. */
export function promptPriorities(spec: InferencePoolSpec): readonly number[] {
  const given = [...spec.objectives, ...spec.modelPriorities].map(({ priority }) => priority);
  return [...new Set([ORDINARY_PRIORITY, ...given])].toSorted((a, b) => b - a);
}

/** In the order of `promptPriorities`. */
export function promptClasses(spec: InferencePoolSpec): readonly WorkloadClass[] {
  const { maxLength, maxWaitMs } = spec.policy.queue;
  return promptPriorities(spec).map((priority, rank) => ({
    name: `prompts/${priority}`,
    kind: "interactive",
    profile: "gpu",
    poolKeys: undefined,
    match: [],
    tenantHeader: undefined,
    treatment: {
      ...BUILT_IN_TREATMENTS.interactive,
      priority: rank,
      queue: { maxLength, maxWaitMs, overload: "in-order" },
      sheddingOrder: rank,
    },
  }));
}
