/**
 * The status of InferencePools and of what points at them.
 *
 * A pool has one entry for each Gateway of ours whose routes send to it, and none where no route does: entries of other
 * controllers are theirs. The inference extension knows no condition for objectives and rewrites but Accepted.
 */
import type { Resource } from "../resources.ts";
import type { ResolvedBackend } from "./backend-refs.ts";
import { CONTROLLER_NAME } from "./classes.ts";
import { isFalse, isTrue } from "./conditions.ts";
import type { Condition } from "./conditions.ts";
import type { JudgedRule } from "./inference-rules.ts";
import type { RouteResult } from "./route-result.ts";

export interface PoolParentStatus {
  readonly parentRef: {
    readonly group: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
  };
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}

export interface InferencePoolStatus {
  readonly namespace: string;
  readonly name: string;
  readonly parents: readonly PoolParentStatus[];
}

export interface InferenceObjectStatus {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly conditions: readonly Condition[];
}

export interface InferenceStatus {
  readonly pools: readonly InferencePoolStatus[];
  /** InferenceObjectives, InferenceModelRewrites and InferenceModels. */
  readonly objects: readonly InferenceObjectStatus[];
}

/** Undefined where there is nothing of the kind. */
export function inferenceStatus(
  pools: readonly Resource<"InferencePool">[],
  routes: readonly RouteResult[],
  gateways: readonly Resource<"Gateway">[],
  judged: readonly JudgedRule[],
): InferenceStatus | undefined {
  if (pools.length === 0 && judged.length === 0) return undefined;
  return {
    pools: pools.map((pool) => ({
      namespace: pool.namespace,
      name: pool.name,
      parents: gateways.flatMap((gateway) => parentStatus(pool, gateway, routes)),
    })),
    objects: judged.map(({ resource, outcome }) => ({
      kind: resource.kind,
      namespace: resource.namespace,
      name: resource.name,
      conditions: [
        outcome.kind === "accepted"
          ? isTrue("Accepted", "Accepted", "", resource.generation)
          : isFalse("Accepted", outcome.reason, outcome.message, resource.generation),
      ],
    })),
  };
}

function parentStatus(
  pool: Resource<"InferencePool">,
  gateway: Resource<"Gateway">,
  routes: readonly RouteResult[],
): readonly PoolParentStatus[] {
  const refer = routes.filter(
    (route) => isChildOf(route, gateway) && route.translated.backends.some((backend) => isTo(backend, pool)),
  );
  if (refer.length === 0) return [];
  const { namespace, name } = gateway;
  return [
    {
      parentRef: { group: "gateway.networking.k8s.io", kind: "Gateway", namespace, name },
      controllerName: CONTROLLER_NAME,
      conditions: [acceptedCondition(pool, gateway, refer), resolvedCondition(pool)],
    },
  ];
}

function isChildOf({ route, parents }: RouteResult, { namespace, name }: Resource<"Gateway">): boolean {
  return parents.some(({ ref }) => (ref.namespace ?? route.namespace) === namespace && ref.name === name);
}

function isTo(backend: ResolvedBackend, pool: Resource<"InferencePool">): boolean {
  return backend.kind !== "pool" && backend.pool === pool;
}

function acceptedCondition(
  pool: Resource<"InferencePool">,
  gateway: Resource<"Gateway">,
  routes: readonly RouteResult[],
): Condition {
  const { generation } = pool;
  const { appProtocol } = pool.body.spec;
  if (appProtocol !== "http") {
    const message = `appProtocol ${appProtocol} is not supported yet`;
    return isFalse("Accepted", "NotSupportedByParent", message, generation);
  }
  const isServed = routes.some(
    ({ unsupported, parents }) =>
      unsupported.length === 0 &&
      parents.some(
        ({ outcome }) =>
          outcome.kind === "attached" &&
          outcome.attachments.some(({ listener }) => listener.gateway === gateway),
      ),
  );
  if (isServed) return isTrue("Accepted", "Accepted", "", generation);
  const message = "no route that sends to the pool is accepted by the Gateway";
  return isFalse("Accepted", "HTTPRouteNotAccepted", message, generation);
}

/** Who picks is never asked of anybody else, so it does not matter whether the reference leads anywhere. */
function resolvedCondition({ body, generation }: Resource<"InferencePool">): Condition {
  const natively = "Plimsoll picks natively";
  const message =
    body.spec.endpointPickerRef === undefined ? natively : `${natively}; endpointPickerRef is not asked`;
  return isTrue("ResolvedRefs", "ResolvedRefs", message, generation);
}
