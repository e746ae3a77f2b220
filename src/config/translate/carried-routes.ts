/**
 * The rules of routes that other controllers' Gateways carry, as far as they lead to InferencePools: by them a picker tells
 * which of its pools a request is for, where the gateway does not say.
 *
 * Whether such a route is attached, and what is wrong with it, is for its own controller to judge and to tell. Listeners
 * are not looked at: a route holds for the hostnames that it names itself.
 */
import type { AttachedRule } from "../../model/route.ts";
import type { Resource, Resources } from "../resources.ts";
import { sharedHostnames } from "./hostnames.ts";
import { inferencePoolKey } from "./inference-ref.ts";
import type { Lookup } from "./lookup.ts";
import { translateRoute } from "./rules.ts";

/** `own`: our Gateways. */
export function carriedRules(
  resources: Resources,
  own: readonly Resource<"Gateway">[],
  lookup: Lookup,
): readonly AttachedRule[] {
  const keys = new Set(resources.inferencePools.map(inferencePoolKey));
  const ours = new Set(own.map(({ namespace, name }) => `${namespace}/${name}`));
  return resources.httpRoutes.flatMap((route) => {
    const { parentRefs, hostnames } = route.body.spec;
    const isCarried = parentRefs.some(
      (ref) => ref.kind !== "Gateway" || !ours.has(`${ref.namespace ?? route.namespace}/${ref.name}`),
    );
    if (!isCarried) return [];
    return translateRoute(lookup, route, []).rules.flatMap((rule, index): AttachedRule[] => {
      const backends = rule.backends.filter(
        (backend) => backend.kind === "pool" && keys.has(backend.poolKey),
      );
      if (backends.length === 0) return [];
      const { createdMs } = route;
      return [{ rule: { ...rule, backends }, hostnames: sharedHostnames("*", hostnames), createdMs, index }];
    });
  });
}
