/**
 * Who takes part in the inference demo: two fleets of the same engines, one pool and one listener for each, and their ports.
 *
 * One Pod per engine, all on 127.0.0.1 (not every system has more loopback addresses): the pool names a port for each engine, and each
 * Pod serves on one of them. Ports are fixed, because people are told to curl them.
 */
export const ENGINES = 4;

export interface Fleet {
  /** Of the pool, and of the policy as manifests name it. */
  readonly policy: "Inference" | "RoundRobin";
  readonly pool: string;
  /** Where the gateway listens for this pool. */
  readonly gatewayPort: number;
  readonly enginePorts: readonly number[];
  /** Of the first engine's cache events and their replay; the others' follow. Undefined: nobody would listen. */
  readonly eventPorts: { readonly publish: number; readonly replay: number } | undefined;
}

const ports = (first: number): readonly number[] =>
  Array.from({ length: ENGINES }, (_, index) => first + index);

export const INFERENCE: Fleet = {
  policy: "Inference",
  pool: "inference",
  gatewayPort: 8080,
  enginePorts: ports(9211),
  eventPorts: { publish: 9231, replay: 9241 },
};

export const ROUND_ROBIN: Fleet = {
  policy: "RoundRobin",
  pool: "round-robin",
  gatewayPort: 8081,
  enginePorts: ports(9221),
  eventPorts: undefined,
};

export const FLEETS: readonly [Fleet, Fleet] = [INFERENCE, ROUND_ROBIN];
export const ADMIN_PORT = 9900;

/** As simulated, a recorded run is met within 3 % (docs/inference-demo.md). */
export const PROFILE = "rtx4090-8b";
export const MODEL = "llama-3.1-8b";

export function engineName(index: number): string {
  return `engine-${index + 1}`;
}
