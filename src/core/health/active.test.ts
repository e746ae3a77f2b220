/** Thresholds by table: from probe results to right of service. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { observe, UNPROVEN, type ActiveHealth } from "./active.ts";

const POLICY = { unhealthyThreshold: 3, healthyThreshold: 2 };

/** `+` a success, `-` a failure; what happened at each: `u`p, `d`own, or `.`. */
function transitions(results: string, policy = POLICY): string {
  let state: ActiveHealth = UNPROVEN;
  let seen = "";
  for (const result of results) {
    const observation = observe(state, result === "+", policy);
    state = observation.state;
    seen += observation.transition?.[0] ?? ".";
  }
  return seen;
}

test("thresholds count in a row, in both directions", () => {
  const table: readonly (readonly [string, string])[] = [
    ["---", "..d"],
    ["--+--", "....."],
    ["+---", "...d"],
    ["---++", "..d.u"],
    ["---+-++", "..d...u"],
    ["---++---", "..d.u..d"],
    ["------", "..d..."],
    ["++++", "...."],
  ];
  for (const [results, expected] of table) assert.equal(transitions(results), expected, results);
});

test("thresholds of one decide at once", () => {
  assert.equal(transitions("-+-+", { unhealthyThreshold: 1, healthyThreshold: 1 }), "dudu");
});

test("the first success proves an endpoint; a failure alone proves nothing", () => {
  assert.equal(observe(UNPROVEN, true, POLICY).state.kind, "up");
  assert.equal(observe(UNPROVEN, false, POLICY).state.kind, "unproven");
});

test("lowered thresholds apply to the run so far", () => {
  const failing = observe(UNPROVEN, false, POLICY).state;
  assert.equal(observe(failing, false, { unhealthyThreshold: 2, healthyThreshold: 2 }).transition, "down");
});

test("transitions alternate and each ends a run as long as its threshold", () => {
  const threshold = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 80 }), threshold, threshold, (results, down, up) => {
      const policy = { unhealthyThreshold: down, healthyThreshold: up };
      const line = results.map((ok) => (ok ? "+" : "-")).join("");
      const seen = transitions(line, policy);
      assert.match(seen.replaceAll(".", ""), /^(?:du)*d?$/);
      for (let index = 0; index < seen.length; index++) {
        const change = seen[index]!;
        if (change === ".") continue;
        const run = change === "d" ? "-".repeat(down) : "+".repeat(up);
        assert.ok(line.slice(0, index + 1).endsWith(run));
      }
    }),
    { seed: 41, numRuns: 300 },
  );
});
