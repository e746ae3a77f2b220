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
import { hashText } from "../src/core/balance/hash-key.ts";
import { inTableOrder } from "../src/core/balance/hash-table.ts";
import { Maglev } from "../src/core/balance/maglev.ts";
import type { PickFacts } from "../src/core/balance/pick-facts.ts";
import { PoolBrain } from "../src/core/balance/pool-brain.ts";
import { Ring } from "../src/core/balance/ring.ts";
import { createColumns, growColumns } from "../src/core/signals/columns.ts";
import { writeTraits } from "../src/core/signals/traits.ts";
import {
  DEFAULT_BALANCING_OPTIONS,
  RING_SIZE_MAX,
  RING_SIZE_MIN,
  type HashPolicy,
} from "../src/model/balancing.ts";
import { endpointKey } from "../src/model/endpoint.ts";
import type { LoadReport } from "../src/model/load-report.ts";
import type { Outcome } from "../src/model/outcome.ts";
import { DEFAULT_POOL_POLICY, type BalancingPolicy } from "../src/model/policy.ts";
import type { PoolSpec } from "../src/model/pool.ts";
import type { Ticket } from "../src/model/verdict.ts";
import { createPrng } from "../src/std/prng.ts";

/** One row each: a policy, and what it needs to show itself. */
interface Row {
  readonly name: string;
  readonly balancing: BalancingPolicy;
  readonly hash?: HashPolicy;
  /** Endpoints in three zones, the first one local. */
  readonly zones?: boolean;
  /** Endpoints report their load on every answer. */
  readonly reports?: boolean;
}

const MAGLEV: HashPolicy = {
  key: { kind: "path" },
  table: { kind: "maglev", size: 65_537 },
  boundedLoadPercent: 125,
};

const ROWS: readonly Row[] = [
  { name: "RoundRobin", balancing: "RoundRobin" },
  { name: "Random", balancing: "Random" },
  { name: "LeastRequest", balancing: "LeastRequest" },
  { name: "ShortestDelay", balancing: "ShortestDelay" },
  { name: "PeakEwma", balancing: "PeakEwma" },
  { name: "LocalityAware", balancing: "LocalityAware" },
  { name: "Prequal", balancing: "Prequal" },
  { name: "Prequal, reports", balancing: "Prequal", reports: true },
  { name: "ResourceAware", balancing: "ResourceAware" },
  { name: "ResourceAware, reports", balancing: "ResourceAware", reports: true },
  { name: "Maglev", balancing: "ConsistentHash", hash: MAGLEV },
  {
    name: "Ring",
    balancing: "ConsistentHash",
    hash: { ...MAGLEV, table: { kind: "ring", sizeMin: RING_SIZE_MIN, sizeMax: RING_SIZE_MAX } },
  },
  { name: "Auto", balancing: "Auto" },
  { name: "PeakEwma, zones", balancing: "PeakEwma", zones: true },
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

function poolOf(size: number, { balancing, hash, zones }: Row): PoolSpec {
  const endpoints = Array.from({ length: size }, (_, i) => {
    const address = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
    return {
      key: endpointKey(address, 80),
      address,
      port: 80,
      zone: zones === true ? `zone-${i % 3}` : undefined,
      displayName: undefined,
      condition: "ready",
    } as const;
  });
  const balancingOptions = { ...DEFAULT_BALANCING_OPTIONS, hash };
  return { key: "bench/pool:80", endpoints, policy: { ...DEFAULT_POOL_POLICY, balancing, balancingOptions } };
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

const REPORT: LoadReport = { cpu: 0.4, requestsPerSec: 100, inFlight: 2, latencyMs: 10 };

/** A thousand requests, each with a key of its own. */
const FACTS: readonly PickFacts[] = Array.from({ length: 1000 }, (_, i) => ({
  tried: [],
  hash: hashText(`key-${i}`),
}));

function decide(
  brain: PoolBrain,
  reports: boolean,
  times: readonly number[],
  answers: readonly Outcome[],
  open: Ticket[],
): void {
  for (let i = 0; i < times.length; i++) {
    const nowMs = times[i]!;
    const place = i % IN_FLIGHT;
    const before = open[place];
    if (before !== undefined) {
      if (reports) brain.loadReported(before, REPORT, nowMs);
      brain.settle(before, answers[i % answers.length]!, nowMs);
    }
    const verdict = brain.pick(FACTS[i % FACTS.length]!, nowMs);
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

async function measure(row: Row, size: number, decisions: number): Promise<void> {
  const brain = new PoolBrain({ prng: createPrng(42), localZone: "zone-0" });
  const reports = row.reports === true;
  const answers = outcomes();
  const open: Ticket[] = [];
  brain.adopt(poolOf(size, row), 0);
  decide(brain, reports, boxedTimes(WARM_UP, 0), answers, open);
  const times = boxedTimes(decisions, WARM_UP * STEP_MS);
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 20));
  collections = 0;
  const heapBefore = getHeapStatistics().used_heap_size;
  const started = performance.now();
  decide(brain, reports, times, answers, open);
  const elapsedMs = performance.now() - started;
  const heapAfter = getHeapStatistics().used_heap_size;
  // Collections are reported a turn of the loop later.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const ns = ((elapsedMs * 1e6) / decisions).toFixed(0);
  const bytes = ((heapAfter - heapBefore) / decisions).toFixed(3);
  console.log(
    `${row.name.padEnd(22)} ${String(size).padStart(6)} ${ns.padStart(8)} ${bytes.padStart(9)} ${String(collections).padStart(5)}`,
  );
}

const decisions = Number(process.argv[2] ?? 1_000_000);
console.log(`node ${process.version}, ${decisions} decisions each`);
console.log("policy                   size  ns/pick+settle  bytes  gcs");
for (const row of ROWS) for (const size of SIZES) await measure(row, size, decisions);
lookups();

/** The table alone: what a key costs before anything is asked of its endpoint. */
function lookups(): void {
  const columns = createColumns();
  const slots = Array.from({ length: 10_000 }, (_, slot) => slot);
  while (columns.capacity < slots.length) growColumns(columns);
  for (const slot of slots) {
    const key = `10.0.${slot >> 8}.${slot & 255}:80`;
    writeTraits(columns.traits, slot, { ...poolOf(1, ROWS[0]!).endpoints[0]!, key });
  }
  for (const [name, table] of [
    ["maglev", new Maglev(65_537)],
    ["maglev 1000003", new Maglev(1_000_003)],
    ["ring", new Ring(RING_SIZE_MIN, RING_SIZE_MAX)],
  ] as const) {
    const started = performance.now();
    table.begin(inTableOrder(slots, columns.traits), columns.traits);
    table.step(Number.POSITIVE_INFINITY);
    const builtMs = performance.now() - started;
    let sum = 0;
    let elapsedMs = 0;
    for (let round = 0; round < 2; round++) {
      const from = performance.now();
      for (let i = 0; i < 2_000_000; i++) sum += table.lookup(Math.imul(i, 0x9e3779b1) >>> 1);
      elapsedMs = performance.now() - from;
    }
    const ns = (elapsedMs / 2).toFixed(1);
    console.log(`${name} of 10000: built in ${builtMs.toFixed(1)} ms, lookup ${ns} ns${sum < 0 ? "?" : ""}`);
  }
}
