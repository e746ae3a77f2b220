/**
 * Resources to the running configuration: the second half. Never throws; pure, so the same resources always give the
 * same configuration, problems and status.
 *
 * The steps, in the only order they can have: whose Gateways are ours; their listeners; the routes that attach to
 * them; what those routes' references mean; the policies; the pools behind what is referenced; the status of all this.
 * A part that has a fault is left out and told, and the rest stands: whether a configuration with errors is taken is
 * the caller's decision.
 */
import type { GatewayConfig } from "../model/config.ts";
import type { Problem } from "../model/problem.ts";
import type { AttachedRule, ListenerSpec } from "../model/route.ts";
import { byPlace } from "./read/order.ts";
import type { Resources } from "./resources.ts";
import { namespaceLabels } from "./translate/allowed-routes.ts";
import { attachRoutes } from "./translate/attach.ts";
import { carriedRules } from "./translate/carried-routes.ts";
import { ownClasses, ownGateways } from "./translate/classes.ts";
import { buildInferencePools } from "./translate/inference-pools.ts";
import { inferenceRules } from "./translate/inference-rules.ts";
import { ownListeners } from "./translate/listeners.ts";
import type { OwnListener } from "./translate/listeners.ts";
import { lookupIn } from "./translate/lookup.ts";
import { attachPolicies } from "./translate/policies.ts";
import { buildPools } from "./translate/pools.ts";
import { servedOn } from "./translate/route-result.ts";
import type { RouteResult } from "./translate/route-result.ts";
import { translateRoute } from "./translate/rules.ts";
import { statusOf } from "./translate/status.ts";
import type { ConfigStatus } from "./translate/status.ts";
import { unsupportedInGateway, unsupportedInRoute } from "./translate/unsupported.ts";
import { workloadClasses } from "./translate/workload-classes.ts";

export interface Compiled {
  readonly config: GatewayConfig;
  readonly problems: readonly Problem[];
  readonly status: ConfigStatus;
}

/** For whom it is decided where requests go. */
export interface CompileOptions {
  /** Other gateways ask too, by routes that may not be ours: every InferencePool is one that requests may come for. */
  readonly picksForOthers?: boolean | undefined;
}

export function compile(resources: Resources, { picksForOthers }: CompileOptions = {}): Compiled {
  const problems: Problem[] = [];
  const classes = ownClasses(resources, problems);
  const gateways = ownGateways(resources, classes, problems);
  for (const gateway of gateways) problems.push(...unsupportedInGateway(gateway));
  const listeners = ownListeners(gateways, problems);
  const labelsOf = namespaceLabels(resources);
  const lookup = lookupIn(resources);
  const routes: RouteResult[] = [];
  for (const own of attachRoutes({ resources, gateways, listeners, labelsOf }, problems)) {
    const unsupported = unsupportedInRoute(own.route);
    problems.push(...unsupported);
    routes.push({ ...own, unsupported, translated: translateRoute(lookup, own.route, problems) });
  }
  const policies = attachPolicies(lookup, problems);
  const served = routes.filter((route) => servedOn(route).length > 0);
  const targets = served.flatMap(({ translated }) =>
    translated.backends.flatMap((backend) => (backend.kind === "pool" ? [backend.target] : [])),
  );
  const referenced = served.flatMap(({ translated }) =>
    translated.backends.flatMap((backend) => (backend.kind === "inference" ? [backend.pool] : [])),
  );
  const inferencePools = picksForOthers === true ? resources.inferencePools : referenced;
  const rules = inferenceRules(lookup, problems);
  const pools = [
    ...buildPools(resources, targets, policies, problems),
    ...buildInferencePools(resources, inferencePools, rules, policies, problems),
  ];
  const config: GatewayConfig = {
    listeners: listenerSpecs(listeners, served),
    pools,
    workloadClasses: workloadClasses(lookup, pools, problems),
    ...(picksForOthers === true && { carried: carriedRules(resources, gateways, lookup) }),
  };
  const status = statusOf({
    classes,
    gateways,
    listeners,
    routes,
    policies: policies.targets,
    inferencePools: resources.inferencePools,
    inferenceRules: rules.judged,
  });
  return { config, problems: byPlace(problems), status };
}

/** Sorted by port and name. */
function listenerSpecs(
  listeners: readonly OwnListener[],
  routes: readonly RouteResult[],
): readonly ListenerSpec[] {
  const rules = new Map<OwnListener, AttachedRule[]>();
  for (const result of routes) {
    const { createdMs } = result.route;
    for (const { listener, hostnames } of servedOn(result)) {
      const attached = rules.get(listener) ?? [];
      rules.set(listener, attached);
      for (const [index, rule] of result.translated.rules.entries()) {
        attached.push({ rule, hostnames, createdMs, index });
      }
    }
  }
  return listeners
    .filter(({ fault }) => fault === undefined)
    .map((listener) => ({
      name: listener.name,
      port: listener.body.port,
      hostname: listener.hostname,
      rules: rules.get(listener) ?? [],
    }))
    .toSorted((a, b) => a.port - b.port || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
