/**
 * Which model a request is really sent to: the decision of InferenceModelRewrite.
 *
 * Precedence (Gateway API Inference Extension, InferenceModelRewriteSpec.rules): a rule that names the model goes before
 * one that takes every model; among equals the earlier in the list, which the configuration gives oldest object first
 * and within one object in its order. The rule's targets share requests by weight. The caller brings the chance, so
 * the same draw always gives the same model.
 */
import type { RewriteRule } from "../../model/inference-pool.ts";
import { splitBackend } from "../route/split.ts";

/**
 * `model` is the name as the client sent it, `draw` in [0, 1). Undefined where no rule applies, or the one that does has
 * no targets: the name stays. A target may be the same name, which is an answer too.
 */
export function rewriteModel(rules: readonly RewriteRule[], model: string, draw: number): string | undefined {
  const rule = ruleFor(rules, model);
  return rule === undefined ? undefined : splitBackend(rule.targets, draw)?.model;
}

/** The rule that decides, for whoever wants to say why. */
export function ruleFor(rules: readonly RewriteRule[], model: string): RewriteRule | undefined {
  let catchAll: RewriteRule | undefined;
  for (const rule of rules) {
    if (rule.models.length === 0) catchAll ??= rule;
    else if (rule.models.includes(model)) return rule;
  }
  return catchAll;
}
