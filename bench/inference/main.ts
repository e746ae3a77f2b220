/**
 * `npm run bench:inference`: policies for language-model requests side by side, on simulated engines in virtual time.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { WORKLOADS } from "../../src/sim/inference/workload/workloads.ts";
import { performAll } from "./crew.ts";
import { FAULT_CASES, FAULT_PATIENCE_MS } from "./fault-cases.ts";
import { HELP, parseOptions, type BenchOptions } from "./options.ts";
import { capacityTable, faultTable, figureTables } from "./report.ts";
import { formatTable, type Table } from "./tables.ts";
import type { Common, Result, Task } from "./task.ts";

const DEFAULT_OUT = join(import.meta.dirname, "../results/inference.json");

/** Sorted by workload and seed, so that a process seldom builds one anew. */
function tasksOf(options: BenchOptions): readonly Task[] {
  const tasks: Task[] = options.faults ? [...faultTasks(options)] : [];
  for (const workload of options.workloads) {
    const { referenceRate } = WORKLOADS.get(workload)!({ seed: 1, requests: 100 })!;
    for (let seed = 1; seed <= options.seeds; seed++) {
      for (const policy of options.policies) {
        const common = commonOf(options, workload, policy, seed);
        tasks.push({ ...common, kind: "capacity" });
        tasks.push({
          ...common,
          kind: "figures",
          ratePerSec: referenceRate,
          faults: [],
          patienceMs: Number.POSITIVE_INFINITY,
          label: "reference",
        });
      }
    }
  }
  return tasks;
}

function faultTasks(options: BenchOptions): readonly Task[] {
  return FAULT_CASES.flatMap((one) =>
    Array.from({ length: options.seeds }, (_, index) =>
      options.policies.map((policy): Task => {
        const common = commonOf(options, one.workload, policy, index + 1);
        return {
          ...common,
          cacheEventLoss: one.cacheEventLoss ?? common.cacheEventLoss,
          kind: "figures",
          ratePerSec: one.ratePerSec,
          faults: one.faults,
          patienceMs: FAULT_PATIENCE_MS,
          label: one.label,
        };
      }),
    ).flat(),
  );
}

function commonOf(options: BenchOptions, workload: string, policy: string, seed: number): Common {
  const { requests, gateways, scrapeEveryMs, cacheEventLoss } = options;
  return { workload, policy, seed, requests, gateways, scrapeEveryMs, cacheEventLoss };
}

function tell(result: Result): void {
  const { workload, policy, seed } = result.task;
  const what =
    result.kind === "capacity"
      ? `capacity ${result.capacity.ratePerSec.toFixed(2)}/s in ${result.capacity.runs} runs`
      : `goodput ${(100 * result.figures.goodput).toFixed(1)} % at ${result.task.kind === "figures" ? result.task.ratePerSec : 0}/s`;
  process.stderr.write(`${workload} ${policy} seed ${seed}: ${what}, ${result.seconds.toFixed(1)} s\n`);
}

function tablesOf(results: readonly Result[], options: BenchOptions): readonly Table[] {
  return [
    capacityTable(results, options),
    ...(options.faults ? [faultTable(results, options)] : []),
    ...figureTables(results, options),
  ];
}

async function main(): Promise<number> {
  const parsed = parseOptions(process.argv.slice(2), DEFAULT_OUT);
  if (parsed === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  if (parsed instanceof Error) {
    process.stderr.write(`${parsed.message}\n`);
    return 2;
  }
  const there = parsed.workloads.filter(
    (name) => WORKLOADS.get(name)!({ seed: 1, requests: 100 }) !== undefined,
  );
  for (const name of parsed.workloads)
    if (!there.includes(name)) process.stderr.write(`${name}: its recording is not at hand, left out\n`);
  const options = { ...parsed, workloads: there };
  const results = await performAll(tasksOf(options), options.processes, tell);
  mkdirSync(dirname(options.out), { recursive: true });
  const text = `${JSON.stringify({ options, results }, undefined, 1)}\n`;
  writeFileSync(options.out, text);
  if (options.json) process.stdout.write(text);
  else
    for (const table of tablesOf(results, options))
      process.stdout.write(`${formatTable(table, options.markdown)}\n`);
  return 0;
}

process.exitCode = await main();
