/**
 * Metrics pages in the shape that engines give them, made from their names.
 */

export interface VllmPageOptions {
  readonly running: number;
  readonly waiting: number;
  readonly kvUsedRatio: number;
  /** Filled up with histograms to about this many lines. */
  readonly lines?: number;
  readonly model?: string;
}

const HISTOGRAMS = [
  "vllm:e2e_request_latency_seconds",
  "vllm:request_queue_time_seconds",
  "vllm:time_to_first_token_seconds",
  "vllm:time_per_output_token_seconds",
  "vllm:request_prefill_time_seconds",
  "vllm:iteration_tokens_total",
];

/** vLLM v1. `running` and `waiting` are written with two digits before the point. */
export function vllmPage(options: VllmPageOptions): Buffer {
  const { running, waiting, kvUsedRatio, lines = 0, model = "meta-llama/Llama-3.1-8B-Instruct" } = options;
  const labels = `{engine="0",model_name="${model}"}`;
  const count = (value: number): string => value.toFixed(1).padStart(4, "0");
  const text = [
    "# HELP vllm:num_requests_running Number of requests in model execution batches.",
    "# TYPE vllm:num_requests_running gauge",
    `vllm:num_requests_running${labels} ${count(running)}`,
    "# HELP vllm:num_requests_waiting Number of requests waiting to be processed.",
    "# TYPE vllm:num_requests_waiting gauge",
    `vllm:num_requests_waiting${labels} ${count(waiting)}`,
    "# HELP vllm:kv_cache_usage_perc KV-cache usage. 1 means 100 percent usage.",
    "# TYPE vllm:kv_cache_usage_perc gauge",
    `vllm:kv_cache_usage_perc${labels} ${kvUsedRatio}`,
    "# TYPE vllm:prefix_cache_queries counter",
    `vllm:prefix_cache_queries_total${labels} 12800.0`,
    `vllm:prefix_cache_queries_created${labels} 1.7636e+09`,
    "# TYPE vllm:prefix_cache_hits counter",
    `vllm:prefix_cache_hits_total${labels} 6400.0`,
    "# TYPE vllm:cache_config_info gauge",
    `vllm:cache_config_info{block_size="16",cache_dtype="auto",calculate_kv_scales="False",cpu_offload_gb="0",enable_prefix_caching="True",engine="0",gpu_memory_utilization="0.9",num_cpu_blocks="None",num_gpu_blocks="7642",sliding_window="None",swap_space="4"} 1.0`,
    "# TYPE vllm:lora_requests_info gauge",
    'vllm:lora_requests_info{max_lora="4",running_lora_adapters="",waiting_lora_adapters=""} 1.7636001e+09',
    'vllm:lora_requests_info{max_lora="4",running_lora_adapters="sql,poet",waiting_lora_adapters="law"} 1.7636002e+09',
  ];
  for (let n = 0; text.length < lines; n++) {
    const name = `${HISTOGRAMS[n % HISTOGRAMS.length]}${n < HISTOGRAMS.length ? "" : `_of_${n}`}`;
    text.push(`# HELP ${name} Histogram of what it says in seconds.`, `# TYPE ${name} histogram`);
    for (let i = 0; i < 24; i++) {
      text.push(`${name}_bucket{engine="0",le="${i * 0.3}",model_name="${model}"} ${i * 7919}.0`);
    }
    text.push(`${name}_count${labels} 190056.0`, `${name}_sum${labels} 28714.22917`);
  }
  return Buffer.from(`${text.join("\n")}\n`);
}
