/**
 * The work that is given to a process: one policy on one workload with one seed, for its capacity, its figures at a rate, or its
 * conduct under a fault. Everything in it can be sent between threads.
 */
import { performance } from "node:perf_hooks";
import { findCapacity, GOODPUT_MIN, type Capacity } from "../../src/sim/inference/capacity.ts";
import { CONTENDERS } from "../../src/sim/inference/contenders.ts";
import type { InferenceFault } from "../../src/sim/inference/faults.ts";
import { figuresOf, type InferenceFigures } from "../../src/sim/inference/figures.ts";
import { runInference, type InferenceSetting } from "../../src/sim/inference/run-inference.ts";
import { cacheBound, type Workload } from "../../src/sim/inference/workload/workload.ts";
import { WORKLOADS } from "../../src/sim/inference/workload/workloads.ts";

export interface Common {
  readonly workload: string;
  readonly policy: string;
  readonly seed: number;
  readonly requests: number;
  readonly gateways: number;
  readonly scrapeEveryMs: number;
  readonly cacheEventLoss: number | undefined;
}

export type Task =
  | (Common & { readonly kind: "capacity" })
  | (Common & {
      readonly kind: "figures";
      readonly ratePerSec: number;
      readonly faults: readonly InferenceFault[];
      readonly patienceMs: number;
      readonly label: string;
    });

export type Result =
  | { readonly task: Task; readonly kind: "capacity"; readonly capacity: Capacity; readonly seconds: number }
  | {
      readonly task: Task;
      readonly kind: "figures";
      readonly figures: InferenceFigures;
      /** Share of prompt tokens that an endless cache would have held. */
      readonly cacheBound: number;
      readonly seconds: number;
    };

/** From a cache's change to its publication, and from there to a gateway. */
const CACHE_EVENTS_EVERY_MS = 20;
const CACHE_EVENTS_DELAY_MS = 10;

/** The one built last: tasks come sorted, and a workload takes memory. */
let kept: { readonly key: string; readonly workload: Workload; readonly bound: number } | undefined;

function workloadOf({ workload: name, seed, requests }: Common): {
  readonly workload: Workload;
  readonly bound: number;
} {
  const key = `${name} ${seed} ${requests}`;
  if (kept?.key !== key) {
    const workload = WORKLOADS.get(name)!({ seed, requests });
    if (workload === undefined) throw new Error(`the recording of ${name} is not at hand`);
    kept = { key, workload, bound: cacheBound(workload) };
  }
  return kept;
}

export function perform(task: Task): Result {
  const beganMs = performance.now();
  const seconds = (): number => (performance.now() - beganMs) / 1000;
  const { workload, bound } = workloadOf(task);
  const setting = (ratePerSec: number): InferenceSetting => ({
    workload,
    ratePerSec,
    seed: task.seed,
    policy: CONTENDERS.get(task.policy)!,
    gateways: task.gateways,
    signals: {
      scrapeEveryMs: task.scrapeEveryMs,
      scrapeDelayMs: 5,
      cacheEvents:
        task.cacheEventLoss === undefined
          ? undefined
          : {
              everyMs: CACHE_EVENTS_EVERY_MS,
              delayMs: CACHE_EVENTS_DELAY_MS,
              lossRatio: task.cacheEventLoss,
            },
    },
    faults: [],
    dispatchMs: 0.5,
    patienceMs: Number.POSITIVE_INFINITY,
    stopBelow: GOODPUT_MIN,
    stopwatch: undefined,
  });
  if (task.kind === "capacity") {
    const capacity = findCapacity({
      rateMin: workload.rateMin,
      rateMax: workload.rateMax,
      guess: undefined,
      holds: (rate) => !runInference(setting(rate)).stopped,
    });
    return { task, kind: "capacity", capacity, seconds: seconds() };
  }
  const run = runInference({
    ...setting(task.ratePerSec),
    faults: task.faults,
    patienceMs: task.patienceMs,
    stopBelow: 0,
    stopwatch: () => performance.now(),
  });
  return { task, kind: "figures", figures: figuresOf(run), cacheBound: bound, seconds: seconds() };
}
