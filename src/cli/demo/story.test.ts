/** The demo's script: its scenes follow each other without a gap, within the promised length. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { conditionOf, CYCLE_MS, ENDPOINTS, momentAt, PATIENT, SCENES } from "./story.ts";

test("a cycle is over within 45 s and ends as it began", () => {
  assert.ok(CYCLE_MS <= 45_000);
  assert.equal(SCENES.at(0)?.condition, "well");
  assert.equal(SCENES.at(-1)?.condition, "well");
});

test("scenes follow each other in order, each for its time, cycle after cycle", () => {
  let startMs = 0;
  for (let number = 0; number < SCENES.length * 3; number += 1) {
    const scene = SCENES[number % SCENES.length];
    assert.ok(scene !== undefined);
    assert.deepEqual(momentAt(startMs), { sceneNumber: number, scene, sinceMs: 0 });
    const last = momentAt(startMs + scene.durationMs - 1);
    assert.deepEqual(last, { sceneNumber: number, scene, sinceMs: scene.durationMs - 1 });
    startMs += scene.durationMs;
  }
});

test("only the story's endpoint is ever unwell", () => {
  for (let ms = 0; ms < CYCLE_MS; ms += 500) {
    const moment = momentAt(ms);
    for (const { name } of ENDPOINTS) {
      assert.equal(conditionOf(name, moment), name === PATIENT ? moment.scene.condition : "well");
    }
  }
});

test("names and ports are those of examples/quickstart", () => {
  assert.deepEqual(
    ENDPOINTS.map(({ name, port }) => [name, port]),
    [1, 2, 3, 4, 5].map((n) => [`endpoint-${n}`, 9100 + n]),
  );
});
