/** Model rewrites: precedence, shares, and parity with a slow reference that sorts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { RewriteRule } from "../../model/inference-pool.ts";
import { rewriteModel, ruleFor } from "./rewrite.ts";

function rule(
  id: string,
  models: readonly string[],
  ...targets: readonly (readonly [string, number])[]
): RewriteRule {
  return { id, models, targets: targets.map(([model, weight]) => ({ model, weight })) };
}

test("exact goes before catch-all, the earlier before the later", () => {
  const rules = [
    rule("every", [], ["base", 1]),
    rule("every-later", [], ["never", 1]),
    rule("chat", ["chat", "talk"], ["chat-v2", 1]),
    rule("chat-later", ["chat"], ["never", 1]),
  ];
  assert.equal(rewriteModel(rules, "chat", 0), "chat-v2");
  assert.equal(rewriteModel(rules, "talk", 0.99), "chat-v2");
  assert.equal(rewriteModel(rules, "Chat", 0), "base");
  assert.equal(ruleFor(rules, "other")?.id, "every");
});

test("shares follow the weights", () => {
  const rules = [rule("r", ["m"], ["old", 9], ["new", 1])];
  assert.equal(rewriteModel(rules, "m", 0), "old");
  assert.equal(rewriteModel(rules, "m", 0.8999), "old");
  assert.equal(rewriteModel(rules, "m", 0.9), "new");
  assert.equal(rewriteModel(rules, "m", 0.9999), "new");
});

test("no rule, or a rule without targets, leaves the name", () => {
  assert.equal(rewriteModel([], "m", 0.5), undefined);
  assert.equal(rewriteModel([rule("r", ["n"], ["x", 1])], "m", 0.5), undefined);
  // An exact rule without targets is how one model is kept from a catch-all.
  assert.equal(rewriteModel([rule("all", [], ["x", 1]), rule("r", ["m"])], "m", 0.5), undefined);
});

const MODELS = ["a", "b", "c", "d"];
const anyRules = fc.array(
  fc.record({
    models: fc.uniqueArray(fc.constantFrom(...MODELS), { maxLength: 3 }),
    weights: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 4 }),
  }),
  { maxLength: 6 },
);

test("over an even sweep of draws the deciding rule's targets get exactly their weights", () => {
  fc.assert(
    fc.property(anyRules, fc.constantFrom(...MODELS, "unknown"), (drawn, model) => {
      const rules = drawn.map(({ models, weights }, index) =>
        rule(String(index), models, ...weights.map((weight, at) => [`${index}.${at}`, weight] as const)),
      );
      // The reference: sort all that apply, exact first; the sort is stable, so position breaks ties.
      const [decider] = rules
        .filter(({ models }) => models.length === 0 || models.includes(model))
        .toSorted((a, b) => Number(a.models.length === 0) - Number(b.models.length === 0));
      const total = (decider?.targets ?? []).reduce((sum, { weight }) => sum + weight, 0);
      if (decider === undefined || total === 0) {
        assert.equal(rewriteModel(rules, model, 0.5), undefined);
        return;
      }
      const counts = new Map<string, number>();
      for (let draw = 0; draw < total; draw++) {
        const target = rewriteModel(rules, model, (draw + 0.5) / total) ?? "none";
        counts.set(target, (counts.get(target) ?? 0) + 1);
      }
      const expected = decider.targets.map((target) => [target.model, target.weight] as const);
      assert.deepEqual(Object.fromEntries(counts), Object.fromEntries(expected));
    }),
  );
});
