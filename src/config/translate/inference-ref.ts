/**
 * From a backendRef to the InferencePool it means, or to the reason why it means none.
 *
 * `port` is not looked at: the pool has its own (Gateway API Inference Extension, HTTPRoute). In another namespace it takes a
 * ReferenceGrant, for either of the groups the kind has gone by.
 */
import { objectName } from "../resources.ts";
import type { Resource } from "../resources.ts";
import type { BackendRef } from "../schema/http-route.ts";
import { INFERENCE_GROUP, OLD_INFERENCE_GROUP } from "../schema/pool-ref.ts";
import type { Lookup } from "./lookup.ts";
import { isGranted } from "./reference-grants.ts";

/** Services are `namespace/service:port`, so the two never meet. */
export function inferencePoolKey({ namespace, name }: Resource<"InferencePool">): string {
  return `${namespace}/${name}`;
}

export type FoundPool =
  | { readonly kind: "found"; readonly pool: Resource<"InferencePool"> }
  | {
      readonly kind: "missing";
      readonly reason: "RefNotPermitted" | "BackendNotFound" | "UnsupportedProtocol";
      readonly message: string;
      readonly field: string;
      /** The pool's own errors have been told. */
      readonly told: boolean;
      /** There, but not to be served. */
      readonly pool?: Resource<"InferencePool">;
    };

export function findInferencePool(lookup: Lookup, route: Resource<"HTTPRoute">, ref: BackendRef): FoundPool {
  const namespace = ref.namespace ?? route.namespace;
  const name = objectName("InferencePool", namespace, ref.name);
  const told = false;
  if (!isPermitted(lookup, route, namespace, ref.name)) {
    const message = `no ReferenceGrant in ${namespace} permits ${name}`;
    return { kind: "missing", reason: "RefNotPermitted", message, field: "namespace", told };
  }
  const pool = lookup.inferencePool(namespace, ref.name);
  if (pool === undefined) {
    const message = `there is no ${name}`;
    const isRejected = lookup.resources.rejected.has(name);
    return { kind: "missing", reason: "BackendNotFound", message, field: "name", told: isRejected };
  }
  const { appProtocol } = pool.body.spec;
  if (appProtocol !== "http") {
    const message = `${name} asks for ${appProtocol}, which is not supported yet`;
    return { kind: "missing", reason: "UnsupportedProtocol", message, field: "name", told, pool };
  }
  return { kind: "found", pool };
}

function isPermitted(
  lookup: Lookup,
  route: Resource<"HTTPRoute">,
  toNamespace: string,
  toName: string,
): boolean {
  return [INFERENCE_GROUP, OLD_INFERENCE_GROUP].some((toGroup) =>
    isGranted(lookup.resources, {
      fromGroup: "gateway.networking.k8s.io",
      fromKind: "HTTPRoute",
      fromNamespace: route.namespace,
      toGroup,
      toKind: "InferencePool",
      toNamespace,
      toName,
    }),
  );
}
