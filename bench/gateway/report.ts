/**
 * The report for people: one small table per row of the comparison, as plain text or as Markdown.
 *
 * Ratios are against nginx of the same round; in brackets the least and the greatest of the rounds, so that the
 * reader sees how far to trust the figure.
 */
import type { Ratio } from "../lib/stats.ts";
import { type Column as ColumnOf, markdownTable, number, textTable } from "../lib/table.ts";
import type { Line, RowSummary } from "./summary.ts";

type Column = ColumnOf<Line>;

function times(ratio: Ratio | undefined): string {
  if (ratio === undefined) return "-";
  return `${ratio.median.toFixed(2)} (${ratio.least.toFixed(2)}-${ratio.most.toFixed(2)})`;
}

const PEER: Column = { head: "proxy", cell: (line) => line.peer };
const P50: Column = { head: "p50 ms", cell: (line) => number(line.p50Ms, 2) };
const P99: Column = { head: "p99 ms", cell: (line) => number(line.p99Ms, 2) };
const MEMORY: Column = { head: "RSS MB", cell: (line) => number(line.residentMb, 0) };
const ERRORS: Column = { head: "errors", cell: (line) => String(line.errors) };
const COST_RATIO: Column = { head: "CPU / nginx", cell: (line) => times(line.costRatio) };
const RATE_RATIO: Column = { head: "rate / nginx", cell: (line) => times(line.rateRatio) };

function columns(summary: RowSummary): readonly Column[] {
  const { row } = summary;
  if (row.unit === "connection") {
    return [
      PEER,
      { head: "KB/connection", cell: (line) => number(line.cost, 1) },
      { head: "KB / nginx", cell: (line) => times(line.costRatio) },
      { head: "CPU % while idle", cell: (line) => number(line.rate, 2) },
      MEMORY,
      { head: "closed", cell: (line) => String(line.errors) },
    ];
  }
  if (row.unit === "chunk") {
    return [
      PEER,
      { head: "CPU µs/chunk", cell: (line) => number(line.cost, 1) },
      COST_RATIO,
      { head: "chunks/s", cell: (line) => number(line.rate, 0) },
      RATE_RATIO,
      P50,
      P99,
      { head: "reads/chunk", cell: (line) => number(line.readsPerUnit, 2) },
      MEMORY,
      ERRORS,
    ];
  }
  const rate: Column =
    row.name === "1m"
      ? // The body is 1 MiB; shown are millions of bytes.
        { head: "MB/s", cell: (line) => number(line.rate * 1.048576, 0) }
      : { head: "req/s", cell: (line) => number(line.rate, 0) };
  return [
    PEER,
    { head: "CPU µs/req", cell: (line) => number(line.cost, 1) },
    COST_RATIO,
    rate,
    RATE_RATIO,
    P50,
    P99,
    MEMORY,
    ERRORS,
  ];
}

function heading({ row }: RowSummary): string {
  if (row.unit === "connection") return row.title;
  const what = row.unit === "chunk" ? "streams at once; p50 and p99 are a chunk's delay" : "connections";
  return `${row.title}, ${row.connections} ${what}`;
}

export function textReport(summaries: readonly RowSummary[]): string {
  return summaries
    .map((summary) => `${heading(summary)}\n${textTable(columns(summary), summary.lines)}`)
    .join("\n\n");
}

export function markdownReport(summaries: readonly RowSummary[], facts: readonly string[]): string {
  const tables = summaries.map(
    (summary) => `**${heading(summary)}**\n\n${markdownTable(columns(summary), summary.lines)}`,
  );
  return [...tables, ...facts].join("\n\n");
}
