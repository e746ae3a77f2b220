/**
 * Why a pool has no endpoints, or a slice no pool: the slips that leave a configuration valid and a Service unserved.
 *
 * Warnings, because both are ordinary states of a cluster in motion. Where no EndpointSlice is given at all, nothing
 * is said: the endpoints are kept elsewhere, or not yet.
 */
import type { Problem } from "../../model/problem.ts";
import { didYouMean } from "../read/words.ts";
import type { Resource, Resources } from "../resources.ts";
import type { ServicePort } from "./backend-refs.ts";
import { SERVICE_NAME_LABEL } from "./endpoints.ts";
import { problemIn } from "./report.ts";

type Slice = Resource<"EndpointSlice">;

/** `slices` are those that name the target's Service; the pool built from them is empty. */
export function emptyPoolProblem(
  target: ServicePort,
  slices: readonly Slice[],
  resources: Resources,
): Problem | undefined {
  if (resources.endpointSlices.length === 0) return undefined;
  const { service, port } = target;
  const path = [
    "spec",
    "ports",
    service.body.spec.ports.indexOf(port),
    port.name === undefined ? "port" : "name",
  ];
  if (slices.length === 0) {
    const message = `no EndpointSlice has the label ${SERVICE_NAME_LABEL}: ${service.name}, so the pool has no endpoints`;
    return problemIn(service, { severity: "warning", path, message });
  }
  const names = new Set(slices.flatMap((slice) => slice.body.ports.map(({ name }) => name)));
  if (names.has(port.name ?? "")) {
    const message = "none of its EndpointSlices has an endpoint that serves, so the pool has none";
    return problemIn(service, { severity: "warning", path, message });
  }
  const message = `none of its EndpointSlices has a port of this name, so the pool has no endpoints`;
  const expected = [...names].map((name) => (name === "" ? "no name" : name)).join(" or ");
  return problemIn(service, { severity: "warning", path, message, expected });
}

/** A slice whose Service is not there serves nobody. */
export function strayProblem(slice: Slice, resources: Resources): Problem | undefined {
  const name = slice.labels[SERVICE_NAME_LABEL];
  const known = resources.services
    .filter((service) => service.namespace === slice.namespace)
    .map((service) => service.name);
  if (name !== undefined && known.includes(name)) return undefined;
  const path = ["metadata", "labels"];
  const message =
    name === undefined
      ? `without the label ${SERVICE_NAME_LABEL} the slice belongs to no Service`
      : `the slice is for Service ${slice.namespace}/${name}, which is not there${didYouMean(name, known)}`;
  return problemIn(slice, { severity: "warning", path, message, at: "key" });
}
