/**
 * How each inference engine names what it says of itself: series to fields, per engine.
 *
 * Sources: Gateway API inference extension, proposal 003 (model server protocol); vLLM (`vllm/v1/metrics/loggers.py`, and
 * the names of v0 that it replaced), SGLang (`sglang:`), TensorRT-LLM's `trtllm-serve`, Triton with and without the
 * TensorRT-LLM backend. Not every engine says everything; what is not said stays undefined.
 */
import { WantedNames } from "../../core/signals/exposition-names.ts";

/** Values of the label `llm-d.ai/engine-type`, and of `inference.networking.k8s.io/engine-type` before it. */
export type EngineKind = "vllm" | "sglang" | "trtllm-serve" | "triton-tensorrt-llm" | "triton";

export const ENGINE_LABELS: readonly string[] = [
  "llm-d.ai/engine-type",
  "inference.networking.k8s.io/engine-type",
];

/** What one sample goes into; several samples of one field are taken together as `Folding` says. */
export type EngineField =
  | "running"
  | "waiting"
  | "kvUsedRatio"
  | "blocksTotal"
  | "blockTokens"
  | "prefixHitRatio"
  | "prefixHits"
  | "prefixQueries"
  | "maxSequences"
  | "adapters";

/** Ranks of one engine each have their sample: counts add up, ratios are averaged, sizes are the same in all. */
export type Folding = "sum" | "mean" | "max";

export const FOLDING: Readonly<Record<EngineField, Folding>> = {
  running: "sum",
  waiting: "sum",
  kvUsedRatio: "mean",
  blocksTotal: "sum",
  blockTokens: "max",
  prefixHitRatio: "mean",
  prefixHits: "sum",
  prefixQueries: "sum",
  maxSequences: "sum",
  adapters: "max",
};

export interface SeriesRule {
  readonly engine: EngineKind;
  readonly name: string;
  readonly field: EngineField;
  /** Only samples with this label and value. */
  readonly label?: readonly [name: string, value: string];
  /** The field is the number in this label, not the sample's value. */
  readonly fromLabel?: string;
  /** Of several rules of an engine for one field, those with the highest rank that occur in a page count. */
  readonly rank?: number;
}

const NEWER = 1;

export const SERIES: readonly SeriesRule[] = [
  { engine: "vllm", name: "vllm:num_requests_running", field: "running" },
  { engine: "vllm", name: "vllm:num_requests_waiting", field: "waiting" },
  { engine: "vllm", name: "vllm:kv_cache_usage_perc", field: "kvUsedRatio", rank: NEWER },
  { engine: "vllm", name: "vllm:gpu_cache_usage_perc", field: "kvUsedRatio" },
  {
    engine: "vllm",
    name: "vllm:cache_config_info",
    field: "blocksTotal",
    fromLabel: "num_gpu_blocks",
  },
  { engine: "vllm", name: "vllm:cache_config_info", field: "blockTokens", fromLabel: "block_size" },
  { engine: "vllm", name: "vllm:prefix_cache_hits_total", field: "prefixHits", rank: NEWER },
  { engine: "vllm", name: "vllm:prefix_cache_queries_total", field: "prefixQueries", rank: NEWER },
  { engine: "vllm", name: "vllm:gpu_prefix_cache_hits_total", field: "prefixHits" },
  { engine: "vllm", name: "vllm:gpu_prefix_cache_queries_total", field: "prefixQueries" },
  { engine: "vllm", name: "vllm:gpu_prefix_cache_hit_rate", field: "prefixHitRatio" },
  { engine: "vllm", name: "vllm:lora_requests_info", field: "adapters" },

  { engine: "sglang", name: "sglang:num_running_reqs", field: "running" },
  { engine: "sglang", name: "sglang:num_queue_reqs", field: "waiting" },
  { engine: "sglang", name: "sglang:token_usage", field: "kvUsedRatio" },
  { engine: "sglang", name: "sglang:cache_config_info", field: "blockTokens", fromLabel: "page_size" },
  { engine: "sglang", name: "sglang:cache_config_info", field: "blocksTotal", fromLabel: "num_pages" },
  { engine: "sglang", name: "sglang:cache_hit_rate", field: "prefixHitRatio" },
  { engine: "sglang", name: "sglang:max_running_requests", field: "maxSequences" },

  { engine: "trtllm-serve", name: "trtllm_num_requests_running", field: "running" },
  { engine: "trtllm-serve", name: "trtllm_num_requests_waiting", field: "waiting" },
  { engine: "trtllm-serve", name: "trtllm_kv_cache_utilization", field: "kvUsedRatio" },
  { engine: "trtllm-serve", name: "trtllm_kv_cache_tokens_per_block", field: "blockTokens" },
  { engine: "trtllm-serve", name: "trtllm_kv_cache_max_blocks", field: "blocksTotal" },
  { engine: "trtllm-serve", name: "trtllm_kv_cache_hit_rate", field: "prefixHitRatio" },

  ...tritonTensorRt("nv_trt_llm_request_metrics", [
    ["running", "request_type", "scheduled"],
    ["waiting", "request_type", "waiting"],
    ["maxSequences", "request_type", "max"],
  ]),
  ...tritonTensorRt("nv_trt_llm_kv_cache_block_metrics", [
    ["kvUsedRatio", "kv_cache_block_type", "fraction"],
    ["blockTokens", "kv_cache_block_type", "tokens_per"],
    ["blocksTotal", "kv_cache_block_type", "max"],
  ]),

  // `nv_inference_exec_count` counts batches since the start: it is no number of running requests and is left alone.
  { engine: "triton", name: "nv_inference_pending_request_count", field: "waiting" },
];

function tritonTensorRt(
  name: string,
  fields: readonly (readonly [EngineField, string, string])[],
): readonly SeriesRule[] {
  return fields.map(([field, label, value]) => ({
    engine: "triton-tensorrt-llm",
    name,
    field,
    label: [label, value],
  }));
}

/** All engines in one table: the page says which it is. */
export const ENGINE_NAMES: WantedNames = new WantedNames([...new Set(SERIES.map(({ name }) => name))]);

/** By the number of the name in ENGINE_NAMES: indexes of SERIES. */
export const RULES_OF_NAME: readonly (readonly number[])[] = ENGINE_NAMES.names.map((name) =>
  SERIES.flatMap((rule, index) => (rule.name === name ? [index] : [])),
);

export function namesOf(engine: EngineKind): readonly string[] {
  return [...new Set(SERIES.filter((rule) => rule.engine === engine).map(({ name }) => name))];
}

export function engineOfLabels(labels: Readonly<Record<string, string>> | undefined): EngineKind | undefined {
  for (const key of ENGINE_LABELS) {
    const value = labels?.[key];
    if (value !== undefined && isEngineKind(value)) return value;
  }
  return undefined;
}

function isEngineKind(value: string): value is EngineKind {
  return SERIES.some(({ engine }) => engine === value);
}
