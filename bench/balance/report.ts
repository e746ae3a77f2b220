/**
 * The report for people: per scenario one table of all proxies and the verdict on Auto.
 */
import { type Column, markdownTable, number, textTable } from "../lib/table.ts";
import type { Scenario } from "./scenarios.ts";
import type { Line } from "./summary.ts";
import { type BalanceVerdict, verdictLine } from "./verdicts.ts";

export interface ScenarioReport {
  readonly scenario: Scenario;
  readonly lines: readonly Line[];
  readonly verdict: BalanceVerdict;
}

function columns({ watched }: Scenario): readonly Column<Line>[] {
  return [
    { head: "proxy, policy", cell: ({ proxy }) => proxy },
    { head: "p50 ms", cell: ({ p50Ms }) => number(p50Ms, 0) },
    { head: "p90", cell: ({ p90Ms }) => number(p90Ms, 0) },
    { head: "p99 (rounds)", cell: p99 },
    { head: "p99.9", cell: ({ p999Ms }) => number(p999Ms, 0) },
    { head: "max", cell: ({ maxMs }) => number(maxMs, 0) },
    { head: "errors", cell: ({ errors, requests }) => `${number((errors / requests) * 100, 2)} %` },
    { head: `to ${watched.title}`, cell: ({ watchedShare }) => `${number(watchedShare * 100, 1)} %` },
  ];
}

function p99({ p99Ms, p99ByRoundMs }: Line): string {
  const [least, most] = [Math.min(...p99ByRoundMs), Math.max(...p99ByRoundMs)];
  return `${number(p99Ms, 0)} (${number(least, 0)}-${number(most, 0)})`;
}

function heading({ name, title, ratePerSec }: Scenario): string {
  return `${name}: ${title}, ${ratePerSec} requests/s`;
}

export function textReport(reports: readonly ScenarioReport[]): string {
  return reports
    .map(({ scenario, lines, verdict }) =>
      [heading(scenario), textTable(columns(scenario), lines), `  ${verdictLine(verdict)}`].join("\n"),
    )
    .join("\n\n");
}

export function markdownReport(reports: readonly ScenarioReport[]): string {
  return reports
    .map(({ scenario, lines, verdict }) =>
      [`**${heading(scenario)}**`, markdownTable(columns(scenario), lines), `${verdictLine(verdict)}.`].join(
        "\n\n",
      ),
    )
    .join("\n\n");
}
