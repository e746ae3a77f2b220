/**
 * What a decision costs: nanoseconds and heap bytes per pick + settle, for each policy and pool size.
 *
 *     node --expose-gc bench/decisions.ts [decisions]
 *
 * Four requests are in flight at any time, answers are recycled, and time advances 10 µs per decision. The clock
 * readings are made beforehand and kept boxed, as a caller's own reading is, so bytes counted are the brain's alone.
 * Bytes are the growth of the used heap over a whole run with collection forced before it; a young-generation
 * collection during the run would hide some, so its bytes are a lower bound unless `gcs` is 0.
 */
import { constants, type PerformanceEntry, PerformanceObserver, performance } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import { FIRST_TRY, PoolBrain } from "../src/core/balance/pool-brain.ts";
import { endpointKey } from "../src/model/endpoint.ts";
import type { Outcome } from "../src/model/outcome.ts";
import { DEFAULT_POOL_POLICY, type BalancingPolicy } from "../src/model/policy.ts";
import type { PoolSpec } from "../src/model/pool.ts";
import type { Ticket } from "../src/model/verdict.ts";
import { createPrng } from "../src/std/prng.ts";

const POLICIES: readonly BalancingPolicy[] = [
  "RoundRobin",
  "Random",
  "LeastRequest",
  "PeakEwma",
  "LocalityAware",
  "Prequal",
  "ResourceAware",
  "ConsistentHash",
];
const SIZES = [10, 100, 10_000];
const WARM_UP = 300_000;
const IN_FLIGHT = 4;
const STEP_MS = 0.01;

let collections = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const { detail } = entry as PerformanceEntry & { readonly detail?: { readonly kind?: number } };
    if (detail?.kind !== constants.NODE_PERFORMANCE_GC_INCREMENTAL) collections++;
  }
}).observe({ entryTypes: ["gc"] });

function poolOf(size: number, balancing: BalancingPolicy): PoolSpec {
  const endpoints = Array.from({ length: size }, (_, i) => {
    const address = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
    return {
      key: endpointKey(address, 80),
      address,
      port: 80,
      zone: undefined,
      displayName: undefined,
      condition: "ready",
    } as const;
  });
  return { key: "bench/pool:80", endpoints, policy: { ...DEFAULT_POOL_POLICY, balancing } };
}

/** A thousand kinds of answer around 10 ms; one in 200 fails, so that the error path is in the figure. */
function outcomes(): readonly Outcome[] {
  const prng = createPrng(7);
  return Array.from({ length: 1000 }, (_, i) => {
    const firstByteMs = -10 * Math.log(1 - prng.float());
    const failed = i % 200 === 0;
    const kind = failed ? "server-error" : "success";
    return { kind, status: failed ? 500 : 200, firstByteMs, totalMs: firstByteMs * 1.5 } as const;
  });
}

function decide(
  brain: PoolBrain,
  times: readonly number[],
  answers: readonly Outcome[],
  open: Ticket[],
): void {
  for (let i = 0; i < times.length; i++) {
    const nowMs = times[i]!;
    const place = i % IN_FLIGHT;
    const before = open[place];
    if (before !== undefined) brain.settle(before, answers[i % answers.length]!, nowMs);
    const verdict = brain.pick(FIRST_TRY, nowMs);
    if (verdict.kind !== "send") throw new Error(verdict.reason);
    open[place] = verdict.ticket;
  }
}

/** Elements of a mixed array are stored boxed. */
function boxedTimes(count: number, fromMs: number): readonly number[] {
  const boxed: (number | undefined)[] = [undefined];
  for (let i = 1; i <= count; i++) boxed.push(fromMs + i * STEP_MS);
  boxed.shift();
  return boxed as readonly number[];
}

async function measure(policy: BalancingPolicy, size: number, decisions: number): Promise<void> {
  const brain = new PoolBrain({ prng: createPrng(42) });
  const answers = outcomes();
  const open: Ticket[] = [];
  brain.adopt(poolOf(size, policy), 0);
  decide(brain, boxedTimes(WARM_UP, 0), answers, open);
  const times = boxedTimes(decisions, WARM_UP * STEP_MS);
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 20));
  collections = 0;
  const heapBefore = getHeapStatistics().used_heap_size;
  const started = performance.now();
  decide(brain, times, answers, open);
  const elapsedMs = performance.now() - started;
  const heapAfter = getHeapStatistics().used_heap_size;
  // Collections are reported a turn of the loop later.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const ns = ((elapsedMs * 1e6) / decisions).toFixed(0);
  const bytes = ((heapAfter - heapBefore) / decisions).toFixed(3);
  console.log(
    `${policy.padEnd(14)} ${String(size).padStart(6)} ${ns.padStart(8)} ${bytes.padStart(9)} ${String(collections).padStart(5)}`,
  );
}

const decisions = Number(process.argv[2] ?? 1_000_000);
console.log(`node ${process.version}, ${decisions} decisions each`);
console.log("policy           size  ns/pick+settle  bytes  gcs");
for (const policy of POLICIES) for (const size of SIZES) await measure(policy, size, decisions);
