/**
 * The report for people: one small table per row of the comparison, as plain text or as Markdown.
 *
 * Ratios are against nginx of the same round; in brackets the least and the greatest of the rounds, so that the
 * reader sees how far to trust the figure.
 */
import type { Line, RowSummary } from "./summary.ts";
import type { Ratio } from "./stats.ts";

interface Column {
  readonly head: string;
  readonly cell: (line: Line) => string;
}

function number(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : "-";
}

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
  return summaries.map((summary) => `${heading(summary)}\n${textTable(summary)}`).join("\n\n");
}

function textTable(summary: RowSummary): string {
  const list = columns(summary);
  const table = [
    list.map((column) => column.head),
    ...summary.lines.map((line) => list.map((c) => c.cell(line))),
  ];
  const widths = list.map((_, index) => Math.max(...table.map((cells) => cells[index]?.length ?? 0)));
  return table
    .map((cells) => {
      const padded = cells.map((text, i) =>
        i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0),
      );
      return `  ${padded.join("  ")}`;
    })
    .join("\n");
}

export function markdownReport(summaries: readonly RowSummary[], facts: readonly string[]): string {
  const tables = summaries.map((summary) => {
    const list = columns(summary);
    const lines = [
      list.map((column) => column.head),
      list.map((_, index) => (index === 0 ? ":--" : "--:")),
      ...summary.lines.map((line) => list.map((column) => column.cell(line))),
    ];
    return `**${heading(summary)}**\n\n${lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}`;
  });
  return [...tables, ...facts].join("\n\n");
}
