/**
 * The endpoints behind one Service port, out of the Service's EndpointSlices.
 *
 * Slices belong by label, ports by name (the Service's targetPort says nothing here). `ready` true or unknown serves;
 * not ready but serving while terminating drains; everything else is left out. One address and port is one endpoint,
 * however many slices list it, and a pod that stands there under both IP families counts once.
 */
import { endpointKey } from "../../model/endpoint.ts";
import type { Endpoint } from "../../model/endpoint.ts";
import type { Problem } from "../../model/problem.ts";
import type { Resource } from "../resources.ts";
import { canonicalIpv6 } from "../schema/names.ts";
import type { ServicePort } from "./backend-refs.ts";
import { labelsOf } from "./endpoint-labels.ts";
import { problemIn } from "./report.ts";
import { annotationProblems, priorityOf, weightOf } from "./slice-annotations.ts";

export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

type Slice = Resource<"EndpointSlice">;
type SliceEndpoint = Slice["body"]["endpoints"][number];

interface Listed {
  readonly endpoint: Endpoint;
  readonly family: "IPv4" | "IPv6";
  /** Which pod (or other object) stands behind the address; undefined where the slice does not say. */
  readonly owner: string | undefined;
}

/** Sorted by key, so that the same set is the same list. */
export function endpointsOf(target: ServicePort, slices: readonly Slice[]): readonly Endpoint[] {
  const listed = slices.flatMap((slice) => listedIn(slice, target));
  const byKey = new Map<string, Endpoint>();
  for (const { endpoint } of oneFamilyPerOwner(listed, preferredFamily(target.service))) {
    // While slices move, an address can stand in two of them: the one that serves is the truth of the moment.
    if (byKey.get(endpoint.key)?.condition !== "ready") byKey.set(endpoint.key, endpoint);
  }
  return [...byKey.values()].toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

function listedIn(slice: Slice, target: ServicePort): readonly Listed[] {
  const { addressType, endpoints, ports } = slice.body;
  if (addressType === "FQDN") return [];
  const numbers = ports
    .filter(({ name, protocol }) => name === (target.port.name ?? "") && protocol === "TCP")
    .flatMap(({ port }) => (port === undefined ? [] : [port]));
  const weight = weightOf(slice);
  const priority = priorityOf(slice);
  return endpoints.flatMap((entry) => {
    const condition = conditionOf(entry);
    // No meaning is defined for further addresses of an entry, and kube-proxy looks at the first alone.
    const [written] = entry.addresses;
    if (condition === undefined || written === undefined) return [];
    const address = addressType === "IPv6" ? canonicalIpv6(written) : written;
    return numbers.map((port): Listed => ({
      endpoint: {
        key: endpointKey(address, port),
        address,
        port,
        zone: entry.zone,
        displayName: entry.targetRef?.name,
        condition,
        weight,
        priority,
        labels: labelsOf(slice, entry),
      },
      family: addressType,
      owner: ownerOf(entry, slice, port),
    }));
  });
}

function conditionOf({ conditions }: SliceEndpoint): Endpoint["condition"] | undefined {
  if (conditions.ready ?? true) return "ready";
  return conditions.serving === true && conditions.terminating === true ? "draining" : undefined;
}

function ownerOf({ targetRef }: SliceEndpoint, slice: Slice, port: number): string | undefined {
  if (targetRef?.name === undefined) return undefined;
  return `${targetRef.kind ?? ""} ${targetRef.namespace ?? slice.namespace}/${targetRef.name} ${port}`;
}

function preferredFamily(service: Resource<"Service">): "IPv4" | "IPv6" {
  return service.body.spec.ipFamilies?.[0] ?? "IPv4";
}

function oneFamilyPerOwner(listed: readonly Listed[], preferred: "IPv4" | "IPv6"): readonly Listed[] {
  const reached = new Set(listed.filter(({ family }) => family === preferred).map(({ owner }) => owner));
  return listed.filter(
    ({ family, owner }) => family === preferred || owner === undefined || !reached.has(owner),
  );
}

/** What in a slice will be passed over, told once per slice. */
export function sliceProblems(slice: Slice): readonly Problem[] {
  return [...annotationProblems(slice), ...contentProblems(slice)];
}

function contentProblems(slice: Slice): readonly Problem[] {
  if (slice.body.addressType === "FQDN") {
    const message = "endpoints given by name are not supported; the slice is passed over";
    return [
      problemIn(slice, { severity: "warning", path: ["addressType"], message, expected: "IPv4 or IPv6" }),
    ];
  }
  const several = slice.body.endpoints.findIndex(({ addresses }) => addresses.length > 1);
  if (several === -1) return [];
  const message = "only the first address of an endpoint is used; give each address an entry of its own";
  return [problemIn(slice, { severity: "warning", path: ["endpoints", several, "addresses"], message })];
}
