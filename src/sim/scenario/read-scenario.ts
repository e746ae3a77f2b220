/**
 * A scenario file to a scenario, or to everything that is wrong with it, with places. Never throws.
 */
import { readDocuments } from "../../config/read/documents.ts";
import { issueProblems } from "../../config/read/issues.ts";
import { byPlace } from "../../config/read/order.ts";
import type { Problem } from "../../model/problem.ts";
import { arrivalsOf } from "./arrivals-section.ts";
import { readContenders } from "./contenders.ts";
import { crossProblems } from "./rules.ts";
import type { Scenario } from "./scenario.ts";
import { scenarioSchema } from "./schema.ts";
import { translate } from "./translate.ts";

export interface ReadScenario {
  /** Undefined where any problem is an error. */
  readonly scenario: Scenario | undefined;
  readonly problems: readonly Problem[];
}

export interface ReadOptions {
  /** Instead of what the scenario says. */
  readonly policies?: readonly string[] | undefined;
  readonly seed?: number | undefined;
  /** Text of a file that the scenario names, relative to the scenario. Throws where there is none. */
  readonly open?: (path: string) => string;
}

export function readScenario(path: string, text: string, options: ReadOptions = {}): ReadScenario {
  const { manifests, problems } = readDocuments({ path, text });
  const [manifest, ...others] = manifests;
  if (problems.length > 0) return { scenario: undefined, problems };
  if (manifest === undefined || others.length > 0) {
    const problem = { severity: "error", file: path, line: 1, column: 1, object: "", path: "" } as const;
    const found = manifest === undefined ? "none" : `${manifests.length}`;
    const told = { ...problem, message: "a file holds one scenario", expected: "one document", found };
    return { scenario: undefined, problems: [told] };
  }
  const parsed = scenarioSchema.safeParse(manifest.value);
  if (!parsed.success) return failed(issueProblems(manifest, "", parsed.error.issues));
  const contenders = readContenders(manifest, options.policies);
  const found = [...contenders.problems, ...crossProblems(manifest, parsed.data)];
  const { arrivals, problem } = arrivalsOf(manifest, parsed.data, options);
  if (problem !== undefined) found.push(problem);
  if (found.some(({ severity }) => severity === "error")) return failed(found);
  return { scenario: translate(parsed.data, contenders.contenders, arrivals, options.seed), problems: found };
}

function failed(problems: readonly Problem[]): ReadScenario {
  return { scenario: undefined, problems: byPlace(problems) };
}
