/** The names of inference policies: as manifests write them, one for each that the code knows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { INFERENCE_POLICIES } from "../../core/inference/policy/create-policy.ts";
import { inferenceBalancing, manifestName, POLICY_BY_MANIFEST_NAME } from "./inference-balancing.ts";

test("names are written as those of balancing.policy", () => {
  assert.equal(manifestName("cost"), "Cost");
  assert.equal(manifestName("least-tokens"), "LeastTokens");
});

test("every policy can be chosen, the default among them, and nothing else", () => {
  for (const policy of INFERENCE_POLICIES) {
    const name = manifestName(policy);
    assert.equal(POLICY_BY_MANIFEST_NAME.get(name), policy);
    assert.ok(inferenceBalancing.safeParse({ policy: name }).success);
  }
  assert.ok(inferenceBalancing.safeParse({ policy: "Cost" }).success);
  for (const policy of ["cost", "Best", ""]) assert.ok(!inferenceBalancing.safeParse({ policy }).success);
});
