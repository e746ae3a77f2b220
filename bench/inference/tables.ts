/**
 * Tables as text or Markdown: the first column to the left, figures to the right.
 */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function formatTable({ title, head, rows }: Table, markdown: boolean): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string => {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
    );
    return markdown ? `| ${cells.join(" | ")} |` : cells.join("  ");
  };
  const rule = markdown
    ? [
        `| ${widths.map((width, column) => (column === 0 ? `:${"-".repeat(Math.max(2, width - 1))}` : `${"-".repeat(Math.max(2, width - 1))}:`)).join(" | ")} |`,
      ]
    : [];
  return [markdown ? `### ${title}` : title, "", line(head), ...rule, ...rows.map(line), ""].join("\n");
}
