/**
 * Which listeners each route attaches to, and why not where it does not.
 *
 * For every parentRef that names one of our Gateways: the listeners the reference selects (name, port), of these the
 * ones whose allowedRoutes admit the route, of these the ones that share a hostname with it. The first step that
 * leaves nothing gives the reason, in the Gateway API's words.
 */
import type { Problem } from "../../model/problem.ts";
import { objectName } from "../resources.ts";
import type { Resource, Resources } from "../resources.ts";
import type { ParentRef } from "../schema/http-route.ts";
import { allowsRoute } from "./allowed-routes.ts";
import type { NamespaceLabels } from "./allowed-routes.ts";
import { sharedHostnames } from "./hostnames.ts";
import type { OwnListener } from "./listeners.ts";
import { problemIn } from "./report.ts";

export interface Attachment {
  readonly listener: OwnListener;
  readonly hostnames: readonly string[];
}

export type DetachReason = "NoMatchingParent" | "NotAllowedByListeners" | "NoMatchingListenerHostname";

export type ParentOutcome =
  | { readonly kind: "attached"; readonly attachments: readonly Attachment[] }
  | { readonly kind: "detached"; readonly reason: DetachReason; readonly message: string };

export interface RouteParent {
  readonly ref: ParentRef;
  /** Position among the route's parentRefs. */
  readonly index: number;
  readonly outcome: ParentOutcome;
}

/** A route at least one of whose parents is ours. */
export interface OwnRoute {
  readonly route: Resource<"HTTPRoute">;
  readonly parents: readonly RouteParent[];
}

export interface AttachContext {
  readonly resources: Resources;
  readonly gateways: readonly Resource<"Gateway">[];
  readonly listeners: readonly OwnListener[];
  readonly labelsOf: NamespaceLabels;
}

export function attachRoutes(context: AttachContext, problems: Problem[]): readonly OwnRoute[] {
  return context.resources.httpRoutes.flatMap((route) => {
    const parents: RouteParent[] = [];
    for (const [index, ref] of route.body.spec.parentRefs.entries()) {
      const outcome = parentOutcome(context, route, ref);
      if (outcome.kind === "foreign") {
        if (outcome.message !== "") problems.push(parentProblem(route, index, outcome.message));
        continue;
      }
      if (outcome.kind === "detached") {
        problems.push(parentProblem(route, index, `${outcome.reason}: ${outcome.message}`));
      }
      parents.push({ ref, index, outcome });
    }
    if (route.body.spec.parentRefs.length === 0) {
      const message = "the route names no parent, so it serves nothing";
      problems.push(problemIn(route, { severity: "warning", path: ["spec", "parentRefs"], message }));
    }
    return parents.length === 0 ? [] : [{ route, parents }];
  });
}

/** `foreign`: not ours to judge; the message is empty where nothing needs saying. */
type Outcome = ParentOutcome | { readonly kind: "foreign"; readonly message: string };

function parentOutcome(context: AttachContext, route: Resource<"HTTPRoute">, ref: ParentRef): Outcome {
  if (ref.group !== "gateway.networking.k8s.io" || ref.kind !== "Gateway") {
    return { kind: "foreign", message: `a parent of kind ${ref.kind} is not read` };
  }
  const namespace = ref.namespace ?? route.namespace;
  const isNamed = (gateway: Resource<"Gateway">): boolean =>
    gateway.namespace === namespace && gateway.name === ref.name;
  if (!context.gateways.some(isNamed)) {
    const gatewayName = objectName("Gateway", namespace, ref.name);
    const isKnown = context.resources.gateways.some(isNamed) || context.resources.rejected.has(gatewayName);
    return { kind: "foreign", message: isKnown ? "" : `there is no ${gatewayName}` };
  }
  const selected = context.listeners.filter(
    ({ gateway, body, fault }) =>
      isNamed(gateway) &&
      fault === undefined &&
      (ref.sectionName === undefined || ref.sectionName === body.name) &&
      (ref.port === undefined || ref.port === body.port),
  );
  return choose(selected, route, ref, context.labelsOf);
}

function choose(
  selected: readonly OwnListener[],
  route: Resource<"HTTPRoute">,
  ref: ParentRef,
  labelsOf: NamespaceLabels,
): ParentOutcome {
  if (selected.length === 0) {
    const asked = [
      ref.sectionName === undefined ? "" : ` named ${ref.sectionName}`,
      ref.port === undefined ? "" : ` on port ${ref.port}`,
    ].join("");
    return detached("NoMatchingParent", `the Gateway has no working listener${asked}`);
  }
  const allowing = selected.filter((listener) => allowsRoute(listener, route, labelsOf));
  if (allowing.length === 0) {
    return detached("NotAllowedByListeners", "no listener's allowedRoutes admits the route");
  }
  const attachments = allowing
    .map((listener) => ({
      listener,
      hostnames: sharedHostnames(listener.hostname, route.body.spec.hostnames),
    }))
    .filter(({ hostnames }) => hostnames.length > 0);
  if (attachments.length === 0) {
    return detached("NoMatchingListenerHostname", "no listener shares a hostname with the route");
  }
  return { kind: "attached", attachments };
}

function detached(reason: DetachReason, message: string): ParentOutcome {
  return { kind: "detached", reason, message };
}

function parentProblem(route: Resource<"HTTPRoute">, index: number, message: string): Problem {
  return problemIn(route, { severity: "warning", path: ["spec", "parentRefs", index], message });
}
