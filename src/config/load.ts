/**
 * Manifest files to resources: the first half of configuration. Never throws; whatever is wrong becomes a problem.
 *
 * An object with an error is left out of the resources; the rest stay, so that one pass reports everything. Whether a
 * configuration with errors is taken at all is the caller's decision.
 */
import type { Problem } from "../model/problem.ts";
import { readDocuments } from "./read/documents.ts";
import type { Manifest, ManifestFile, ReadDocuments } from "./read/documents.ts";
import { readObject } from "./read/object.ts";
import type { ReadObject } from "./read/object.ts";
import { byPlace } from "./read/order.ts";
import { objectName } from "./resources.ts";
import type { ReadKind, Resource, Resources } from "./resources.ts";
import { olderForm } from "./schema/older-forms.ts";

export interface Loaded {
  readonly resources: Resources;
  readonly problems: readonly Problem[];
}

/**
 * What the last load read of each file, by path. Reading YAML costs a second or two per megabyte; with this a reload
 * pays only for the files whose text has changed. It never changes a result.
 */
export type LoadMemory = Map<string, { readonly text: string; readonly documents: ReadDocuments }>;

export function loadManifests(files: readonly ManifestFile[], memory: LoadMemory = new Map()): Loaded {
  const read = files.map((file) => recallDocuments(file, memory));
  const paths = new Set(files.map(({ path }) => path));
  for (const path of memory.keys()) if (!paths.has(path)) memory.delete(path);
  const loaded = loadObjects(read.flatMap(({ manifests }) => manifests));
  const problems = [...read.flatMap((documents) => documents.problems), ...loaded.problems];
  return {
    resources: loaded.resources,
    problems: byPlace(
      problems,
      files.map(({ path }) => path),
    ),
  };
}

function recallDocuments(file: ManifestFile, memory: LoadMemory): ReadDocuments {
  const known = memory.get(file.path);
  if (known?.text === file.text) return known.documents;
  const documents = readDocuments(file);
  memory.set(file.path, { text: file.text, documents });
  return documents;
}

/** The same for objects that come from elsewhere, the cluster's API say. */
export function loadObjects(manifests: readonly Manifest[]): Loaded {
  const problems: Problem[] = [];
  const rejected = new Set<string>();
  const kept = new Map<string, Resource<ReadKind>>();
  for (const manifest of manifests) {
    const object = readObject(manifest);
    problems.push(...object.problems);
    if (object.kind === "rejected" && object.object !== "") rejected.add(object.object);
    if (object.kind === "resource") keepFirst(object, kept, problems);
  }
  return { resources: sortByKind([...kept.values()], rejected), problems };
}

function keepFirst(
  { resource }: Extract<ReadObject, { kind: "resource" }>,
  kept: Map<string, Resource<ReadKind>>,
  problems: Problem[],
): void {
  const object = objectName(resource.kind, resource.namespace, resource.name);
  const first = kept.get(object);
  if (first === undefined) {
    kept.set(object, resource);
    return;
  }
  if (isOlder(first) !== isOlder(resource)) {
    // Half-way through a migration both forms stand side by side.
    const [newer, older] = isOlder(first) ? [resource, first] : [first, resource];
    kept.set(object, newer);
    const message = `the object is defined in a newer form too, at ${placeText(newer)}, which counts`;
    problems.push({ ...twice(older, object, message), severity: "warning" });
    return;
  }
  problems.push(twice(resource, object, `the object is defined twice: first at ${placeText(first)}`));
}

function twice(resource: Resource<ReadKind>, object: string, message: string): Problem {
  const place = resource.locate([], "value");
  return { severity: "error", ...place, object, path: "", message, expected: "each object once", found: "" };
}

function placeText(resource: Resource<ReadKind>): string {
  const { file, line, column } = resource.locate([], "value");
  return `${file}:${line}:${column}`;
}

function isOlder({ kind, body }: Resource<ReadKind>): boolean {
  return olderForm(kind, body.apiVersion) !== undefined;
}

function sortByKind(all: readonly Resource<ReadKind>[], rejected: ReadonlySet<string>): Resources {
  const sorted = all.toSorted((a, b) => compareText(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`));
  const ofKind = <K extends ReadKind>(kind: K): readonly Resource<K>[] =>
    sorted.filter((resource): resource is Resource<K> => resource.kind === kind);
  return {
    gatewayClasses: ofKind("GatewayClass"),
    gateways: ofKind("Gateway"),
    httpRoutes: ofKind("HTTPRoute"),
    referenceGrants: ofKind("ReferenceGrant"),
    services: ofKind("Service"),
    endpointSlices: ofKind("EndpointSlice"),
    namespaces: ofKind("Namespace"),
    pods: ofKind("Pod"),
    inferencePools: ofKind("InferencePool"),
    inferenceObjectives: ofKind("InferenceObjective"),
    inferenceModelRewrites: ofKind("InferenceModelRewrite"),
    inferenceModels: ofKind("InferenceModel"),
    backendPolicies: ofKind("BackendPolicy"),
    workloadClasses: ofKind("WorkloadClass"),
    rejected,
  };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
