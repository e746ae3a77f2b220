/**
 * No import cycles in src, types included.
 */
import { importsOf } from "./imports.ts";
import { codeIn, type Finding, type Repository, type Rule, type TextFile } from "./rule.ts";

interface Edge {
  readonly to: string;
  readonly line: number;
}

export const cycles: Rule = {
  name: "no import cycles in src",
  reason:
    "Files in a cycle cannot be understood, tested or moved one at a time. Move the shared shape to a file of its own, to " +
    "the left of both.",
  check: (repository) => findCycles(edgesOf(repository)),
};

function edgesOf(repository: Repository): ReadonlyMap<string, readonly Edge[]> {
  const edges = (file: TextFile): Edge[] =>
    importsOf(file).flatMap(({ target, line }) => (target === undefined ? [] : [{ to: target, line }]));
  return new Map(codeIn(repository, "src").map((file) => [file.path, edges(file)]));
}

/** Depth first; every edge back into the path walked so far closes a cycle, reported where it closes. */
function findCycles(graph: ReadonlyMap<string, readonly Edge[]>): Finding[] {
  const findings: Finding[] = [];
  const finished = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    path.push(file);
    for (const { to, line } of graph.get(file) ?? []) {
      const start = path.indexOf(to);
      if (start >= 0) {
        const cycle = [...path.slice(start), to].join(" -> ");
        findings.push({ path: file, line, message: `closes the cycle ${cycle}` });
      } else if (!finished.has(to) && graph.has(to)) visit(to);
    }
    path.pop();
    finished.add(file);
  };
  for (const file of graph.keys()) if (!finished.has(file)) visit(file);
  return findings;
}
