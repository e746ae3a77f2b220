/**
 * From the options to the list of tasks, sorted by workload so that a thread seldom builds one anew.
 */
import { WORKLOADS } from "../../src/sim/inference/workload/workloads.ts";
import { FAULT_CASES, FAULT_PATIENCE_MS } from "./fault-cases.ts";
import type { BenchOptions } from "./options.ts";
import type { Common, FiguresTask, Task } from "./task.ts";

export const REFERENCE = "reference";

export function tasksOf(options: BenchOptions): readonly Task[] {
  const seeds = Array.from({ length: options.seeds }, (_, index) => options.firstSeed + index);
  const tasks: Task[] = [];
  for (const workload of options.workloads) {
    const { referenceRate } = WORKLOADS.get(workload)!({ seed: 1, requests: 100 })!;
    for (const policy of options.policies) {
      const common = commonOf(options, workload, policy);
      tasks.push({ ...common, kind: "capacity", seeds, ratio: options.ratio });
      for (const seed of seeds) {
        tasks.push({
          ...common,
          kind: "figures",
          label: REFERENCE,
          seed,
          ratePerSec: referenceRate,
          faults: [],
          patienceMs: Number.POSITIVE_INFINITY,
        });
      }
    }
  }
  return options.faults ? [...tasks, ...faultTasks(options, seeds)] : tasks;
}

function faultTasks(options: BenchOptions, seeds: readonly number[]): readonly FiguresTask[] {
  return FAULT_CASES.flatMap((one) =>
    options.policies.flatMap((policy) =>
      seeds.map((seed): FiguresTask => {
        const common = commonOf(options, one.workload, policy);
        return {
          ...common,
          cacheEventLoss: one.cacheEventLoss ?? common.cacheEventLoss,
          kind: "figures",
          label: one.label,
          seed,
          ratePerSec: one.ratePerSec,
          faults: one.faults,
          patienceMs: FAULT_PATIENCE_MS,
        };
      }),
    ),
  );
}

function commonOf(options: BenchOptions, workload: string, policy: string): Common {
  const { requests, gateways, scrapeEveryMs, cacheEventLoss } = options;
  return { workload, policy, requests, gateways, scrapeEveryMs, cacheEventLoss };
}
