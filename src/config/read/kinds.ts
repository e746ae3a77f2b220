/**
 * Which kinds are read, which are known but passed over, and which are nonsense, by apiVersion and kind.
 *
 * A manifest folder rarely holds only what a gateway reads, so a Deployment is a warning; but a misspelt HTTPRoute
 * silently passed over would be an outage, so in the groups Plimsoll answers for, an unknown kind is an error.
 */
import type { ReadKind } from "../resources.ts";
import { olderVersions } from "../schema/older-forms.ts";
import { INFERENCE_GROUP, LLM_D_GROUP, OLD_INFERENCE_GROUP } from "../schema/pool-ref.ts";
import { didYouMean, oneOf } from "./words.ts";

export type KindVerdict =
  | { readonly kind: "read"; readonly as: ReadKind; readonly namespaced: boolean }
  | { readonly kind: "skip"; readonly message: string }
  | {
      readonly kind: "refuse";
      readonly field: "apiVersion" | "kind";
      readonly message: string;
      readonly expected: string;
    };

interface KnownKind {
  readonly group: string;
  readonly versions: readonly string[];
  readonly namespaced: boolean;
}

const GATEWAY_GROUP = "gateway.networking.k8s.io";
const OWN_GROUP = "plimsoll.dev";

const READ: Readonly<Record<ReadKind, KnownKind>> = {
  GatewayClass: { group: GATEWAY_GROUP, versions: ["v1", "v1beta1"], namespaced: false },
  Gateway: { group: GATEWAY_GROUP, versions: ["v1", "v1beta1"], namespaced: true },
  HTTPRoute: { group: GATEWAY_GROUP, versions: ["v1", "v1beta1"], namespaced: true },
  ReferenceGrant: { group: GATEWAY_GROUP, versions: ["v1", "v1beta1"], namespaced: true },
  Service: { group: "", versions: ["v1"], namespaced: true },
  EndpointSlice: { group: "discovery.k8s.io", versions: ["v1"], namespaced: true },
  Namespace: { group: "", versions: ["v1"], namespaced: false },
  Pod: { group: "", versions: ["v1"], namespaced: true },
  InferencePool: { group: INFERENCE_GROUP, versions: ["v1"], namespaced: true },
  InferenceObjective: { group: LLM_D_GROUP, versions: ["v1alpha2"], namespaced: true },
  InferenceModelRewrite: { group: LLM_D_GROUP, versions: ["v1alpha2"], namespaced: true },
  InferenceModel: { group: OLD_INFERENCE_GROUP, versions: ["v1alpha2", "v1alpha1"], namespaced: true },
  BackendPolicy: { group: OWN_GROUP, versions: ["v1alpha1"], namespaced: true },
  WorkloadClass: { group: OWN_GROUP, versions: ["v1alpha1"], namespaced: true },
};

/** Kinds of the groups Plimsoll answers for that exist but do nothing here yet. */
const LATER: Readonly<Record<string, readonly string[]>> = {
  [GATEWAY_GROUP]: ["GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute", "BackendTLSPolicy", "ListenerSet"],
  [OLD_INFERENCE_GROUP]: ["InferencePoolImport", "EndpointPickerConfig"],
  [LLM_D_GROUP]: ["EndpointPickerConfig"],
  [OWN_GROUP]: ["ServiceLevel", "CapacityPolicy", "CanaryPolicy", "ClusterPeer"],
};

/** The core group's kinds, so that `Servise` is not taken for something of someone else's. */
const CORE_KINDS = [
  "Binding",
  "ConfigMap",
  "Endpoints",
  "Event",
  "LimitRange",
  "Node",
  "PersistentVolume",
  "PersistentVolumeClaim",
  "PodTemplate",
  "ReplicationController",
  "ResourceQuota",
  "Secret",
  "ServiceAccount",
];

export function judgeKind(apiVersion: string, kind: string): KindVerdict {
  const slash = apiVersion.indexOf("/");
  const group = slash === -1 ? "" : apiVersion.slice(0, slash);
  const version = apiVersion.slice(slash + 1);
  const known = Object.hasOwn(READ, kind) ? READ[kind as ReadKind] : undefined;
  const older = known === undefined ? [] : olderVersions(kind as ReadKind);
  if (known !== undefined && (known.group === group || older.some((form) => form.startsWith(`${group}/`)))) {
    return older.includes(apiVersion) || (known.group === group && known.versions.includes(version))
      ? { kind: "read", as: kind as ReadKind, namespaced: known.namespaced }
      : wrongVersion(kind, known);
  }
  if (LATER[group]?.includes(kind) === true) {
    return { kind: "skip", message: `${kind} is not supported yet; the object is passed over` };
  }
  if (known !== undefined && (isBuiltIn(group) || group === OWN_GROUP)) return wrongVersion(kind, known);
  const own = kindsOf(group);
  if (own.length > 0 && !(group === "" && CORE_KINDS.includes(kind))) {
    return {
      kind: "refuse",
      field: "kind",
      message: `no such kind in ${apiVersion}${didYouMean(kind, own)}`,
      expected: group === "" ? "a kind of the core group" : oneOf(own),
    };
  }
  return { kind: "skip", message: `${kind} (${apiVersion}) is not read; the object is passed over` };
}

function wrongVersion(kind: string, known: KnownKind): KindVerdict {
  const expected = oneOf(
    known.versions.map((version) => (known.group === "" ? version : `${known.group}/${version}`)),
  );
  return { kind: "refuse", field: "apiVersion", message: `wrong apiVersion for kind ${kind}`, expected };
}

/** Kubernetes' own groups have no dot or end in .k8s.io; there, a kind name is not free for someone else's use. */
function isBuiltIn(group: string): boolean {
  return !group.includes(".") || group.endsWith(".k8s.io");
}

/** Every kind of a group that Plimsoll can judge; empty for other people's groups. */
function kindsOf(group: string): readonly string[] {
  // Others keep kinds of their own there, so one that is not known is not a slip.
  if (group === LLM_D_GROUP) return [];
  const read = Object.entries(READ).filter(
    ([kind, known]) =>
      known.group === group || olderVersions(kind as ReadKind).some((form) => form.startsWith(`${group}/`)),
  );
  const kinds = [...read.map(([kind]) => kind), ...(LATER[group] ?? [])];
  return group === "" ? [...kinds, ...CORE_KINDS] : kinds;
}
