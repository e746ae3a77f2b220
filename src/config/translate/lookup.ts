/**
 * Services and InferencePools by name, indexed once: every backendRef and every policy target asks.
 */
import type { Resource, Resources } from "../resources.ts";

export interface Lookup {
  readonly resources: Resources;
  readonly service: (namespace: string, name: string) => Resource<"Service"> | undefined;
  readonly inferencePool: (namespace: string, name: string) => Resource<"InferencePool"> | undefined;
}

export function lookupIn(resources: Resources): Lookup {
  const services = new Map(
    resources.services.map((service) => [`${service.namespace}/${service.name}`, service]),
  );
  const pools = new Map(resources.inferencePools.map((pool) => [`${pool.namespace}/${pool.name}`, pool]));
  return {
    resources,
    service: (namespace, name) => services.get(`${namespace}/${name}`),
    inferencePool: (namespace, name) => pools.get(`${namespace}/${name}`),
  };
}
