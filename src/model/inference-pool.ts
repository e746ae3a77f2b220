/**
 * What an InferencePool has beyond any other pool: model servers, what is asked of them, and how requests are told apart.
 *
 * Durations are milliseconds. Everything here comes from manifests (InferencePool, Pod, InferenceObjective,
 * InferenceModelRewrite, InferenceModel, BackendPolicy); docs/inference-configuration.md has each field as its user writes it.
 */

/** Model servers whose metrics are understood, as the label `llm-d.ai/engine-type` names them. */
export const ENGINES = ["vllm", "sglang", "trtllm-serve", "triton-tensorrt-llm", "triton"] as const;
export type Engine = (typeof ENGINES)[number];

/** The stages of one inference that an endpoint may be reserved for. */
export const STAGES = ["encode", "prefill", "decode"] as const;
export type Stage = (typeof STAGES)[number];

/** What a pool's endpoint is as a model server. */
export interface ModelServer {
  /** The `key` of its endpoint. */
  readonly key: string;
  /** `namespace/pod`. */
  readonly pod: string;
  /** Which of the pod's data-parallel engines: the position of its port among the pool's target ports, from 0. */
  readonly rank: number;
  /** Undefined: one whose metrics nobody here can read. */
  readonly engine: Engine | undefined;
  /** Undefined: any; the endpoint is not reserved. */
  readonly stages: readonly Stage[] | undefined;
  /** Prompt and answer together, in tokens, that the endpoint is meant for; both ends included. Undefined: any. */
  readonly contextTokens: { readonly min: number; readonly max: number } | undefined;
}

/** Requests name an objective in a header; a name not listed, or none, has priority 0. */
export interface Objective {
  /** Of the InferenceObjective, without namespace: it is the pool's. */
  readonly name: string;
  /** Higher goes first; below 0 may be shed. */
  readonly priority: number;
}

/** From an InferenceModel of old: the model's name alone gives the priority, where the request names no objective. */
export interface ModelPriority {
  readonly model: string;
  readonly priority: number;
}

export interface RewriteTarget {
  readonly model: string;
  /** Share of the sum over the rule's targets; above 0. */
  readonly weight: number;
}

/** Which model a request for one of `models` is really sent to. */
export interface RewriteRule {
  /** `namespace/name/position`. */
  readonly id: string;
  /** Exact names; empty: whatever the request asks for. */
  readonly models: readonly string[];
  /** Empty: the name stays as it is. */
  readonly targets: readonly RewriteTarget[];
}

/** Where an endpoint's metrics are read. */
export interface MetricsSource {
  /** With the query, if any. */
  readonly path: string;
  /** Undefined: the endpoint's own. */
  readonly port: number | undefined;
}

/** Where an endpoint publishes what enters and leaves its prefix cache (ZeroMQ). */
export interface KvEventSource {
  /** Of rank 0; the others' follow by rank. */
  readonly port: number;
  /** Of rank 0. Undefined: what was missed cannot be asked for. */
  readonly replayPort: number | undefined;
  /** Prefix of the topics listened to; empty: all. */
  readonly topic: string;
}

export interface InferencePolicy {
  /** A name that core/inference/policy/create-policy.ts knows. */
  readonly policy: string;
  readonly metrics: MetricsSource;
  /** Undefined: the endpoints publish none, and their caches are followed from here. */
  readonly kvEvents: KvEventSource | undefined;
  /** Requests that wait here, where they can still be ordered, instead of in an engine. */
  readonly queue: {
    /** After it the request is refused. */
    readonly maxWaitMs: number;
    /** Requests; beyond it the least important is refused. 0 = none waits. */
    readonly maxLength: number;
  };
  /** What a request that says nothing itself is held to. Undefined: nothing in particular. */
  readonly slo: {
    /** Time to the first token. */
    readonly ttftMs: number | undefined;
    /** Time per token after the first. */
    readonly tpotMs: number | undefined;
  };
}

export interface InferencePoolSpec {
  /** As the InferencePool lists them; the index is the rank. */
  readonly targetPorts: readonly number[];
  /** What a gateway that asks a picker does when it cannot reach it. Nothing in a gateway that picks itself. */
  readonly failureMode: "open" | "close";
  /** One for each of the pool's endpoints, in their order. */
  readonly servers: readonly ModelServer[];
  /** By name. */
  readonly objectives: readonly Objective[];
  /** By model. */
  readonly modelPriorities: readonly ModelPriority[];
  /** Older objects first, within one in its order; core/inference/rewrite.ts decides among them. */
  readonly rewrites: readonly RewriteRule[];
  readonly policy: InferencePolicy;
}

/** What `kvEvents: {}` means: where vLLM publishes unless it is told otherwise, and no replay, as vLLM has none then. */
export const DEFAULT_KV_EVENTS: KvEventSource = { port: 5_557, replayPort: undefined, topic: "" };

export const DEFAULT_INFERENCE_POLICY: InferencePolicy = {
  policy: "cost",
  // Where vLLM, SGLang, TensorRT-LLM and Triton all have them.
  metrics: { path: "/metrics", port: undefined },
  kvEvents: undefined,
  // Half a minute is about what people wait for a first token before they try again. The length is Envoy's bound on what
  // waits for a cluster, and bounds memory: a waiting request keeps its prompt.
  queue: { maxWaitMs: 30_000, maxLength: 1_024 },
  slo: { ttftMs: undefined, tpotMs: undefined },
};
