/**
 * An HTTPRoute's status: for each parent of ours, whether it attached and whether its references resolve.
 */
import { CONTROLLER_NAME } from "./classes.ts";
import { isFalse, isTrue } from "./conditions.ts";
import type { Condition } from "./conditions.ts";
import type { RouteParent } from "./attach.ts";
import type { RouteResult } from "./route-result.ts";

export interface RouteParentStatus {
  /** As the route wrote it, defaults filled in. */
  readonly parentRef: RouteParent["ref"];
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}

export interface RouteStatus {
  readonly namespace: string;
  readonly name: string;
  readonly parents: readonly RouteParentStatus[];
}

export function routeStatus(result: RouteResult): RouteStatus {
  const resolved = resolvedCondition(result);
  return {
    namespace: result.route.namespace,
    name: result.route.name,
    parents: result.parents.map((parent) => ({
      parentRef: parent.ref,
      controllerName: CONTROLLER_NAME,
      conditions: [acceptedCondition(result, parent), resolved],
    })),
  };
}

function acceptedCondition({ route, unsupported }: RouteResult, { outcome }: RouteParent): Condition {
  const { generation } = route;
  if (outcome.kind === "detached") return isFalse("Accepted", outcome.reason, outcome.message, generation);
  const [first] = unsupported;
  if (first !== undefined) {
    return isFalse("Accepted", "UnsupportedValue", `${first.path}: ${first.message}`, generation);
  }
  return isTrue("Accepted", "Accepted", "", generation);
}

/** The first reference that does not resolve gives reason and message; its siblings stand among the problems. */
function resolvedCondition({ route, translated }: RouteResult): Condition {
  const invalid = translated.backends.find((backend) => backend.kind === "invalid");
  if (invalid === undefined) return isTrue("ResolvedRefs", "ResolvedRefs", "", route.generation);
  return isFalse("ResolvedRefs", invalid.reason, invalid.message, route.generation);
}
