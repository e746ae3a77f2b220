/**
 * `npm run bench:inference`: policies for language-model requests side by side, on simulated engines in virtual time.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { WORKLOADS } from "../../src/sim/inference/workload/workloads.ts";
import { performAll } from "./crew.ts";
import { HELP, parseOptions, type BenchOptions } from "./options.ts";
import { capacityTable, faultTable, figureTables, measuredIn } from "./report.ts";
import { formatTable, type Table } from "./tables.ts";
import type { Result } from "./task.ts";
import { tasksOf } from "./tasks.ts";

const DEFAULT_OUT = join(import.meta.dirname, "../results/inference.json");

function tell(result: Result): void {
  const { workload, policy } = result.task;
  const what =
    result.kind === "capacity"
      ? `capacity ${result.capacities.map(({ ratePerSec }) => ratePerSec.toFixed(2)).join(", ")}/s`
      : `goodput ${(100 * result.figures.goodput).toFixed(1)} % (${result.task.label})`;
  process.stderr.write(`${workload} ${policy}: ${what}, ${result.seconds.toFixed(1)} s\n`);
}

function tablesOf(results: readonly Result[], options: BenchOptions): readonly Table[] {
  const measured = measuredIn(results, options);
  return [
    capacityTable(results, measured),
    ...(options.faults ? [faultTable(results, options)] : []),
    ...figureTables(results, measured),
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
  if (parsed.from !== undefined) {
    const kept = JSON.parse(readFileSync(parsed.from, "utf8")) as Kept;
    print(kept.results, { ...kept.options, markdown: parsed.markdown, json: parsed.json });
    return 0;
  }
  const there = parsed.workloads.filter(
    (name) => WORKLOADS.get(name)!({ seed: 1, requests: 100 }) !== undefined,
  );
  for (const name of parsed.workloads)
    if (!there.includes(name)) process.stderr.write(`${name}: its recording is not at hand, left out\n`);
  const options = { ...parsed, workloads: there };
  mkdirSync(dirname(options.out), { recursive: true });
  const keep = (results: readonly Result[]): void =>
    writeFileSync(options.out, `${JSON.stringify({ options, results } satisfies Kept)}\n`);
  const done: Result[] = [];
  const results = await performAll(tasksOf(options), options.processes, (result) => {
    tell(result);
    done.push(result);
    // A run of many minutes that is cut short is worth what it has.
    if (done.length % KEEP_EVERY === 0) keep(done);
  });
  keep(results);
  print(results, options);
  return 0;
}

const KEEP_EVERY = 20;

/** What stands in the result's file. */
interface Kept {
  readonly options: BenchOptions;
  readonly results: readonly Result[];
}

function print(results: readonly Result[], options: BenchOptions): void {
  if (options.json) process.stdout.write(`${JSON.stringify({ options, results }, undefined, 1)}\n`);
  else
    for (const table of tablesOf(results, options))
      process.stdout.write(`${formatTable(table, options.markdown)}\n`);
}

process.exitCode = await main();
