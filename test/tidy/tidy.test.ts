/**
 * Holds this repository to the rules of its architecture.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { readRepository } from "./repository.ts";
import { describeFindings } from "./rule.ts";
import { RULES } from "./rules.ts";

const repository = readRepository(join(import.meta.dirname, "../.."));

test("the repository was read", () => {
  for (const path of ["package.json", "src/model/refusal.ts", "test/tidy/tidy.test.ts"]) {
    assert.ok(
      repository.files.some((file) => file.path === path && file.text.length > 0),
      `${path} is not among the files read`,
    );
  }
});

for (const rule of RULES) {
  test(rule.name, () => {
    const findings = rule.check(repository);
    if (findings.length > 0) assert.fail(describeFindings(rule, findings));
  });
}
