/**
 * Performs a task: builds the workload, searches or runs, and measures how long that took.
 */
import { performance } from "node:perf_hooks";
import { findCapacity, GOODPUT_MIN, type Capacity } from "../../src/sim/inference/capacity.ts";
import { CONTENDERS } from "../../src/sim/inference/contenders.ts";
import { figuresOf } from "../../src/sim/inference/figures.ts";
import { runInference, type InferenceSetting } from "../../src/sim/inference/run-inference.ts";
import { cacheBound, type Workload } from "../../src/sim/inference/workload/workload.ts";
import { WORKLOADS } from "../../src/sim/inference/workload/workloads.ts";
import type { CapacityTask, Common, FiguresTask, Result, Task } from "./task.ts";

/** From a cache's change to its publication, and from there to a gateway. */
const CACHE_EVENTS_EVERY_MS = 20;
const CACHE_EVENTS_DELAY_MS = 10;
const SCRAPE_DELAY_MS = 5;
const DISPATCH_MS = 0.5;

/** Building one takes a tenth of a second and some memory: those used last stay. */
const KEPT_MAX = 6;
const kept = new Map<string, { readonly workload: Workload; readonly bound: number }>();

export function perform(task: Task): Result {
  const beganMs = performance.now();
  const result = task.kind === "capacity" ? searched(task) : ran(task);
  return { ...result, seconds: (performance.now() - beganMs) / 1000 };
}

function searched(task: CapacityTask): Result {
  const capacities: Capacity[] = [];
  for (const seed of task.seeds) {
    const { workload } = workloadOf(task, seed);
    const capacity = findCapacity({
      rateMin: workload.rateMin,
      rateMax: workload.rateMax,
      guess: capacities[0]?.ratePerSec,
      ratio: task.ratio,
      holds: (rate) => !runInference(settingOf(task, workload, seed, rate)).stopped,
    });
    capacities.push(capacity);
  }
  return { kind: "capacity", task, capacities, seconds: 0 };
}

function ran(task: FiguresTask): Result {
  const { workload, bound } = workloadOf(task, task.seed);
  const run = runInference({
    ...settingOf(task, workload, task.seed, task.ratePerSec),
    faults: task.faults,
    patienceMs: task.patienceMs,
    stopBelow: 0,
    stopwatch: () => performance.now(),
  });
  return { kind: "figures", task, figures: figuresOf(run), cacheBound: bound, seconds: 0 };
}

function workloadOf(
  { workload: name, requests }: Common,
  seed: number,
): { readonly workload: Workload; readonly bound: number } {
  const key = `${name} ${seed} ${requests}`;
  const found = kept.get(key);
  if (found !== undefined) return found;
  const workload = WORKLOADS.get(name)!({ seed, requests });
  if (workload === undefined) throw new Error(`the recording of ${name} is not at hand`);
  const built = { workload, bound: cacheBound(workload) };
  if (kept.size >= KEPT_MAX) kept.delete(kept.keys().next().value!);
  kept.set(key, built);
  return built;
}

function settingOf(task: Common, workload: Workload, seed: number, ratePerSec: number): InferenceSetting {
  const lossRatio = task.cacheEventLoss;
  return {
    workload,
    ratePerSec,
    seed,
    policy: CONTENDERS.get(task.policy)!,
    gateways: task.gateways,
    signals: {
      scrapeEveryMs: task.scrapeEveryMs,
      scrapeDelayMs: SCRAPE_DELAY_MS,
      cacheEvents:
        lossRatio === undefined
          ? undefined
          : { everyMs: CACHE_EVENTS_EVERY_MS, delayMs: CACHE_EVENTS_DELAY_MS, lossRatio },
    },
    faults: [],
    dispatchMs: DISPATCH_MS,
    patienceMs: Number.POSITIVE_INFINITY,
    stopBelow: GOODPUT_MIN,
    stopwatch: undefined,
  };
}
