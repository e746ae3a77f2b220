/**
 * The order in which problems are told: by file as the files were given, then by place, so that a list of them reads
 * from top to bottom beside an editor.
 */
import type { Problem } from "../../model/problem.ts";

export function byPlace(problems: readonly Problem[], files: readonly string[] = []): readonly Problem[] {
  const order = new Map(files.map((file, index) => [file, index]));
  const rank = (file: string): number => order.get(file) ?? order.size;
  return problems.toSorted(
    (a, b) =>
      rank(a.file) - rank(b.file) ||
      (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) ||
      a.line - b.line ||
      a.column - b.column,
  );
}
