/**
 * What admission to a pool goes by, from the pool's policy and the classes that may be met there.
 *
 * Where a WorkloadClass is declared and the pool has no limit of its own, the adaptive limit is on: without a limit nobody ever
 * waits, and priorities and shares would mean nothing. Where nothing is declared nothing is limited. Nor is a pool of model
 * servers: how soon answers begin says how long prompts are and how well engines batch, not that there are too many.
 */
import { DEFAULT_ADAPTIVE_LIMIT, type PoolPolicy } from "../../model/policy.ts";
import { BUILT_IN_CLASSES, type WorkloadClass } from "../../model/workload.ts";
import type { AdmissionPolicy } from "./admission.ts";

/** `classes`: as `classesAt` gives them for the pool; `prompts`: as `promptClasses` does, if it is one of model servers. */
export function admissionPolicyFor(
  { circuitBreaker }: Pick<PoolPolicy, "circuitBreaker">,
  classes: readonly WorkloadClass[],
  prompts: readonly WorkloadClass[] = [],
): AdmissionPolicy {
  const declared = classes.length > BUILT_IN_CLASSES.length && prompts.length === 0;
  const unlimited = circuitBreaker.adaptive === undefined && circuitBreaker.maxRequests === undefined;
  return {
    classes: [...classes, ...prompts].map(({ name, treatment }) => ({ name, ...treatment })),
    circuitBreaker:
      declared && unlimited ? { ...circuitBreaker, adaptive: DEFAULT_ADAPTIVE_LIMIT } : circuitBreaker,
  };
}
