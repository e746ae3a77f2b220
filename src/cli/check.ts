/**
 * `plimsoll check`: everything that is wrong with manifests, without running anything. 1 if there is any error.
 */
import { compile } from "../config/compile.ts";
import { formatProblem } from "../config/format-problem.ts";
import { loadManifests } from "../config/load.ts";
import { readManifests } from "../edge/files/read.ts";

export async function check(paths: readonly string[], output: "text" | "json"): Promise<number> {
  const read = await readManifests(paths);
  const loaded = loadManifests(read.files);
  const compiled = compile(loaded.resources);
  const problems = [...read.problems, ...loaded.problems, ...compiled.problems];
  const errors = problems.filter((problem) => problem.severity === "error").length;
  if (output === "json") process.stdout.write(`${JSON.stringify({ ok: errors === 0, problems }, null, 2)}\n`);
  else {
    for (const problem of problems) process.stdout.write(`${formatProblem(problem)}\n`);
    const { listeners, pools } = compiled.config;
    process.stdout.write(
      `${read.files.length} files, ${listeners.length} listeners, ${pools.length} pools: ` +
        `${errors} errors, ${problems.length - errors} warnings\n`,
    );
  }
  return errors === 0 ? 0 : 1;
}
