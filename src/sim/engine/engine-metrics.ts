/**
 * What a model server says of itself, under the names under which vLLM v1 says it.
 */
export interface EngineMetrics {
  readonly "vllm:num_requests_running": number;
  readonly "vllm:num_requests_waiting": number;
  /** Share of blocks that somebody refers to, 0 to 1. */
  readonly "vllm:kv_cache_usage_perc": number;
  /** Tokens looked up in, and found in, the prefix cache since the start. */
  readonly "vllm:prefix_cache_queries_total": number;
  readonly "vllm:prefix_cache_hits_total": number;
  readonly "vllm:num_preemptions_total": number;
  readonly "vllm:prompt_tokens_total": number;
  readonly "vllm:generation_tokens_total": number;
  /** Labels of vllm:cache_config_info. */
  readonly block_size: number;
  readonly num_gpu_blocks: number;
  /** Labels of vllm:lora_requests_info: the adapters that are loaded. */
  readonly adapters: readonly number[];
}

/** Running totals of an engine, for its metrics and for those who audit it. */
export interface EngineTotals {
  steps: number;
  /** Time in which a step ran. */
  busyMs: number;
  queriedTokens: number;
  hitTokens: number;
  preemptions: number;
  promptTokens: number;
  generatedTokens: number;
  /** Tokens for which work was done, those computed again after a preemption included. */
  computedTokens: number;
  finished: number;
  canceled: number;
  adapterLoads: number;
}

export function emptyTotals(): EngineTotals {
  return {
    steps: 0,
    busyMs: 0,
    queriedTokens: 0,
    hitTokens: 0,
    preemptions: 0,
    promptTokens: 0,
    generatedTokens: 0,
    computedTokens: 0,
    finished: 0,
    canceled: 0,
    adapterLoads: 0,
  };
}
