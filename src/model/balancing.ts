/**
 * What `BackendPolicy.spec.balancing` says beyond the policy's name, after defaults. Each part matters to one
 * policy, except `zones`, which comes before any of them.
 */

/** Where the text that decides a request's endpoint is found. */
export type HashKey =
  /** Lower-case name. */
  | { readonly kind: "header"; readonly name: string }
  | { readonly kind: "cookie"; readonly name: string }
  | { readonly kind: "source-ip" }
  /** Without the query. */
  | { readonly kind: "path" };

export interface HashPolicy {
  readonly key: HashKey;
  readonly table:
    /** `size` is a prime; at a hundred times the endpoints, shares differ by about one percent. */
    | { readonly kind: "maglev"; readonly size: number }
    /** Points on the ring in all. */
    | { readonly kind: "ring"; readonly sizeMin: number; readonly sizeMax: number };
  /** Percent of the mean load that an endpoint may carry before its keys go elsewhere; 0 = no bound. */
  readonly boundedLoadPercent: number;
}

export const RESOURCES = ["cpu", "memory", "network", "disk", "gpu"] as const;
export type ResourceName = (typeof RESOURCES)[number];

export interface ResourcePolicy {
  /**
   * `throughput`: requests per second over utilisation (gRFC A58). `source-text`: 1/(cpu+0.1) * 1/(memory+0.1) *
   * network/1000, as the source text writes it.
   */
  readonly formula: "throughput" | "source-text";
  /** How much each resource counts; 0 = not at all. */
  readonly resources: Readonly<Record<ResourceName, number>>;
  /** How several become one utilisation. */
  readonly combine: "max" | "mean";
}

/** `GET path` on an endpoint says how loaded it is. `port` undefined: the endpoint's own. */
export interface LoadProbe {
  readonly path: string;
  readonly port: number | undefined;
}

export interface PrequalPolicy {
  /** Probes to ask for per request, where endpoints do not report on their answers. 0 = none. */
  readonly probesPerRequest: number;
  /** Undefined: nobody is probed. */
  readonly probe?: LoadProbe | undefined;
}

export interface ZonePolicy {
  /** `local`: the gateway's own zone first, while it has headroom. */
  readonly prefer: "local" | "none";
}

export interface BalancingOptions {
  readonly hash: HashPolicy | undefined;
  readonly resource: ResourcePolicy;
  readonly prequal: PrequalPolicy;
  readonly zones: ZonePolicy;
}

export const PROFILES = ["cpu", "memory", "gpu", "io", "balanced"] as const;
export type ResourceProfile = (typeof PROFILES)[number];

/**
 * What a kind of work is short of. Memory never counts alone: it is mostly held whether requests come or not,
 * so throughput / memory would say little of capacity.
 */
export const RESOURCE_PROFILES: Readonly<
  Record<ResourceProfile, Pick<ResourcePolicy, "resources" | "combine">>
> = {
  cpu: { resources: { cpu: 1, memory: 0, network: 0, disk: 0, gpu: 0 }, combine: "max" },
  memory: { resources: { cpu: 0.5, memory: 1, network: 0, disk: 0, gpu: 0 }, combine: "mean" },
  gpu: { resources: { cpu: 0, memory: 0, network: 0, disk: 0, gpu: 1 }, combine: "max" },
  io: { resources: { cpu: 0, memory: 0, network: 1, disk: 1, gpu: 0 }, combine: "max" },
  balanced: { resources: { cpu: 1, memory: 0.5, network: 0.5, disk: 0.5, gpu: 1 }, combine: "mean" },
};

/** Envoy's and Google's default, and the largest prime Envoy takes. */
export const MAGLEV_SIZE = 65_537;
export const MAGLEV_SIZE_MAX = 5_000_011;
/** Envoy's minimum. The maximum keeps a rebuild within some tens of milliseconds: 26 points each for 10,000 endpoints. */
export const RING_SIZE_MIN = 1_024;
export const RING_SIZE_MAX = 262_144;
export const RING_SIZE_LIMIT = 8_388_608;
/**
 * A quarter above the mean: the value of the paper's authors at Vimeo and of HAProxy's examples. Closer to 100 more
 * keys move at every step of the load (as 1/e^2), further away a hot key fills its endpoint before it spills.
 */
export const BOUNDED_LOAD_PERCENT = 125;

/** What `prequal: { probe: ... }` means: with fewer tails grow (NSDI 2024, section 5.3), and each costs an endpoint a request. */
export const PROBES_PER_REQUEST = 1;

export const DEFAULT_BALANCING_OPTIONS: BalancingOptions = {
  hash: undefined,
  resource: { formula: "throughput", ...RESOURCE_PROFILES.balanced },
  prequal: { probesPerRequest: 0 },
  zones: { prefer: "local" },
};
