/** When a pool is limited without having asked for it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_ADAPTIVE_LIMIT, DEFAULT_POOL_POLICY } from "../../model/policy.ts";
import { BUILT_IN_CLASSES } from "../../model/workload.ts";
import { classesAt } from "./classify.ts";
import { admissionPolicyFor } from "./policy-for.ts";

const KEY = "shop/web:80";

test("a declared class turns the adaptive limit on, unless the pool has a limit of its own or is one of model servers", () => {
  const declared = classesAt(KEY, [{ ...BUILT_IN_CLASSES[2]!, name: "shop/reports" }]);
  const elsewhere = classesAt(KEY, [
    { ...BUILT_IN_CLASSES[2]!, name: "shop/reports", poolKeys: ["shop/api:80"] },
  ]);
  const { circuitBreaker } = DEFAULT_POOL_POLICY;
  assert.equal(admissionPolicyFor({ circuitBreaker }, elsewhere).circuitBreaker.adaptive, undefined);
  const limited = admissionPolicyFor({ circuitBreaker }, declared);
  assert.equal(limited.circuitBreaker.adaptive, DEFAULT_ADAPTIVE_LIMIT);
  assert.deepEqual(
    limited.classes.map(({ name }) => name),
    ["shop/reports", "interactive", "streaming", "batch", "training"],
  );
  const fixed = { circuitBreaker: { ...circuitBreaker, maxRequests: 50 } };
  assert.equal(admissionPolicyFor(fixed, declared).circuitBreaker.adaptive, undefined);
  const ofPrompts = admissionPolicyFor({ circuitBreaker }, declared, BUILT_IN_CLASSES.slice(0, 1));
  assert.equal(ofPrompts.circuitBreaker.adaptive, undefined);
});
