/**
 * Whose Gateways are ours: the GatewayClasses that name Plimsoll's controller.
 */
import type { Problem } from "../../model/problem.ts";
import type { Resource, Resources } from "../resources.ts";
import { problemIn } from "./report.ts";

/** The value of GatewayClass.spec.controllerName that means Plimsoll, and the controllerName in every status. */
export const CONTROLLER_NAME = "plimsoll.dev/gateway";

export interface OwnClass {
  readonly resource: Resource<"GatewayClass">;
  readonly accepted: boolean;
}

export function ownClasses(resources: Resources, problems: Problem[]): readonly OwnClass[] {
  const own = resources.gatewayClasses.filter(({ body }) => body.spec.controllerName === CONTROLLER_NAME);
  return own.map((resource) => {
    const accepted = resource.body.spec.parametersRef === undefined;
    if (!accepted) {
      problems.push(
        problemIn(resource, {
          severity: "error",
          path: ["spec", "parametersRef"],
          at: "key",
          message: "parametersRef is not supported yet",
        }),
      );
    }
    return { resource, accepted };
  });
}

/** The Gateways of our classes; every other one is named in a warning, because it will not be served. */
export function ownGateways(
  resources: Resources,
  classes: readonly OwnClass[],
  problems: Problem[],
): readonly Resource<"Gateway">[] {
  const accepted = new Set(classes.filter((own) => own.accepted).map((own) => own.resource.name));
  return resources.gateways.filter((gateway) => {
    const className = gateway.body.spec.gatewayClassName;
    if (accepted.has(className)) return true;
    const message = refusalOf(className, resources, classes);
    if (message !== undefined) {
      problems.push(
        problemIn(gateway, {
          severity: "warning",
          path: ["spec", "gatewayClassName"],
          message,
          expected: `a GatewayClass whose controllerName is ${CONTROLLER_NAME}`,
        }),
      );
    }
    return false;
  });
}

/** Undefined where the class's own error has already said it. */
function refusalOf(
  className: string,
  resources: Resources,
  classes: readonly OwnClass[],
): string | undefined {
  if (classes.some(({ resource }) => resource.name === className)) return undefined;
  if (resources.rejected.has(`GatewayClass ${className}`)) return undefined;
  return resources.gatewayClasses.some(({ name }) => name === className)
    ? "the Gateway belongs to another controller and is passed over"
    : "there is no GatewayClass of this name; the Gateway is passed over";
}
