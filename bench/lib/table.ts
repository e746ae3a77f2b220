/**
 * Tables for people: the same columns and lines as plain text or as Markdown. The first column is text, the others
 * are numbers and stand to the right.
 */

export interface Column<Line> {
  readonly head: string;
  readonly cell: (line: Line) => string;
}

/** "-" stands for what was not measured. */
export function number(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : "-";
}

export function textTable<Line>(columns: readonly Column<Line>[], lines: readonly Line[]): string {
  const table = [
    columns.map((column) => column.head),
    ...lines.map((line) => columns.map((c) => c.cell(line))),
  ];
  const widths = columns.map((_, index) => Math.max(...table.map((cells) => cells[index]?.length ?? 0)));
  return table
    .map((cells) => {
      const padded = cells.map((text, i) =>
        i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0),
      );
      return `  ${padded.join("  ")}`;
    })
    .join("\n");
}

export function markdownTable<Line>(columns: readonly Column<Line>[], lines: readonly Line[]): string {
  const rows = [
    columns.map((column) => column.head),
    columns.map((_, index) => (index === 0 ? ":--" : "--:")),
    ...lines.map((line) => columns.map((column) => column.cell(line))),
  ];
  return rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
