/**
 * What became of every object that is ours, as the Gateway API's status would say it.
 *
 * Plain data without times, in a fixed order: /debug/config shows it, and whoever runs in a cluster can write it.
 * `Programmed` speaks of this configuration once it is in force.
 */
import type { Resource } from "../resources.ts";
import type { OwnClass } from "./classes.ts";
import { CONTROLLER_NAME } from "./classes.ts";
import { isFalse, isTrue } from "./conditions.ts";
import type { Condition } from "./conditions.ts";
import { gatewayStatus } from "./gateway-status.ts";
import type { GatewayStatus } from "./gateway-status.ts";
import type { JudgedRule } from "./inference-rules.ts";
import { inferenceStatus } from "./inference-status.ts";
import type { InferenceStatus } from "./inference-status.ts";
import type { OwnListener } from "./listeners.ts";
import type { PolicyTarget } from "./policies.ts";
import { routeStatus } from "./route-status.ts";
import type { RouteStatus } from "./route-status.ts";
import type { RouteResult } from "./route-result.ts";

export interface ClassStatus {
  readonly name: string;
  readonly conditions: readonly Condition[];
}

export interface PolicyStatus {
  readonly namespace: string;
  readonly name: string;
  readonly ancestors: readonly {
    readonly ancestorRef: {
      readonly group: string;
      readonly kind: string;
      readonly name: string;
      readonly sectionName?: string;
    };
    readonly controllerName: string;
    readonly conditions: readonly Condition[];
  }[];
}

export interface ConfigStatus {
  readonly gatewayClasses: readonly ClassStatus[];
  readonly gateways: readonly GatewayStatus[];
  readonly httpRoutes: readonly RouteStatus[];
  readonly backendPolicies: readonly PolicyStatus[];
  /** Undefined where nothing of the kind is there. */
  readonly inference: InferenceStatus | undefined;
}

export interface StatusInput {
  readonly classes: readonly OwnClass[];
  readonly gateways: readonly Resource<"Gateway">[];
  readonly listeners: readonly OwnListener[];
  readonly routes: readonly RouteResult[];
  readonly policies: readonly PolicyTarget[];
  readonly inferencePools: readonly Resource<"InferencePool">[];
  readonly inferenceRules: readonly JudgedRule[];
}

export function statusOf(input: StatusInput): ConfigStatus {
  return {
    gatewayClasses: input.classes.map(classStatus),
    gateways: input.gateways.map((gateway) => gatewayStatus(gateway, input.listeners, input.routes)),
    httpRoutes: input.routes.map(routeStatus),
    backendPolicies: policyStatuses(input.policies),
    inference: inferenceStatus(input.inferencePools, input.routes, input.gateways, input.inferenceRules),
  };
}

function classStatus({ resource, accepted }: OwnClass): ClassStatus {
  const { name, generation } = resource;
  const condition = accepted
    ? isTrue("Accepted", "Accepted", "", generation)
    : isFalse("Accepted", "InvalidParameters", "parametersRef is not supported yet", generation);
  return { name, conditions: [condition] };
}

function policyStatuses(targets: readonly PolicyTarget[]): readonly PolicyStatus[] {
  const byPolicy = Map.groupBy(targets, ({ policy }) => policy);
  const statuses = Array.from(byPolicy, ([policy, own]): PolicyStatus => ({
    namespace: policy.namespace,
    name: policy.name,
    ancestors: own.map((target) => ancestorOf(target)),
  }));
  const order = (status: PolicyStatus): string => `${status.namespace}/${status.name}`;
  return statuses.toSorted((a, b) => (order(a) < order(b) ? -1 : order(a) > order(b) ? 1 : 0));
}

function ancestorOf({ policy, index, outcome }: PolicyTarget): PolicyStatus["ancestors"][number] {
  const ref = policy.body.spec.targetRefs[index];
  const sectionName = ref?.sectionName;
  return {
    ancestorRef: {
      group: ref?.group ?? "",
      kind: ref?.kind ?? "",
      name: ref?.name ?? "",
      ...(sectionName === undefined ? {} : { sectionName }),
    },
    controllerName: CONTROLLER_NAME,
    conditions: [policyCondition(outcome, policy.generation)],
  };
}

function policyCondition(outcome: PolicyTarget["outcome"], generation: number): Condition {
  switch (outcome.kind) {
    case "accepted":
      return isTrue("Accepted", "Accepted", "", generation);
    case "conflicted":
      return isFalse("Accepted", "Conflicted", outcome.message, generation);
    case "target-not-found":
      return isFalse("Accepted", "TargetNotFound", outcome.message, generation);
  }
}
