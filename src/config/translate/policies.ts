/**
 * Which BackendPolicy governs which Service port or InferencePool.
 *
 * A policy reaches targets of its own namespace. One that names a port (sectionName) goes before one that speaks of the
 * whole Service, for that port. Where two claim the same, the older wins, then the lesser namespace/name, and the loser
 * has no effect there: policies are never merged (GEP-713, direct policies).
 */
import { DEFAULT_POOL_POLICY } from "../../model/policy.ts";
import type { PoolPolicy } from "../../model/policy.ts";
import type { Problem } from "../../model/problem.ts";
import { objectName } from "../resources.ts";
import type { Resource } from "../resources.ts";
import { isInferencePool } from "../schema/pool-ref.ts";
import type { ServicePort } from "./backend-refs.ts";
import { inferencePoolPolicyOf } from "./inference-policy.ts";
import type { InferencePoolPolicy } from "./inference-policy.ts";
import type { Lookup } from "./lookup.ts";
import { poolPolicyOf } from "./pool-policy.ts";
import { byAge, nameOf, problemIn } from "./report.ts";

export type PolicyOutcome =
  | { readonly kind: "accepted" }
  | { readonly kind: "conflicted"; readonly message: string }
  | { readonly kind: "target-not-found"; readonly message: string };

export interface PolicyTarget {
  readonly policy: Resource<"BackendPolicy">;
  /** Position among the policy's targetRefs. */
  readonly index: number;
  readonly outcome: PolicyOutcome;
}

export interface AttachedPolicies {
  readonly targets: readonly PolicyTarget[];
  readonly policyOf: (target: ServicePort) => PoolPolicy;
  readonly policyOfPool: (pool: Resource<"InferencePool">) => InferencePoolPolicy;
}

export function attachPolicies(lookup: Lookup, problems: Problem[]): AttachedPolicies {
  const winners = new Map<string, Resource<"BackendPolicy">>();
  const targets: PolicyTarget[] = [];
  for (const policy of lookup.resources.backendPolicies.toSorted(byAge)) {
    for (const [index, ref] of policy.body.spec.targetRefs.entries()) {
      const outcome = outcomeOf(lookup, winners, policy, ref);
      if (outcome.kind === "accepted") winners.set(claimOfRef(policy.namespace, ref), policy);
      else problems.push(...outcomeProblem(lookup, policy, index, outcome));
      targets.push({ policy, index, outcome });
    }
  }
  const translated = new Map<Resource<"BackendPolicy">, PoolPolicy>();
  for (const policy of winners.values()) translated.set(policy, poolPolicyOf(policy.body.spec));
  return {
    targets,
    policyOf: ({ service, port }) => {
      const { namespace, name } = service;
      const named = port.name === undefined ? undefined : winners.get(claimOf(namespace, name, port.name));
      const winner = named ?? winners.get(claimOf(namespace, name, undefined));
      return (winner && translated.get(winner)) ?? DEFAULT_POOL_POLICY;
    },
    policyOfPool: ({ namespace, name }) =>
      inferencePoolPolicyOf(winners.get(claimOfPool(namespace, name))?.body.spec),
  };
}

/** What a policy lays claim to: a Service, or one of its ports by name. */
function claimOf(namespace: string, service: string, portName: string | undefined): string {
  return `${namespace}/${service}#${portName ?? ""}`;
}

function claimOfPool(namespace: string, name: string): string {
  return `InferencePool ${namespace}/${name}`;
}

function claimOfRef(namespace: string, ref: TargetRef): string {
  return isInferencePool(ref)
    ? claimOfPool(namespace, ref.name)
    : claimOf(namespace, ref.name, ref.sectionName);
}

interface TargetRef {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly sectionName?: string | undefined;
}

function outcomeOf(
  lookup: Lookup,
  winners: ReadonlyMap<string, Resource<"BackendPolicy">>,
  policy: Resource<"BackendPolicy">,
  ref: TargetRef,
): PolicyOutcome {
  const { namespace } = policy;
  const target = isInferencePool(ref)
    ? lookup.inferencePool(namespace, ref.name)
    : lookup.service(namespace, ref.name);
  const name = objectName(ref.kind, namespace, ref.name);
  if (target === undefined) return { kind: "target-not-found", message: `there is no ${name}` };
  const ports = target.kind === "Service" ? target.body.spec.ports : [];
  if (ref.sectionName !== undefined && !ports.some((port) => (port.name ?? "") === ref.sectionName)) {
    return { kind: "target-not-found", message: `${name} has no port named ${ref.sectionName}` };
  }
  const winner = winners.get(claimOfRef(namespace, ref));
  if (winner === undefined) return { kind: "accepted" };
  return { kind: "conflicted", message: `${nameOf(winner)} governs ${name} already` };
}

function outcomeProblem(
  lookup: Lookup,
  policy: Resource<"BackendPolicy">,
  index: number,
  outcome: Extract<PolicyOutcome, { message: string }>,
): readonly Problem[] {
  const ref = policy.body.spec.targetRefs[index];
  const name = objectName(ref?.kind ?? "", policy.namespace, ref?.name ?? "");
  // A target with errors of its own is there, only not readable; that has been told.
  if (outcome.kind === "target-not-found" && lookup.resources.rejected.has(name)) return [];
  const message = `${outcome.message}; the policy has no effect there`;
  return [problemIn(policy, { severity: "warning", path: ["spec", "targetRefs", index], message })];
}
