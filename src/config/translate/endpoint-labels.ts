/**
 * The labels of an endpoint, for selectors: those of its EndpointSlice, and what the slice says of the endpoint's place under the
 * names that nodes have for it.
 *
 * A slice carries the labels of its Service, not of the pods, and a pod behind it is known by name alone; so whoever wants to
 * select among the endpoints of one Service gives them slices of their own (in files), or selects by place.
 */
import type { Resource } from "../resources.ts";

type Slice = Resource<"EndpointSlice">;
type SliceEndpoint = Slice["body"]["endpoints"][number];

/** What Kubernetes' own controllers write to keep their slices apart; says nothing of the endpoints. */
const BOOKKEEPING =
  /^(?:endpointslice\.kubernetes\.io\/|kubernetes\.io\/service-name$|service\.kubernetes\.io\/)/;

/** Undefined where there is none. */
export function labelsOf(slice: Slice, entry: SliceEndpoint): Readonly<Record<string, string>> | undefined {
  const own = Object.entries(slice.labels).filter(([key]) => !BOOKKEEPING.test(key));
  const { zone, nodeName } = entry;
  const place = [
    ...(zone === undefined ? [] : [["topology.kubernetes.io/zone", zone] as const]),
    ...(nodeName === undefined ? [] : [["kubernetes.io/hostname", nodeName] as const]),
  ];
  // What the entry says of itself is nearer than what the slice says of all.
  const all = [...own, ...place];
  return all.length === 0 ? undefined : Object.fromEntries(all);
}
