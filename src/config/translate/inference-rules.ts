/**
 * What objects besides a pool say of its requests: priorities by objective, rewrites of the model's name, and the
 * InferenceModels of old, which said both.
 *
 * Each points at a pool of its own namespace; one whose pool is not there is told in a warning and does nothing. Of two
 * InferenceModels for one name of one pool the older counts.
 */
import type { ModelPriority, Objective, RewriteRule, RewriteTarget } from "../../model/inference-pool.ts";
import type { Problem } from "../../model/problem.ts";
import { objectName } from "../resources.ts";
import type { Resource } from "../resources.ts";
import { CRITICALITY_PRIORITY } from "../schema/inference-model.ts";
import type { Lookup } from "./lookup.ts";
import { byAge, nameOf, problemIn } from "./report.ts";

type RuleKind = "InferenceObjective" | "InferenceModelRewrite" | "InferenceModel";
type Rule = Resource<"InferenceObjective"> | Resource<"InferenceModelRewrite"> | Resource<"InferenceModel">;

export type RuleOutcome =
  | { readonly kind: "accepted" }
  | {
      readonly kind: "refused";
      readonly reason: "PoolNotFound" | "ModelNameInUse";
      readonly message: string;
    };

export interface JudgedRule {
  readonly resource: Resource<RuleKind>;
  readonly outcome: RuleOutcome;
}

export interface PoolRules {
  readonly objectives: readonly Objective[];
  readonly modelPriorities: readonly ModelPriority[];
  readonly rewrites: readonly RewriteRule[];
}

export interface InferenceRules {
  /** Every object, by kind, namespace and name. */
  readonly judged: readonly JudgedRule[];
  readonly rulesOf: (pool: Resource<"InferencePool">) => PoolRules;
}

export function inferenceRules(lookup: Lookup, problems: Problem[]): InferenceRules {
  const { inferenceObjectives, inferenceModelRewrites, inferenceModels } = lookup.resources;
  const all: readonly Rule[] = [...inferenceObjectives, ...inferenceModelRewrites, ...inferenceModels];
  const models = new Map<string, Rule>();
  const outcomes = new Map<Rule, RuleOutcome>();
  const accepted = new Map<string, Rule[]>();
  for (const rule of all.toSorted(byAge)) {
    const outcome = outcomeOf(lookup, models, rule);
    outcomes.set(rule, outcome);
    if (outcome.kind === "refused") {
      problems.push(...refusalProblem(lookup, rule, outcome));
      continue;
    }
    const own = accepted.get(poolOf(rule)) ?? [];
    accepted.set(poolOf(rule), own);
    own.push(rule);
  }
  return {
    judged: all.map((resource) => ({ resource, outcome: outcomes.get(resource) ?? { kind: "accepted" } })),
    rulesOf: ({ namespace, name }) => poolRules(accepted.get(`${namespace}/${name}`) ?? []),
  };
}

function poolOf({ namespace, body }: Rule): string {
  return `${namespace}/${body.spec.poolRef.name}`;
}

function outcomeOf(lookup: Lookup, models: Map<string, Rule>, rule: Rule): RuleOutcome {
  const { name } = rule.body.spec.poolRef;
  if (lookup.inferencePool(rule.namespace, name) === undefined) {
    const message = `there is no ${objectName("InferencePool", rule.namespace, name)}`;
    return { kind: "refused", reason: "PoolNotFound", message };
  }
  if (rule.kind !== "InferenceModel") return { kind: "accepted" };
  const { modelName } = rule.body.spec;
  const claim = JSON.stringify([poolOf(rule), modelName]);
  const older = models.get(claim);
  models.set(claim, older ?? rule);
  if (older === undefined) return { kind: "accepted" };
  return {
    kind: "refused",
    reason: "ModelNameInUse",
    message: `${nameOf(older)} has the model name already`,
  };
}

function refusalProblem(
  lookup: Lookup,
  rule: Rule,
  { reason, message }: Extract<RuleOutcome, { kind: "refused" }>,
): readonly Problem[] {
  const { name } = rule.body.spec.poolRef;
  // A pool with errors of its own is there, only not readable; that has been told.
  const told = lookup.resources.rejected.has(objectName("InferencePool", rule.namespace, name));
  if (reason === "PoolNotFound" && told) return [];
  const path = reason === "PoolNotFound" ? ["spec", "poolRef", "name"] : ["spec", "modelName"];
  return [problemIn(rule, { severity: "warning", path, message: `${message}; the object has no effect` })];
}

/** `rules` are older first. */
function poolRules(rules: readonly Rule[]): PoolRules {
  const objectives: Objective[] = [];
  const modelPriorities: ModelPriority[] = [];
  const rewrites: RewriteRule[] = [];
  for (const rule of rules) {
    switch (rule.kind) {
      case "InferenceObjective":
        objectives.push({ name: rule.name, priority: rule.body.spec.priority });
        break;
      case "InferenceModelRewrite":
        rewrites.push(...rewritesOf(rule));
        break;
      case "InferenceModel": {
        const { modelName: model, criticality, targetModels } = rule.body.spec;
        modelPriorities.push({ model, priority: CRITICALITY_PRIORITY[criticality ?? "Standard"] });
        const id = `${rule.namespace}/${rule.name}/0`;
        if (targetModels.length > 0)
          rewrites.push({ id, models: [model], targets: legacyTargets(targetModels) });
        break;
      }
    }
  }
  return {
    objectives: objectives.toSorted((a, b) => compareText(a.name, b.name)),
    modelPriorities: modelPriorities.toSorted((a, b) => compareText(a.model, b.model)),
    rewrites,
  };
}

function rewritesOf({ namespace, name, body }: Resource<"InferenceModelRewrite">): readonly RewriteRule[] {
  return body.spec.rules.map(({ matches, targets = [] }, index) => ({
    id: `${namespace}/${name}/${index}`,
    models: [...new Set(matches.map(({ model }) => model.value))],
    // All have a weight, or none: then each counts the same.
    targets: targets.map(({ modelRewrite, weight }) => ({ model: modelRewrite, weight: weight ?? 1 })),
  }));
}

function legacyTargets(
  targets: readonly { readonly name: string; readonly weight?: number | undefined }[],
): readonly RewriteTarget[] {
  return targets
    .map(({ name, weight }) => ({ model: name, weight: weight ?? 1 }))
    .filter(({ weight }) => weight > 0);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
