/** The inference demo's script: the cycle is whole, and only the story's engines are ever unwell. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ENGINES } from "./fleets.ts";
import { conditionOf, CRASHING_ENGINE, momentAt, SCENES, SLOW_ENGINE } from "./story.ts";

test("the parts of a cycle are all of it, and it ends as it began", () => {
  const sum = SCENES.reduce((total, { part }) => total + part, 0);
  assert.ok(Math.abs(sum - 1) < 1e-9);
  assert.equal(SCENES.at(0)?.condition, "well");
  assert.equal(SCENES.at(-1)?.condition, "well");
});

test("scenes follow each other in order, cycle after cycle, whatever its length", () => {
  for (const cycleMs of [10_000, 60_000]) {
    const numbers = new Set<number>();
    for (let ms = 0; ms < 3 * cycleMs; ms += cycleMs / 200) numbers.add(momentAt(ms, cycleMs).sceneNumber);
    assert.deepEqual(
      [...numbers],
      Array.from({ length: 3 * SCENES.length }, (_, number) => number),
    );
  }
});

test("one engine slows, another crashes, the rest are always well, and only the first cycle is cold", () => {
  const seen = new Map<number, Set<string>>();
  for (let ms = 0; ms < 120_000; ms += 500) {
    const moment = momentAt(ms, 60_000);
    assert.equal(moment.scene.title === "cold start", ms < 9_000);
    for (let engine = 0; engine < ENGINES; engine++) {
      const conditions = seen.get(engine) ?? new Set();
      seen.set(engine, conditions.add(conditionOf(engine, moment)));
    }
  }
  for (const [engine, conditions] of seen) {
    const expected =
      engine === SLOW_ENGINE ? ["well", "slow"] : engine === CRASHING_ENGINE ? ["well", "down"] : ["well"];
    assert.deepEqual([...conditions], expected);
  }
});
