/**
 * The policies that are compared: the scenario's `pool`, judged as what it is, the spec of a BackendPolicy, once for
 * each balancing policy. So a scenario can say whatever a manifest can, in the same words, and its faults are found
 * by the same rules, placed where they stand in the scenario.
 */
import type { Manifest } from "../../config/read/documents.ts";
import { readObject } from "../../config/read/object.ts";
import type { Bodies } from "../../config/resources.ts";
import { poolPolicyOf } from "../../config/translate/pool-policy.ts";
import type { Problem } from "../../model/problem.ts";
import type { Contender } from "./scenario.ts";

export interface Contenders {
  readonly contenders: readonly Contender[];
  readonly problems: readonly Problem[];
}

/** Where nothing is said: every policy that needs no word from the request or the endpoints. */
const DEFAULT_POLICIES = ["RoundRobin", "Random", "LeastRequest", "PeakEwma", "LocalityAware"];

/** `names`: from the command line, if they stand there, else from the scenario. */
export function readContenders(manifest: Manifest, names: readonly string[] | undefined): Contenders {
  const written = manifest.value["policies"] as readonly string[] | undefined;
  const chosen = names ?? written ?? DEFAULT_POLICIES;
  const contenders: Contender[] = [];
  const problems = new Map<string, Problem>();
  for (const [index, name] of chosen.entries()) {
    const at = names === undefined && written !== undefined ? ["policies", index] : [];
    const read = readObject(asBackendPolicy(manifest, name, at));
    if (read.kind === "resource") {
      const body = read.resource.body as Bodies["BackendPolicy"];
      contenders.push({ name, policy: poolPolicyOf(body.spec) });
    }
    // What is wrong with the pool is wrong for each policy; it is told once.
    for (const problem of read.problems) {
      const told = inScenario(problem, names === undefined ? "policies" : "--policy");
      problems.set(`${told.line}:${told.column}:${told.path}:${told.message}`, told);
    }
  }
  return { contenders, problems: [...problems.values()] };
}

function asBackendPolicy(
  manifest: Manifest,
  policy: string,
  policyAt: readonly (string | number)[],
): Manifest {
  const pool = (manifest.value["pool"] ?? {}) as Readonly<Record<string, unknown>>;
  const balancing = pool["balancing"] ?? {};
  return {
    value: {
      apiVersion: "plimsoll.dev/v1alpha1",
      kind: "BackendPolicy",
      metadata: { name: "simulated" },
      spec: { ...pool, targetRefs: [{ name: "simulated" }], balancing: { ...balancing, policy } },
    },
    locate: (path, at) => {
      const [, ...rest] = path;
      const isPolicy = rest[0] === "balancing" && rest[1] === "policy";
      return manifest.locate(isPolicy ? policyAt : ["pool", ...rest], at);
    },
  };
}

/** `named`: where the policies stand. */
function inScenario(problem: Problem, named: string): Problem {
  const path = problem.path.replace(/^spec\b/, "pool");
  return { ...problem, object: "", path: path === "pool.balancing.policy" ? named : path };
}
