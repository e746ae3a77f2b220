/**
 * From a backendRef to the pool it means, or to the reason why it means none.
 *
 * A reference that does not resolve keeps its weight and answers 500 for that share (Gateway API,
 * HTTPRouteRule.backendRefs); it is a warning, because one route's slip must not take the others down.
 */
import type { Problem } from "../../model/problem.ts";
import type { RouteBackend } from "../../model/route.ts";
import type { Path } from "../read/path.ts";
import { objectName } from "../resources.ts";
import type { Resource } from "../resources.ts";
import type { BackendRef } from "../schema/http-route.ts";
import { isInferencePool } from "../schema/pool-ref.ts";
import { findInferencePool, inferencePoolKey } from "./inference-ref.ts";
import type { Lookup } from "./lookup.ts";
import { isGranted } from "./reference-grants.ts";
import { problemIn } from "./report.ts";

/** A Service port that some rule sends to: what pools are made of. */
export interface ServicePort {
  readonly service: Resource<"Service">;
  readonly port: Resource<"Service">["body"]["spec"]["ports"][number];
}

/** Reasons of the condition ResolvedRefs. */
export type UnresolvedReason = "BackendNotFound" | "RefNotPermitted" | "InvalidKind" | "UnsupportedProtocol";

export type ResolvedBackend =
  | { readonly kind: "pool"; readonly backend: RouteBackend; readonly target: ServicePort }
  | {
      readonly kind: "inference";
      readonly backend: RouteBackend;
      readonly pool: Resource<"InferencePool">;
    }
  | {
      readonly kind: "invalid";
      readonly backend: RouteBackend;
      readonly reason: UnresolvedReason;
      readonly message: string;
      /** The InferencePool that is there but cannot be served. */
      readonly pool?: Resource<"InferencePool"> | undefined;
    };

/** Protocols on a Service port that plain HTTP/1.1 does not reach (KEP-3726 and Istio's names). */
const PROTOCOLS_NOT_SPOKEN = new Set([
  "kubernetes.io/h2c",
  "kubernetes.io/wss",
  "h2c",
  "http2",
  "https",
  "grpc",
]);

export function poolKeyOf({ service, port }: ServicePort): string {
  return `${service.namespace}/${service.name}:${port.port}`;
}

export function resolveBackend(
  lookup: Lookup,
  route: Resource<"HTTPRoute">,
  ref: BackendRef,
  path: Path,
  problems: Problem[],
): ResolvedBackend {
  const found = isInferencePool(ref) ? findInferencePool(lookup, route, ref) : findTarget(lookup, route, ref);
  if (found.kind === "found" && "pool" in found) {
    const { pool } = found;
    const backend: RouteBackend = { kind: "pool", poolKey: inferencePoolKey(pool), weight: ref.weight };
    return { kind: "inference", pool, backend };
  }
  if (found.kind === "found") {
    const { target } = found;
    return {
      kind: "pool",
      target,
      backend: { kind: "pool", poolKey: poolKeyOf(target), weight: ref.weight },
    };
  }
  const { reason, message } = found;
  if (!found.told) {
    const consequence = `${message}; its share of requests is answered with 500`;
    problems.push(
      problemIn(route, { severity: "warning", path: [...path, found.field], message: consequence }),
    );
  }
  const { pool } = found;
  return { kind: "invalid", reason, message, pool, backend: { kind: "invalid", reason, weight: ref.weight } };
}

type Found =
  | { readonly kind: "found"; readonly target: ServicePort }
  | {
      readonly kind: "missing";
      readonly reason: UnresolvedReason;
      readonly message: string;
      readonly field: string;
      /** The target's own errors have been told; a second complaint here would mislead. */
      readonly told: boolean;
      readonly pool?: undefined;
    };

function findTarget(lookup: Lookup, route: Resource<"HTTPRoute">, ref: BackendRef): Found {
  if (ref.group !== "" || ref.kind !== "Service") {
    return missing("InvalidKind", `a backend of kind ${ref.kind} is not supported`, "kind");
  }
  const namespace = ref.namespace ?? route.namespace;
  const name = objectName("Service", namespace, ref.name);
  const granted = isGranted(lookup.resources, {
    fromGroup: "gateway.networking.k8s.io",
    fromKind: "HTTPRoute",
    fromNamespace: route.namespace,
    toGroup: "",
    toKind: "Service",
    toNamespace: namespace,
    toName: ref.name,
  });
  if (!granted)
    return missing("RefNotPermitted", `no ReferenceGrant in ${namespace} permits ${name}`, "namespace");
  const service = lookup.service(namespace, ref.name);
  if (service === undefined) {
    return {
      ...missing("BackendNotFound", `there is no ${name}`, "name"),
      told: lookup.resources.rejected.has(name),
    };
  }
  return findPort(service, ref, name);
}

function findPort(service: Resource<"Service">, ref: BackendRef, name: string): Found {
  const { spec } = service.body;
  if (spec.type === "ExternalName") {
    // A route's author could otherwise reach any host the gateway can (CVE-2021-25740).
    return missing("BackendNotFound", `${name} is of type ExternalName, which is not followed`, "name");
  }
  const numbered = spec.ports.filter(({ port }) => port === ref.port);
  const port = numbered.find(({ protocol }) => protocol === "TCP");
  if (port === undefined) {
    return numbered.length === 0
      ? missing("BackendNotFound", `${name} has no port ${ref.port}`, "port")
      : missing("UnsupportedProtocol", `port ${ref.port} of ${name} is not TCP`, "port");
  }
  if (port.appProtocol !== undefined && PROTOCOLS_NOT_SPOKEN.has(port.appProtocol)) {
    const message = `port ${ref.port} of ${name} asks for ${port.appProtocol}, which is not supported yet`;
    return missing("UnsupportedProtocol", message, "port");
  }
  return { kind: "found", target: { service, port } };
}

function missing(
  reason: UnresolvedReason,
  message: string,
  field: string,
): Extract<Found, { kind: "missing" }> {
  return { kind: "missing", reason, message, field, told: false };
}
