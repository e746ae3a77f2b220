/**
 * Classes of work: what kind a request is, and how its kind is treated.
 *
 * A class is recognised by what a request says (route, headers, method, content type) or by what its route was
 * observed to do. Its treatment governs admission (core/admission), and what the request line may do for it.
 * Durations are milliseconds, sizes bytes, shares ratios in [0, 1].
 */
import type { ResourceProfile } from "./balancing.ts";
import type { BalancingPolicy } from "./policy.ts";
import type { ValueMatch } from "./route.ts";

/** The built-in classes; every other class starts from one of them. */
export type WorkloadKind = "interactive" | "streaming" | "batch" | "training";

/** All that is given must hold; a field left undefined (or an empty list) asks nothing. */
export interface WorkloadMatch {
  /** `namespace/route` or `namespace/route/rule`. */
  readonly routes: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly ValueMatch[];
  /** Of the request, lower case, without parameters; `text/*` stands for every subtype. */
  readonly contentTypes: readonly string[];
  readonly observed: ObservedMatch | undefined;
}

/** What the route's requests typically do; every bound given must be reached. See core/admission/observed.ts. */
export interface ObservedMatch {
  /** To the first byte of the response. */
  readonly durationMsMin: number | undefined;
  /** From the first to the last byte of the response. */
  readonly streamMsMin: number | undefined;
  readonly requestBytesMin: number | undefined;
  readonly responseBytesMin: number | undefined;
}

/** One requirement of a label selector. `in` and `not-in` compare with `values`. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: "in" | "not-in" | "exists" | "absent";
  readonly values: readonly string[];
}

export interface QueuePolicy {
  /** Requests of the class that may wait. 0 = none waits. */
  readonly maxLength: number;
  /** Longest wait; after it the request is refused with `queue-timeout`. */
  readonly maxWaitMs: number;
  /**
   * While the queue does not get empty. `newest-first`: the newest is served first and the others give up early, for
   * somebody is watching the clock. `in-order`: each waits its turn and its full time.
   */
  readonly overload: "newest-first" | "in-order";
}

export interface Treatment {
  /** Endpoints that may serve the class; all requirements must hold. Empty: all. */
  readonly endpointSelector: readonly LabelRequirement[];
  /** Undefined: the pool's. */
  readonly policy: BalancingPolicy | undefined;
  /** 0 goes first. A class of lower priority uses what those before it leave. */
  readonly priority: number;
  /** Share against classes of the same priority, while both wait. */
  readonly weight: number;
  /** Of the pool's limit, at most. */
  readonly maxConcurrencyRatio: number;
  readonly queue: QueuePolicy;
  /** Undefined: the route's or the pool's. 0 = none. */
  readonly requestTimeoutMs: number | undefined;
  readonly perTryTimeoutMs: number | undefined;
  readonly retries: boolean;
  readonly hedging: boolean;
  /** When room runs out, higher numbers give way first. */
  readonly sheddingOrder: number;
}

export interface WorkloadClass {
  /** `interactive`, or `namespace/name`: what headers, logs and metrics call it. */
  readonly name: string;
  readonly kind: WorkloadKind;
  /** Which resource the work leans on: it weighs the signals of resource-aware balancing. */
  readonly profile: ResourceProfile;
  /** Pools it speaks of; undefined: all. */
  readonly poolKeys: readonly string[] | undefined;
  /** Any of them. Empty: the class is recognised by nothing but its name. */
  readonly match: readonly WorkloadMatch[];
  /** Requests that differ in this header are fair to each other; lower case. Undefined: all are one tenant. */
  readonly tenantHeader: string | undefined;
  readonly treatment: Treatment;
}

const COMMON = {
  endpointSelector: [],
  policy: undefined,
  requestTimeoutMs: undefined,
  perTryTimeoutMs: undefined,
  hedging: false,
} as const;

/**
 * How each kind is treated unless a WorkloadClass says otherwise. Waits follow patience: a person gives up within a
 * second or two, a job does not. Nothing is hedged by default: a hedge does work twice, and only the owner knows
 * whether that is harmless.
 */
export const BUILT_IN_TREATMENTS: Readonly<Record<WorkloadKind, Treatment>> = {
  interactive: {
    ...COMMON,
    priority: 0,
    weight: 100,
    maxConcurrencyRatio: 1,
    queue: { maxLength: 256, maxWaitMs: 1_000, overload: "newest-first" },
    retries: true,
    sheddingOrder: 0,
  },
  streaming: {
    ...COMMON,
    priority: 1,
    weight: 50,
    // Streams hold their place for long; a fifth is kept for what comes and goes.
    maxConcurrencyRatio: 0.8,
    queue: { maxLength: 128, maxWaitMs: 2_000, overload: "newest-first" },
    retries: true,
    sheddingOrder: 1,
  },
  batch: {
    ...COMMON,
    priority: 2,
    weight: 20,
    maxConcurrencyRatio: 1,
    queue: { maxLength: 512, maxWaitMs: 30_000, overload: "in-order" },
    retries: true,
    sheddingOrder: 2,
  },
  training: {
    ...COMMON,
    priority: 3,
    weight: 10,
    maxConcurrencyRatio: 0.5,
    queue: { maxLength: 64, maxWaitMs: 60_000, overload: "in-order" },
    retries: false,
    sheddingOrder: 3,
  },
};

export const BUILT_IN_PROFILES: Readonly<Record<WorkloadKind, ResourceProfile>> = {
  interactive: "balanced",
  streaming: "io",
  batch: "cpu",
  training: "gpu",
};

export const WORKLOAD_KINDS: readonly WorkloadKind[] = ["interactive", "streaming", "batch", "training"];

/** The four classes that are always there, under the names of their kinds. */
export const BUILT_IN_CLASSES: readonly WorkloadClass[] = WORKLOAD_KINDS.map((kind) => ({
  name: kind,
  kind,
  profile: BUILT_IN_PROFILES[kind],
  poolKeys: undefined,
  match: [],
  tenantHeader: undefined,
  treatment: BUILT_IN_TREATMENTS[kind],
}));
