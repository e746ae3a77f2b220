/** Label selectors as Kubernetes means them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint } from "../../model/endpoint.ts";
import type { LabelRequirement } from "../../model/workload.ts";
import { selectsEndpoint } from "./selects.ts";

const BARE: Endpoint = {
  key: "10.0.0.1:80",
  address: "10.0.0.1",
  port: 80,
  zone: undefined,
  displayName: undefined,
  condition: "ready",
};
const SPOT: Endpoint = { ...BARE, labels: { tier: "spot", gpu: "" } };

test("each operator, with and without the label", () => {
  const cases: readonly [LabelRequirement["operator"], string, readonly string[], boolean, boolean][] = [
    ["in", "tier", ["spot", "other"], true, false],
    ["in", "tier", ["other"], false, false],
    ["not-in", "tier", ["spot"], false, true],
    ["not-in", "tier", ["other"], true, true],
    ["exists", "gpu", [], true, false],
    ["absent", "gpu", [], false, true],
    ["exists", "toString", [], false, false],
  ];
  for (const [operator, key, values, spot, bare] of cases) {
    assert.equal(selectsEndpoint([{ key, operator, values }], SPOT), spot, `${operator} ${key}`);
    assert.equal(selectsEndpoint([{ key, operator, values }], BARE), bare, `${operator} ${key}`);
  }
});

test("all must hold, and nothing asked selects all", () => {
  const spot: LabelRequirement = { key: "tier", operator: "in", values: ["spot"] };
  const noGpu: LabelRequirement = { key: "gpu", operator: "absent", values: [] };
  assert.equal(selectsEndpoint([spot, noGpu], SPOT), false);
  assert.equal(selectsEndpoint([], BARE), true);
});
