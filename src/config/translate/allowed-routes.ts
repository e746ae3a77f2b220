/**
 * Whether a listener lets a route of some namespace attach: its allowedRoutes.
 */
import type { Resource, Resources } from "../resources.ts";
import type { LabelSelector } from "../schema/label-selector.ts";
import type { OwnListener } from "./listeners.ts";

/** Labels of a namespace by its name. */
export type NamespaceLabels = (namespace: string) => Readonly<Record<string, string>>;

/** Kubernetes sets this label on every namespace itself, so manifests need not. */
const NAME_LABEL = "kubernetes.io/metadata.name";

export function namespaceLabels(resources: Resources): NamespaceLabels {
  const byName = new Map(resources.namespaces.map(({ name, labels }) => [name, labels]));
  return (namespace) => ({ ...byName.get(namespace), [NAME_LABEL]: namespace });
}

export function allowsRoute(
  listener: OwnListener,
  route: Resource<"HTTPRoute">,
  labelsOf: NamespaceLabels,
): boolean {
  const { namespaces } = listener.body.allowedRoutes;
  if (!allowsHttpRoutes(listener)) return false;
  switch (namespaces.from) {
    case "All":
      return true;
    case "Same":
      return route.namespace === listener.gateway.namespace;
    case "Selector":
      return namespaces.selector !== undefined && selects(namespaces.selector, labelsOf(route.namespace));
  }
}

/** An empty list of kinds means those that fit the protocol, which for HTTP includes HTTPRoute. */
export function allowsHttpRoutes(listener: OwnListener): boolean {
  const { kinds } = listener.body.allowedRoutes;
  return kinds.length === 0 || kinds.some(isHttpRoute);
}

export function isHttpRoute(kind: { readonly group: string; readonly kind: string }): boolean {
  return kind.group === "gateway.networking.k8s.io" && kind.kind === "HTTPRoute";
}

/** Everything must hold; a selector that asks nothing selects all, as in Kubernetes. */
export function selects(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  return (
    Object.entries(selector.matchLabels).every(([key, value]) => labelOf(labels, key) === value) &&
    selector.matchExpressions.every(({ key, operator, values }) => {
      const label = labelOf(labels, key);
      switch (operator) {
        case "In":
          return label !== undefined && values.includes(label);
        case "NotIn":
          return label === undefined || !values.includes(label);
        case "Exists":
          return label !== undefined;
        case "DoesNotExist":
          return label === undefined;
      }
    })
  );
}

function labelOf(labels: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
