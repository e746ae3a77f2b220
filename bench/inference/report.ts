/**
 * From results to tables.
 */
import type { InferenceFigures } from "../../src/sim/inference/figures.ts";
import { WORKLOADS } from "../../src/sim/inference/workload/workloads.ts";
import { estimate, meanOf } from "./bootstrap.ts";
import { FAULT_CASES } from "./fault-cases.ts";
import type { BenchOptions } from "./options.ts";
import type { Table } from "./tables.ts";
import type { Result } from "./task.ts";
import { REFERENCE } from "./tasks.ts";

/** Goodput under each fault and, of all requests, those that got no answer; means over seeds. */
export function faultTable(results: readonly Result[], { policies }: Named): Table {
  const cases = FAULT_CASES.filter(({ label }) =>
    results.some((result) => result.kind === "figures" && result.task.label === label),
  );
  const cell = (policy: string, label: string): string => {
    const figures = results.flatMap((result) =>
      result.kind === "figures" && result.task.label === label && result.task.policy === policy
        ? [result.figures]
        : [],
    );
    const goodput = meanOf(figures.map((one) => 100 * one.goodput));
    const lost = meanOf(figures.map((one) => (100 * one.lost) / one.requests));
    return `${goodput.toFixed(1)} (${lost.toFixed(1)})`;
  };
  return {
    title: "Goodput under faults, percent (in parentheses: requests without an answer)",
    head: ["policy", ...cases.map(({ label }) => label)],
    rows: policies.map((policy) => [policy, ...cases.map(({ label }) => cell(policy, label))]),
  };
}

/** What has been measured for everybody: all of it, unless the run was cut short. */
export function measuredIn(results: readonly Result[], { workloads, policies }: Named): Named {
  const there = (workload: string, policy: string): boolean =>
    results.some(
      (result) =>
        result.kind === "capacity" && result.task.workload === workload && result.task.policy === policy,
    ) &&
    results.some(
      (result) =>
        result.kind === "figures" && result.task.workload === workload && result.task.policy === policy,
    );
  return {
    policies,
    workloads: workloads.filter((workload) => policies.every((policy) => there(workload, policy))),
  };
}

type Named = Pick<BenchOptions, "workloads" | "policies">;

/** Requests a second at 90 % goodput, as mean over seeds, with the share of the best policy on that workload, and the worst share. */
export function capacityTable(results: readonly Result[], { workloads, policies }: Named): Table {
  const capacities = new Map(
    policies.map((policy) => [
      policy,
      workloads.map((workload) =>
        results.flatMap((result) =>
          result.kind === "capacity" && result.task.policy === policy && result.task.workload === workload
            ? result.capacities
            : [],
        ),
      ),
    ]),
  );
  const meanRate = (policy: string, column: number): number =>
    meanOf(capacities.get(policy)![column]!.map(({ ratePerSec }) => ratePerSec));
  const best = workloads.map((_, column) => Math.max(...policies.map((policy) => meanRate(policy, column))));
  const rows = policies.map((policy) => {
    const shares = workloads.map((_, column) => meanRate(policy, column) / best[column]!);
    const cells = capacities.get(policy)!.map((seeds, column) => {
      const { mean, low, high } = estimate(seeds.map(({ ratePerSec }) => ratePerSec));
      const bound = seeds.some((one) => one.bound === "below")
        ? "<"
        : seeds.some((one) => one.bound === "above")
          ? ">"
          : "";
      const range = seeds.length > 1 ? ` [${low.toFixed(1)}, ${high.toFixed(1)}]` : "";
      return `${bound}${mean.toFixed(1)}${range} ${shares[column]!.toFixed(2)}`;
    });
    return { policy, worst: Math.min(...shares), cells };
  });
  rows.sort((a, b) => a.worst - b.worst);
  return {
    title: "Capacity: requests per second at 90 % goodput [95 % interval over seeds], share of the best",
    head: ["policy", ...workloads, "worst share"],
    rows: rows.map(({ policy, worst, cells }) => [policy, ...cells, worst.toFixed(2)]),
  };
}

/** One table per workload: quantiles and causes at the reference rate, means over seeds. */
export function figureTables(results: readonly Result[], { workloads, policies }: Named): readonly Table[] {
  return workloads.map((workload) => {
    const of = (policy: string): readonly InferenceFigures[] =>
      results.flatMap((result) =>
        result.kind === "figures" &&
        result.task.label === REFERENCE &&
        result.task.policy === policy &&
        result.task.workload === workload
          ? [result.figures]
          : [],
      );
    const bound = meanOf(
      results.flatMap((result) =>
        result.kind === "figures" && result.task.workload === workload ? [result.cacheBound] : [],
      ),
    );
    const { referenceRate } = WORKLOADS.get(workload)!({ seed: 1, requests: 100 })!;
    return {
      title: `${workload} at ${referenceRate} requests per second`,
      head: [
        "policy",
        "goodput %",
        "TTFT p50 / p90 / p99 ms",
        "TPOT p50 / p90 / p99 ms",
        "E2E p50 / p99 s",
        "hit % (bound)",
        "busy max / mean",
        "preempted",
        "decision p50 / p99 us",
      ],
      rows: policies.map((policy) => row(policy, of(policy), bound)),
    };
  });
}

function row(policy: string, figures: readonly InferenceFigures[], bound: number): readonly string[] {
  const mean = (pick: (one: InferenceFigures) => number): number => meanOf(figures.map(pick));
  const of = (digits: number, ...picks: readonly ((one: InferenceFigures) => number)[]): string =>
    picks.map((pick) => mean(pick).toFixed(digits)).join(" / ");
  return [
    policy,
    of(1, (one) => 100 * one.goodput),
    of(
      0,
      (one) => one.ttftMs.p50,
      (one) => one.ttftMs.p90,
      (one) => one.ttftMs.p99,
    ),
    of(
      1,
      (one) => one.tpotMs.p50,
      (one) => one.tpotMs.p90,
      (one) => one.tpotMs.p99,
    ),
    of(
      1,
      (one) => one.latencyMs.p50 / 1000,
      (one) => one.latencyMs.p99 / 1000,
    ),
    `${of(1, (one) => 100 * one.hitShare)} (${(100 * bound).toFixed(1)})`,
    of(2, (one) => one.busyMaxOverMean),
    of(0, (one) => one.preemptions),
    of(
      0,
      (one) => one.decisionUs.p50,
      (one) => one.decisionUs.p99,
    ),
  ];
}
