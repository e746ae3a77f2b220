/**
 * What the engine says of itself: vLLM's metrics page, its named metrics in a header, and how both can be wrong.
 *
 * Names and labels as in vLLM v1 (vllm/v1/metrics/loggers.py). The adapters' gauge is a time, as there, and is left out until an
 * adapter was used. `?name[]=` narrows the page, as Prometheus' Python client does it.
 */
import type { EngineMetrics } from "../../sim/engine/engine-metrics.ts";
import { Histogram } from "./histogram.ts";
import type { Timings } from "./running-engine.ts";

const TTFT_BOUNDS_SEC = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
];
const TPOT_BOUNDS_SEC = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
const WHOLE_BOUNDS_SEC = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240];

export type FinishReason = "stop" | "length" | "abort";

export class EngineHistory {
  readonly ttft = new Histogram(TTFT_BOUNDS_SEC);
  readonly tpot = new Histogram(TPOT_BOUNDS_SEC);
  readonly whole = new Histogram(WHOLE_BOUNDS_SEC);
  readonly finished: Record<FinishReason, number> = { stop: 0, length: 0, abort: 0 };

  timed({ firstTokenMs, decodeMs, wholeMs, outputTokens }: Timings): void {
    this.ttft.add(firstTokenMs / 1000);
    if (outputTokens > 1) this.tpot.add(decodeMs / (outputTokens - 1) / 1000);
    this.whole.add(wholeMs / 1000);
  }
}

export interface PageContent {
  readonly model: string;
  readonly metrics: EngineMetrics;
  readonly history: EngineHistory;
  readonly adapters: AdapterState | undefined;
}

/** By name. */
export interface AdapterState {
  readonly running: readonly string[];
  readonly waiting: readonly string[];
  readonly max: number;
  /** Unix time. */
  readonly atSec: number;
}

/** `only`: series to give; empty: all. */
export function renderPage(
  { model, metrics, history, adapters }: PageContent,
  only: readonly string[],
): string {
  const labels = `engine="0",model_name="${model}"`;
  const lines: string[] = [];
  const family = (name: string, type: string, help: string, samples: readonly string[]): void => {
    if (only.length > 0 && !only.includes(name)) return;
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples);
  };
  const gauge = (name: keyof EngineMetrics, help: string): void =>
    family(name, "gauge", help, [`${name}{${labels}} ${float(Number(metrics[name]))}`]);
  const counter = (name: keyof EngineMetrics, help: string): void =>
    family(name, "counter", help, [`${name}{${labels}} ${float(Number(metrics[name]))}`]);
  gauge("vllm:num_requests_running", "Number of requests in model execution batches.");
  gauge("vllm:num_requests_waiting", "Number of requests waiting to be processed.");
  gauge("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.");
  counter("vllm:prefix_cache_queries_total", "Prefix cache queries, in terms of number of queried tokens.");
  counter("vllm:prefix_cache_hits_total", "Prefix cache hits, in terms of number of cached tokens.");
  counter("vllm:num_preemptions_total", "Cumulative number of preemption from the engine.");
  counter("vllm:prompt_tokens_total", "Number of prefill tokens processed.");
  counter("vllm:generation_tokens_total", "Number of generation tokens processed.");
  family(
    "vllm:request_success_total",
    "counter",
    "Count of successfully processed requests.",
    Object.entries(history.finished).map(
      ([reason, count]) =>
        `vllm:request_success_total{${labels},finished_reason="${reason}"} ${float(count)}`,
    ),
  );
  family("vllm:cache_config_info", "gauge", "Information of the LLMEngine CacheConfig.", [
    `vllm:cache_config_info{block_size="${metrics.block_size}",enable_prefix_caching="True",engine="0",num_gpu_blocks="${metrics.num_gpu_blocks}"} 1.0`,
  ]);
  if (adapters !== undefined) {
    const { running, waiting, max, atSec } = adapters;
    family("vllm:lora_requests_info", "gauge", "Running stats on lora requests.", [
      `vllm:lora_requests_info{max_lora="${max}",running_lora_adapters="${running.join(",")}",waiting_lora_adapters="${waiting.join(",")}"} ${atSec}`,
    ]);
  }
  const histogram = (name: string, help: string, values: Histogram): void =>
    family(name, "histogram", help, values.lines(name, labels));
  histogram("vllm:time_to_first_token_seconds", "Histogram of time to first token in seconds.", history.ttft);
  histogram(
    "vllm:request_time_per_output_token_seconds",
    "Histogram of time per output token.",
    history.tpot,
  );
  histogram(
    "vllm:e2e_request_latency_seconds",
    "Histogram of e2e request latency in seconds.",
    history.whole,
  );
  return `${lines.join("\n")}\n`;
}

/** An engine that says it has nothing to do. */
export function lyingMetrics(metrics: EngineMetrics): EngineMetrics {
  return {
    ...metrics,
    "vllm:num_requests_running": 0,
    "vllm:num_requests_waiting": 0,
    "vllm:kv_cache_usage_perc": 0,
  };
}

/** vLLM's answer to `endpoint-load-metrics-format`; undefined: the format is none that it knows. */
export function loadHeader(format: string, metrics: EngineMetrics): string | undefined {
  const named = {
    kv_cache_usage_perc: metrics["vllm:kv_cache_usage_perc"],
    num_requests_waiting: metrics["vllm:num_requests_waiting"],
    num_requests_running: metrics["vllm:num_requests_running"],
  };
  switch (format.trim().toLowerCase()) {
    case "json":
      return JSON.stringify({ named_metrics: named });
    case "text":
      return Object.entries(named)
        .map(([name, value]) => `named_metrics.${name}=${value}`)
        .join(", ");
    default:
      return undefined;
  }
}

function float(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
