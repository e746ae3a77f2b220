/**
 * One manifest to one typed resource, or to the reasons why not.
 */
import type * as z from "zod";
import type { Problem } from "../../model/problem.ts";
import { objectName } from "../resources.ts";
import type { Bodies, ReadKind, Resource } from "../resources.ts";
import { backendPolicySchema } from "../schema/backend-policy.ts";
import { endpointSliceSchema } from "../schema/endpoint-slice.ts";
import { gatewayClassSchema } from "../schema/gateway-class.ts";
import { gatewaySchema } from "../schema/gateway.ts";
import { httpRouteSchema } from "../schema/http-route.ts";
import { inferenceModelRewriteSchema } from "../schema/inference-model-rewrite.ts";
import { inferenceModelSchema } from "../schema/inference-model.ts";
import { inferenceObjectiveSchema } from "../schema/inference-objective.ts";
import { inferencePoolSchema } from "../schema/inference-pool.ts";
import { namespaceSchema } from "../schema/namespace.ts";
import { olderForm } from "../schema/older-forms.ts";
import { podSchema } from "../schema/pod.ts";
import { referenceGrantSchema } from "../schema/reference-grant.ts";
import { serviceSchema } from "../schema/service.ts";
import { workloadClassSchema } from "../schema/workload-class.ts";
import type { Manifest } from "./documents.ts";
import { issueProblems } from "./issues.ts";
import { judgeKind } from "./kinds.ts";
import { valueAt } from "./path.ts";
import { describeFound } from "./words.ts";

export type ReadObject =
  | {
      readonly kind: "resource";
      readonly resource: Resource<ReadKind>;
      readonly problems: readonly Problem[];
    }
  /** `object` is empty where not even a name could be read. */
  | { readonly kind: "rejected"; readonly object: string; readonly problems: readonly Problem[] }
  | { readonly kind: "skipped"; readonly problems: readonly Problem[] };

const SCHEMAS: { readonly [K in ReadKind]: z.ZodType<Bodies[K]> } = {
  GatewayClass: gatewayClassSchema,
  Gateway: gatewaySchema,
  HTTPRoute: httpRouteSchema,
  ReferenceGrant: referenceGrantSchema,
  Service: serviceSchema,
  EndpointSlice: endpointSliceSchema,
  Namespace: namespaceSchema,
  Pod: podSchema,
  InferencePool: inferencePoolSchema,
  InferenceObjective: inferenceObjectiveSchema,
  InferenceModelRewrite: inferenceModelRewriteSchema,
  InferenceModel: inferenceModelSchema,
  BackendPolicy: backendPolicySchema,
  WorkloadClass: workloadClassSchema,
};

/** The namespace of an object that names none, as kubectl has it. */
const DEFAULT_NAMESPACE = "default";

export function readObject(manifest: Manifest): ReadObject {
  const { apiVersion, kind } = manifest.value;
  if (typeof apiVersion !== "string") return refuseField(manifest, "apiVersion", "a text such as v1");
  if (typeof kind !== "string") return refuseField(manifest, "kind", "a text such as HTTPRoute");
  const verdict = judgeKind(apiVersion, kind);
  switch (verdict.kind) {
    case "read":
      return readKnown(manifest, verdict.as, verdict.namespaced);
    case "skip":
      return { kind: "skipped", problems: [headProblem(manifest, "kind", "warning", verdict.message, "")] };
    case "refuse":
      return {
        kind: "rejected",
        object: "",
        problems: [headProblem(manifest, verdict.field, "error", verdict.message, verdict.expected)],
      };
  }
}

function readKnown(manifest: Manifest, kind: ReadKind, namespaced: boolean): ReadObject {
  const object = nameOf(manifest, kind, namespaced);
  const older = olderForm(kind, String(manifest.value["apiVersion"]));
  const parsed = (older?.schema ?? SCHEMAS[kind]).safeParse(manifest.value);
  if (!parsed.success) {
    return { kind: "rejected", object, problems: issueProblems(manifest, object, parsed.error.issues) };
  }
  const { metadata } = parsed.data;
  const resource: Resource<ReadKind> = {
    kind,
    namespace: namespaced ? (metadata.namespace ?? DEFAULT_NAMESPACE) : "",
    name: metadata.name,
    labels: metadata.labels ?? {},
    createdMs: metadata.creationTimestamp === undefined ? 0 : Date.parse(metadata.creationTimestamp),
    generation: metadata.generation ?? 0,
    body: parsed.data,
    locate: manifest.locate,
  };
  const problems =
    older === undefined
      ? []
      : [{ ...olderProblem(manifest, older.newer, older.instead(parsed.data)), object }];
  return { kind: "resource", resource, problems };
}

function olderProblem(manifest: Manifest, newer: string, instead: string): Problem {
  const expected = instead === "" ? `apiVersion: ${newer}, else the same` : `${newer}: ${instead}`;
  return headProblem(manifest, "apiVersion", "warning", "an older form, read as the newer", expected);
}

/** How problems call the object, from whatever can be read of its metadata. */
function nameOf(manifest: Manifest, kind: string, namespaced: boolean): string {
  const name = valueAt(manifest.value, ["metadata", "name"]);
  const namespace = valueAt(manifest.value, ["metadata", "namespace"]) ?? DEFAULT_NAMESPACE;
  if (typeof name !== "string") return kind;
  return objectName(kind, namespaced && typeof namespace === "string" ? namespace : "", name);
}

function refuseField(manifest: Manifest, field: "apiVersion" | "kind", expected: string): ReadObject {
  const missing = manifest.value[field] === undefined;
  const message = missing ? "required field is missing" : "wrong type";
  return {
    kind: "rejected",
    object: "",
    problems: [headProblem(manifest, field, "error", message, expected)],
  };
}

function headProblem(
  manifest: Manifest,
  field: "apiVersion" | "kind",
  severity: Problem["severity"],
  message: string,
  expected: string,
): Problem {
  const { kind } = manifest.value;
  const namespaced = valueAt(manifest.value, ["metadata", "namespace"]) !== undefined;
  return {
    severity,
    ...manifest.locate([field], "value"),
    object: typeof kind === "string" ? nameOf(manifest, kind, namespaced) : "",
    path: field,
    message,
    expected,
    found: describeFound(manifest.value[field]),
  };
}
