/**
 * Explanations as lines of text: labelled facts and tables whose columns align. Pure; colour comes last (demo/spans.ts).
 */
import { span, type Line, type Span, type Style } from "../demo/spans.ts";

const LABEL_COLUMNS = 10;
const GAP = "  ";

/** `rule      default/quickstart/0`. Further texts stand below the first. */
export function fact(label: string, ...texts: readonly string[]): readonly Line[] {
  return texts.map((text, index) => [
    span((index === 0 ? label : "").padEnd(LABEL_COLUMNS), "dim"),
    span(text),
  ]);
}

export interface Column<Row> {
  readonly head: string;
  readonly align: "left" | "right";
  readonly cell: (row: Row) => string;
}

/** Columns that are empty in every row are left out. `mark`: the rows that matter. */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  styleOf: (row: Row) => Style,
  isMarked: (row: Row) => boolean,
): readonly Line[] {
  const used = columns
    .map((column) => ({ ...column, cells: rows.map((row) => column.cell(row)) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ""))
    .map((column) => ({
      ...column,
      width: Math.max(column.head.length, ...column.cells.map(({ length }) => length)),
    }));
  const fill = (text: string, { align, width }: { align: "left" | "right"; width: number }): string =>
    align === "left" ? text.padEnd(width) : text.padStart(width);
  const heads = used.map((column) => fill(column.head, column)).join(GAP);
  return [
    [span(`${GAP}${heads}`.trimEnd(), "dim")],
    ...rows.map((row, index): Line => {
      const text = used.map((column) => fill(column.cells[index]!, column)).join(GAP);
      const mark: Span = isMarked(row) ? span("→ ", "good") : span(GAP);
      return [mark, span(text.trimEnd(), styleOf(row))];
    }),
  ];
}
