/**
 * Resources: manifests that passed their schema, typed by kind, each still able to say where its values stand.
 *
 * This is what translation works on, whether the manifests came from files or from a cluster. Every list is sorted by
 * namespace and name, so that nothing downstream depends on the order of files.
 */
import type * as z from "zod";
import type { Locate } from "./read/path.ts";
import type { backendPolicySchema } from "./schema/backend-policy.ts";
import type { endpointSliceSchema } from "./schema/endpoint-slice.ts";
import type { gatewayClassSchema } from "./schema/gateway-class.ts";
import type { gatewaySchema } from "./schema/gateway.ts";
import type { httpRouteSchema } from "./schema/http-route.ts";
import type { inferenceModelRewriteSchema } from "./schema/inference-model-rewrite.ts";
import type { inferenceModelSchema } from "./schema/inference-model.ts";
import type { inferenceObjectiveSchema } from "./schema/inference-objective.ts";
import type { inferencePoolSchema } from "./schema/inference-pool.ts";
import type { namespaceSchema } from "./schema/namespace.ts";
import type { podSchema } from "./schema/pod.ts";
import type { referenceGrantSchema } from "./schema/reference-grant.ts";
import type { serviceSchema } from "./schema/service.ts";
import type { workloadClassSchema } from "./schema/workload-class.ts";

/** What each kind looks like after its schema: defaults of the standard filled in. */
export interface Bodies {
  readonly GatewayClass: z.infer<typeof gatewayClassSchema>;
  readonly Gateway: z.infer<typeof gatewaySchema>;
  readonly HTTPRoute: z.infer<typeof httpRouteSchema>;
  readonly ReferenceGrant: z.infer<typeof referenceGrantSchema>;
  readonly Service: z.infer<typeof serviceSchema>;
  readonly EndpointSlice: z.infer<typeof endpointSliceSchema>;
  readonly Namespace: z.infer<typeof namespaceSchema>;
  readonly Pod: z.infer<typeof podSchema>;
  readonly InferencePool: z.infer<typeof inferencePoolSchema>;
  readonly InferenceObjective: z.infer<typeof inferenceObjectiveSchema>;
  readonly InferenceModelRewrite: z.infer<typeof inferenceModelRewriteSchema>;
  readonly InferenceModel: z.infer<typeof inferenceModelSchema>;
  readonly BackendPolicy: z.infer<typeof backendPolicySchema>;
  readonly WorkloadClass: z.infer<typeof workloadClassSchema>;
}

export type ReadKind = keyof Bodies;

export interface Resource<K extends ReadKind> {
  readonly kind: K;
  /** Empty for kinds that live outside namespaces. */
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** From metadata.creationTimestamp; 0 where absent, which counts as oldest. */
  readonly createdMs: number;
  /** From metadata.generation; 0 where absent. */
  readonly generation: number;
  readonly body: Readonly<Bodies[K]>;
  readonly locate: Locate;
}

export interface Resources {
  readonly gatewayClasses: readonly Resource<"GatewayClass">[];
  readonly gateways: readonly Resource<"Gateway">[];
  readonly httpRoutes: readonly Resource<"HTTPRoute">[];
  readonly referenceGrants: readonly Resource<"ReferenceGrant">[];
  readonly services: readonly Resource<"Service">[];
  readonly endpointSlices: readonly Resource<"EndpointSlice">[];
  readonly namespaces: readonly Resource<"Namespace">[];
  readonly pods: readonly Resource<"Pod">[];
  readonly inferencePools: readonly Resource<"InferencePool">[];
  readonly inferenceObjectives: readonly Resource<"InferenceObjective">[];
  readonly inferenceModelRewrites: readonly Resource<"InferenceModelRewrite">[];
  readonly inferenceModels: readonly Resource<"InferenceModel">[];
  readonly backendPolicies: readonly Resource<"BackendPolicy">[];
  readonly workloadClasses: readonly Resource<"WorkloadClass">[];
  /**
   * `objectName` of each object that is there but has errors: a reference to one does not resolve, but saying that it
   * does not exist would send its author looking in the wrong place.
   */
  readonly rejected: ReadonlySet<string>;
}

/** `HTTPRoute shop/web`, `GatewayClass plimsoll`: how problems name an object. */
export function objectName(kind: string, namespace: string, name: string): string {
  return namespace === "" ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}
