/**
 * `plimsoll check`: everything that is wrong with manifests, without running anything. 1 if there is any error.
 */
import { formatProblem } from "../config/format-problem.ts";
import { hasErrors, loadConfig } from "./load-config.ts";

export async function check(paths: readonly string[], output: "text" | "json"): Promise<number> {
  const { config, problems, files } = await loadConfig(paths);
  const errors = problems.filter((problem) => problem.severity === "error").length;
  if (output === "json")
    process.stdout.write(`${JSON.stringify({ ok: !hasErrors(problems), problems }, null, 2)}\n`);
  else {
    for (const problem of problems) process.stdout.write(`${formatProblem(problem)}\n`);
    process.stdout.write(
      `${files} files, ${config.listeners.length} listeners, ${config.pools.length} pools: ` +
        `${errors} errors, ${problems.length - errors} warnings\n`,
    );
    if (config.listeners.length === 0) process.stdout.write("no listener: `serve` would refuse this\n");
  }
  return hasErrors(problems) ? 1 : 0;
}
