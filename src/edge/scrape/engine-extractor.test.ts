/** Pages in the shape of each engine, and what they come to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { vllmPage } from "../../../test/kit/metrics-pages.ts";
import type { EngineReport } from "../../core/inference/policy/inference-policy.ts";
import { ExpositionReader } from "../../core/signals/exposition.ts";
import type { LoadReport } from "../../model/load-report.ts";
import { EngineExtractor } from "./engine-extractor.ts";
import { engineOfLabels, namesOf } from "./engine-series.ts";
import type { Extractor } from "./extractor.ts";
import { GPU_SERIES, LoadExtractor, processSeries } from "./load-extractor.ts";

function read<Report>(extractor: Extractor<Report>, page: Buffer | string, nowMs = 0): Report | undefined {
  const bytes = Buffer.from(page);
  const reader = new ExpositionReader(extractor.wanted, extractor);
  reader.begin();
  extractor.begin();
  reader.feed(bytes, 0, bytes.length);
  reader.finish();
  return extractor.end(nowMs);
}

const engine = (kind?: "triton" | "vllm"): EngineExtractor =>
  new EngineExtractor(kind, (name) => name.charCodeAt(0));

const NOTHING: EngineReport = {
  running: undefined,
  waiting: undefined,
  kvUsedRatio: undefined,
  blocksTotal: undefined,
  blockTokens: undefined,
  prefixHitRatio: undefined,
  maxSequences: undefined,
  adaptersRunning: undefined,
  adaptersWaiting: undefined,
  adaptersMax: undefined,
  asOfMs: 0,
};

test("vLLM v1: counts, cache, the newest of the adapters, hits since the page before", () => {
  const extractor = engine();
  const page = vllmPage({ running: 3, waiting: 12, kvUsedRatio: 0.75, lines: 300 });
  assert.deepEqual(read(extractor, page, 5), {
    ...NOTHING,
    running: 3,
    waiting: 12,
    kvUsedRatio: 0.75,
    blocksTotal: 7642,
    blockTokens: 16,
    adaptersRunning: ["s".charCodeAt(0), "p".charCodeAt(0)],
    adaptersWaiting: ["l".charCodeAt(0)],
    adaptersMax: 4,
    asOfMs: 5,
  });
  assert.equal(extractor.engine, "vllm");
  assert.ok(extractor.asked.includes("vllm:num_requests_waiting"));
  const later = page.toString().replace("12800.0", "13800.0").replace("6400.0", "6650.0");
  assert.equal(read(extractor, later, 6)?.prefixHitRatio, 0.25);
  // Nobody asked since: what was last known.
  assert.equal(read(extractor, later, 7)?.prefixHitRatio, 0.25);
  const restarted = page.toString().replace("12800.0", "0.0").replace("6400.0", "0.0");
  assert.equal(read(extractor, restarted, 8)?.prefixHitRatio, undefined);
});

test("vLLM v0 names, where the new ones are not; ranks are added up or averaged", () => {
  const v0 = [
    'vllm:num_requests_running{model_name="m"} 2.0',
    'vllm:num_requests_waiting{model_name="m"} 0.0',
    'vllm:gpu_cache_usage_perc{model_name="m"} 0.5',
    'vllm:gpu_prefix_cache_hit_rate{model_name="m"} -1.0',
  ].join("\n");
  assert.deepEqual(read(engine(), v0), { ...NOTHING, running: 2, waiting: 0, kvUsedRatio: 0.5 });
  const ranks = [
    'vllm:num_requests_running{engine="0"} 2.0',
    'vllm:num_requests_running{engine="1"} 5.0',
    'vllm:kv_cache_usage_perc{engine="0"} 0.2',
    'vllm:kv_cache_usage_perc{engine="1"} 0.6',
    'vllm:gpu_cache_usage_perc{engine="0"} 0.9',
    'vllm:cache_config_info{engine="0",block_size="16",num_gpu_blocks="None"} 1.0',
  ].join("\n");
  assert.deepEqual(read(engine(), ranks), { ...NOTHING, running: 7, kvUsedRatio: 0.4, blockTokens: 16 });
});

const PAGES: readonly (readonly [string, readonly string[], Partial<EngineReport>])[] = [
  [
    "sglang",
    [
      'sglang:num_running_reqs{model_name="m"} 162.0',
      'sglang:num_queue_reqs{model_name="m"} 2826.0',
      'sglang:token_usage{model_name="m"} 0.28',
      'sglang:cache_hit_rate{model_name="m"} 0.007',
      'sglang:cache_config_info{page_size="64",num_pages="4096"} 1.0',
    ],
    {
      running: 162,
      waiting: 2826,
      kvUsedRatio: 0.28,
      prefixHitRatio: 0.007,
      blockTokens: 64,
      blocksTotal: 4096,
    },
  ],
  [
    "trtllm-serve",
    [
      "trtllm_num_requests_running 4",
      "trtllm_num_requests_waiting 1",
      "trtllm_kv_cache_utilization 0.125",
      "trtllm_kv_cache_tokens_per_block 32",
      "trtllm_kv_cache_max_blocks 1000",
    ],
    { running: 4, waiting: 1, kvUsedRatio: 0.125, blockTokens: 32, blocksTotal: 1000 },
  ],
  [
    "triton-tensorrt-llm",
    [
      'nv_inference_pending_request_count{model="ensemble",version="1"} 9',
      'nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="waiting",version="1"} 1',
      'nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="context",version="1"} 5',
      'nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="scheduled",version="1"} 6',
      'nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="max",version="1"} 512',
      'nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="fraction",model="tensorrt_llm"} 0.4875',
      'nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="tokens_per",model="tensorrt_llm"} 64',
      'nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="used",model="tensorrt_llm"} 1',
      'nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="max",model="tensorrt_llm"} 6239',
    ],
    { waiting: 1, running: 6, maxSequences: 512, kvUsedRatio: 0.4875, blockTokens: 64, blocksTotal: 6239 },
  ],
  ["triton", ['nv_inference_pending_request_count{model="m",version="1"} 9'], { waiting: 9 }],
];

for (const [kind, lines, expected] of PAGES) {
  test(`${kind} is known by its page`, () => {
    const extractor = engine();
    assert.deepEqual(read(extractor, lines.join("\n")), { ...NOTHING, ...expected });
    assert.equal(extractor.engine, kind);
  });
}

test("the label decides, where there is one; a page without anything says nothing", () => {
  assert.equal(engineOfLabels({ "llm-d.ai/engine-type": "sglang" }), "sglang");
  assert.equal(engineOfLabels({ "inference.networking.k8s.io/engine-type": "triton" }), "triton");
  assert.equal(engineOfLabels({ "llm-d.ai/engine-type": "abacus" }), undefined);
  assert.equal(engineOfLabels(undefined), undefined);
  assert.ok(namesOf("vllm").every((name) => name.startsWith("vllm:")));
  const page = "vllm:num_requests_running 3\nnv_inference_pending_request_count 9\n";
  assert.deepEqual(read(engine("triton"), page), { ...NOTHING, waiting: 9 });
  assert.equal(read(engine(), "up 1\n"), undefined);
});

test("lies are not believed", () => {
  const page = [
    "vllm:num_requests_running -3",
    "vllm:num_requests_waiting NaN",
    "vllm:kv_cache_usage_perc 7",
    'vllm:cache_config_info{block_size="-16",num_gpu_blocks="1e99"} 1',
    `vllm:lora_requests_info{max_lora="x",running_lora_adapters="${"a,".repeat(5000)}"} 1`,
  ].join("\n");
  const report = read(engine(), page)!;
  assert.deepEqual(report, {
    ...NOTHING,
    kvUsedRatio: 1,
    adaptersRunning: ["a".charCodeAt(0)],
    adaptersWaiting: [],
  });
});

test("movement: what changes moves, what works is steady, what rests is idle", () => {
  const extractor = engine();
  const page = (running: number, kvUsedRatio: number): Buffer =>
    vllmPage({ running, waiting: 0, kvUsedRatio });
  const steps: readonly (readonly [number, number, string])[] = [
    [0, 0, "idle"],
    [1, 0.01, "moving"],
    [1, 0.015, "steady"],
    [1, 0.2, "moving"],
    [50, 0.2, "moving"],
    [53, 0.2, "steady"],
    [0, 0.2, "moving"],
    [0, 0.2, "idle"],
  ];
  for (const [running, kvUsedRatio, movement] of steps) {
    read(extractor, page(running, kvUsedRatio));
    assert.equal(extractor.movement, movement, `${running} running, ${kvUsedRatio}`);
  }
});

test("GPU load by DCGM, of the endpoint's own pod", () => {
  const extractor = new LoadExtractor({ series: GPU_SERIES, only: { pod: "a", namespace: "n" } });
  const page = [
    'DCGM_FI_DEV_GPU_UTIL{gpu="0",pod="a",namespace="n"} 50',
    'DCGM_FI_DEV_GPU_UTIL{gpu="1",pod="a",namespace="n"} 100',
    'DCGM_FI_DEV_GPU_UTIL{gpu="2",pod="b",namespace="n"} 0',
  ].join("\n");
  assert.deepEqual(read<LoadReport>(extractor, page), { gpu: 0.75 });
  const profiled = `${page}\nDCGM_FI_PROF_GR_ENGINE_ACTIVE{gpu="0",pod="a",namespace="n"} 0.5`;
  assert.deepEqual(read<LoadReport>(extractor, profiled), { gpu: 0.5 });
  assert.equal(read<LoadReport>(extractor, "up 1"), undefined);
});

test("processor and memory of a process, from what its client library says", () => {
  const series = processSeries({ processors: 2, memoryBytes: 1_000_000 });
  const extractor = new LoadExtractor({ series });
  const page = (seconds: number): string =>
    `process_cpu_seconds_total ${seconds}\nprocess_resident_memory_bytes 250000\n`;
  assert.deepEqual(read<LoadReport>(extractor, page(100), 1_000), { memory: 0.25 });
  assert.deepEqual(read<LoadReport>(extractor, page(101), 2_000), { cpu: 0.5, memory: 0.25 });
  assert.equal(extractor.movement, "steady");
  // Another process: its time so far says nothing of the last second.
  assert.deepEqual(read<LoadReport>(extractor, page(1), 3_000), { memory: 0.25 });
});
