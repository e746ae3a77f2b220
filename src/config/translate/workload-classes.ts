/**
 * WorkloadClasses in the model's words: references resolved within their namespace, what is left out filled from the
 * built-in class they start from.
 *
 * Order is precedence: older first, then by namespace and name, as wherever one of several must win.
 */
import { selectsEndpoint } from "../../core/balance/selects.ts";
import type { ResourceProfile } from "../../model/balancing.ts";
import type { BalancingPolicy } from "../../model/policy.ts";
import type { PoolSpec } from "../../model/pool.ts";
import type { Problem } from "../../model/problem.ts";
import {
  BUILT_IN_PROFILES,
  BUILT_IN_TREATMENTS,
  type LabelRequirement,
  type ObservedMatch,
  type Treatment,
  type WorkloadClass,
  type WorkloadKind,
  type WorkloadMatch,
} from "../../model/workload.ts";
import { parseDurationMs } from "../../std/duration.ts";
import { objectName, type Bodies, type Resource } from "../resources.ts";
import type { LabelSelector } from "../schema/label-selector.ts";
import { parseBytes } from "../schema/workload-class.ts";
import { poolKeyOf } from "./backend-refs.ts";
import type { Lookup } from "./lookup.ts";
import { byAge, problemIn } from "./report.ts";

type ClassResource = Resource<"WorkloadClass">;
type Spec = Bodies["WorkloadClass"]["spec"];

/** `pools`: all there are. */
export function workloadClasses(
  lookup: Lookup,
  pools: readonly PoolSpec[],
  problems: Problem[],
): readonly WorkloadClass[] {
  return lookup.resources.workloadClasses.toSorted(byAge).map((resource) => {
    const { spec } = resource.body;
    // The schema lets only the model's own names through.
    const kind = (spec.base as WorkloadKind | undefined) ?? "interactive";
    problems.push(...unknownRoutes(lookup, resource));
    const poolKeys = poolKeysOf(lookup, resource, problems);
    const keyless = keylessPool(resource, poolKeys, pools);
    if (keyless !== undefined) problems.push(keyless);
    const treatment = treatmentOf(spec.treatment, BUILT_IN_TREATMENTS[kind]);
    problems.push(...unservedPools(resource, treatment, poolKeys, pools));
    problems.push(...sharesOfNothing(resource, poolKeys, pools));
    return {
      name: `${resource.namespace}/${resource.name}`,
      kind,
      profile: (spec.profile as ResourceProfile | undefined) ?? BUILT_IN_PROFILES[kind],
      poolKeys,
      match: spec.match.map((match) => matchOf(match, resource.namespace)),
      tenantHeader: spec.tenantHeader?.toLowerCase(),
      treatment,
    };
  });
}

/** Undefined: every pool. */
function poolKeysOf(
  lookup: Lookup,
  resource: ClassResource,
  problems: Problem[],
): readonly string[] | undefined {
  return resource.body.spec.targetRefs?.flatMap((ref, index) => {
    const service = lookup.service(resource.namespace, ref.name);
    const name = objectName("Service", resource.namespace, ref.name);
    const ports = service?.body.spec.ports ?? [];
    const wanted = ports.filter(
      (port) => ref.sectionName === undefined || (port.name ?? "") === ref.sectionName,
    );
    if (service !== undefined && wanted.length > 0) return wanted.map((port) => poolKeyOf({ service, port }));
    // A Service with errors of its own is there, only not readable; that has been told.
    if (!lookup.resources.rejected.has(name)) {
      const port = service === undefined ? "" : ` has no port named ${ref.sectionName}`;
      const what = service === undefined ? `there is no ${name}` : `${name}${port}`;
      const message = `${what}; the class has no effect there`;
      problems.push(
        problemIn(resource, { severity: "warning", path: ["spec", "targetRefs", index], message }),
      );
    }
    return [];
  });
}

/** What a request's key is, the pool says: without that, ConsistentHash would have nothing to go by. */
function keylessPool(
  resource: ClassResource,
  poolKeys: readonly string[] | undefined,
  pools: readonly PoolSpec[],
): Problem | undefined {
  if (resource.body.spec.treatment?.policy !== "ConsistentHash") return undefined;
  const keyless = pools.find(
    ({ key, policy }) =>
      (poolKeys === undefined || poolKeys.includes(key)) && policy.balancingOptions?.hash === undefined,
  );
  if (keyless === undefined) return undefined;
  return problemIn(resource, {
    severity: "error",
    path: ["spec", "treatment", "policy"],
    message: `ConsistentHash needs a key to hash, and the pool ${keyless.key} has none`,
    expected: "targetRefs to Services whose BackendPolicy has balancing.consistentHash, or another policy",
  });
}

/** Work of the class is refused where its selector matches nobody: told, for it may be meant for endpoints yet to come. */
function unservedPools(
  resource: ClassResource,
  { endpointSelector }: Treatment,
  poolKeys: readonly string[] | undefined,
  pools: readonly PoolSpec[],
): readonly Problem[] {
  if (endpointSelector.length === 0) return [];
  const unserved = pools.filter(
    ({ key, endpoints }) =>
      (poolKeys === undefined || poolKeys.includes(key)) &&
      endpoints.length > 0 &&
      !endpoints.some((endpoint) => selectsEndpoint(endpointSelector, endpoint)),
  );
  return unserved.map(({ key }) =>
    problemIn(resource, {
      severity: "warning",
      path: ["spec", "treatment", "endpointSelector"],
      message: `no endpoint of ${key} matches; requests of the class are refused there`,
    }),
  );
}

/** A share is of the pool's limit, and model servers have none unless their policy says so. */
function sharesOfNothing(
  resource: ClassResource,
  poolKeys: readonly string[] | undefined,
  pools: readonly PoolSpec[],
): readonly Problem[] {
  if (resource.body.spec.treatment?.maxConcurrencyPercent === undefined) return [];
  const unlimited = pools.filter(
    ({ key, inference, policy: { circuitBreaker } }) =>
      (poolKeys === undefined || poolKeys.includes(key)) &&
      inference !== undefined &&
      circuitBreaker.maxRequests === undefined &&
      circuitBreaker.adaptive === undefined,
  );
  return unlimited.map(({ key }) =>
    problemIn(resource, {
      severity: "warning",
      path: ["spec", "treatment", "maxConcurrencyPercent"],
      message: `the InferencePool ${key} has no limit to have a share of; requests of the class are not limited there`,
      expected: "a BackendPolicy of the pool with circuitBreaker.maxRequests or adaptiveConcurrency",
    }),
  );
}

function unknownRoutes(lookup: Lookup, resource: ClassResource): readonly Problem[] {
  const { namespace, body } = resource;
  const known = lookup.resources.httpRoutes.filter((route) => route.namespace === namespace);
  return body.spec.match.flatMap((match, index) =>
    match.routes.flatMap((ref, at): readonly Problem[] => {
      const name = objectName("HTTPRoute", namespace, ref.name);
      const route = known.find((each) => each.name === ref.name);
      if (lookup.resources.rejected.has(name)) return [];
      const hasRule =
        ref.sectionName === undefined || route?.body.spec.rules.some((rule) => rule.name === ref.sectionName);
      if (route !== undefined && hasRule === true) return [];
      const message =
        route === undefined ? `there is no ${name}` : `${name} has no rule named ${ref.sectionName}`;
      const path = ["spec", "match", index, "routes", at];
      return [problemIn(resource, { severity: "warning", path, message })];
    }),
  );
}

function matchOf(match: Spec["match"][number], namespace: string): WorkloadMatch {
  return {
    routes: match.routes.map(({ name, sectionName }) =>
      sectionName === undefined ? `${namespace}/${name}` : `${namespace}/${name}/${sectionName}`,
    ),
    methods: match.methods,
    headers: match.headers.map(({ type, name, value }) => ({
      kind: type === "Exact" ? "exact" : "regex",
      name: name.toLowerCase(),
      value,
    })),
    contentTypes: match.contentTypes,
    observed: match.observed === undefined ? undefined : observedOf(match.observed),
  };
}

function observedOf(observed: NonNullable<Spec["match"][number]["observed"]>): ObservedMatch {
  return {
    durationMsMin: msOf(observed.minDuration),
    streamMsMin: msOf(observed.minStreamDuration),
    requestBytesMin: bytesOf(observed.minRequestBytes),
    responseBytesMin: bytesOf(observed.minResponseBytes),
  };
}

function treatmentOf(given: Spec["treatment"] = {}, base: Treatment): Treatment {
  const { queue, timeouts } = given;
  const percent = given.maxConcurrencyPercent;
  return {
    endpointSelector:
      given.endpointSelector === undefined ? base.endpointSelector : requirementsOf(given.endpointSelector),
    policy: (given.policy as BalancingPolicy | undefined) ?? base.policy,
    priority: given.priority ?? base.priority,
    weight: given.weight ?? base.weight,
    maxConcurrencyRatio: percent === undefined ? base.maxConcurrencyRatio : percent / 100,
    queue: {
      maxLength: queue?.maxLength ?? base.queue.maxLength,
      maxWaitMs: msOf(queue?.maxWait) ?? base.queue.maxWaitMs,
      overload:
        queue?.overload === undefined
          ? base.queue.overload
          : queue.overload === "InOrder"
            ? "in-order"
            : "newest-first",
    },
    requestTimeoutMs: msOf(timeouts?.request) ?? base.requestTimeoutMs,
    perTryTimeoutMs: msOf(timeouts?.perTry) ?? base.perTryTimeoutMs,
    retries: given.retries ?? base.retries,
    hedging: given.hedging ?? base.hedging,
    sheddingOrder: given.sheddingOrder ?? base.sheddingOrder,
  };
}

const OPERATORS = { In: "in", NotIn: "not-in", Exists: "exists", DoesNotExist: "absent" } as const;

function requirementsOf({ matchLabels, matchExpressions }: LabelSelector): readonly LabelRequirement[] {
  return [
    ...Object.entries(matchLabels).map(([key, value]): LabelRequirement => ({
      key,
      operator: "in",
      values: [value],
    })),
    ...matchExpressions.map(({ key, operator, values }): LabelRequirement => ({
      key,
      operator: OPERATORS[operator],
      values,
    })),
  ];
}

function msOf(duration: string | undefined): number | undefined {
  return duration === undefined ? undefined : parseDurationMs(duration);
}

function bytesOf(quantity: string | undefined): number | undefined {
  return quantity === undefined ? undefined : parseBytes(quantity);
}
