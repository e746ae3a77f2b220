/**
 * A Gateway's status: its own conditions, and those of each of its listeners with the number of routes on it.
 */
import type { Resource } from "../resources.ts";
import { isHttpRoute } from "./allowed-routes.ts";
import { isFalse, isTrue } from "./conditions.ts";
import type { Condition } from "./conditions.ts";
import type { OwnListener } from "./listeners.ts";
import { servedOn } from "./route-result.ts";
import type { RouteResult } from "./route-result.ts";

export interface ListenerStatus {
  readonly name: string;
  readonly supportedKinds: readonly { readonly group: string; readonly kind: string }[];
  /** Routes whose parent status is Accepted; each counts once. */
  readonly attachedRoutes: number;
  readonly conditions: readonly Condition[];
}

export interface GatewayStatus {
  readonly namespace: string;
  readonly name: string;
  readonly conditions: readonly Condition[];
  readonly listeners: readonly ListenerStatus[];
}

export function gatewayStatus(
  gateway: Resource<"Gateway">,
  listeners: readonly OwnListener[],
  routes: readonly RouteResult[],
): GatewayStatus {
  const own = listeners.filter((listener) => listener.gateway === gateway);
  return {
    namespace: gateway.namespace,
    name: gateway.name,
    conditions: gatewayConditions(gateway, own),
    listeners: own.map((listener) => listenerStatus(listener, routes)),
  };
}

function gatewayConditions(gateway: Resource<"Gateway">, own: readonly OwnListener[]): readonly Condition[] {
  const { generation } = gateway;
  const faulty = own.filter(({ fault }) => fault !== undefined);
  if (faulty.length === 0) {
    return [
      isTrue("Accepted", "Accepted", "", generation),
      isTrue("Programmed", "Programmed", "", generation),
    ];
  }
  const message = `not served: ${faulty.map(({ body }) => body.name).join(", ")}`;
  // Some listeners working is acceptance with a reservation; none working is none.
  return faulty.length < own.length
    ? [
        isTrue("Accepted", "ListenersNotValid", message, generation),
        isTrue("Programmed", "Programmed", message, generation),
      ]
    : [
        isFalse("Accepted", "ListenersNotValid", message, generation),
        isFalse("Programmed", "Invalid", message, generation),
      ];
}

function listenerStatus(listener: OwnListener, routes: readonly RouteResult[]): ListenerStatus {
  const { generation } = listener.gateway;
  const { kinds } = listener.body.allowedRoutes;
  const supported = kinds.length === 0 || kinds.some(isHttpRoute);
  const supportedKinds =
    supported && listener.fault?.kind !== "unsupported-protocol"
      ? [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute" }]
      : [];
  const strange = kinds.filter((kind) => !isHttpRoute(kind)).map(({ kind }) => kind);
  return {
    name: listener.body.name,
    supportedKinds,
    attachedRoutes: routes.filter((route) => servedOn(route).some((on) => on.listener === listener)).length,
    conditions: [
      ...faultConditions(listener),
      strange.length === 0
        ? isTrue("ResolvedRefs", "ResolvedRefs", "", generation)
        : isFalse("ResolvedRefs", "InvalidRouteKinds", `not supported: ${strange.join(", ")}`, generation),
    ],
  };
}

function faultConditions({ fault, gateway: { generation } }: OwnListener): readonly Condition[] {
  if (fault === undefined) {
    return [
      isTrue("Accepted", "Accepted", "", generation),
      isFalse("Conflicted", "NoConflicts", "", generation),
      isTrue("Programmed", "Programmed", "", generation),
    ];
  }
  const programmed = isFalse("Programmed", "Invalid", fault.message, generation);
  switch (fault.kind) {
    case "unsupported-protocol":
      return [
        isFalse("Accepted", "UnsupportedProtocol", fault.message, generation),
        isFalse("Conflicted", "NoConflicts", "", generation),
        programmed,
      ];
    case "conflict":
      return [
        isFalse("Accepted", "PortUnavailable", fault.message, generation),
        isTrue("Conflicted", "HostnameConflict", fault.message, generation),
        programmed,
      ];
  }
}
