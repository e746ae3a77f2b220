/** Captions about the gateway appear when measured, and only then. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Narrator } from "./narrator.ts";
import { type Condition, PATIENT, SCENES } from "./story.ts";
import { NO_TRAFFIC, type Traffic } from "./traffic-window.ts";

function traffic(share: number): Traffic {
  const endpoints = new Map([[PATIENT, { ...NO_TRAFFIC, requests: 10, share }]]);
  return { ratePerSec: 100, failures: 0, p50Ms: 1, p99Ms: 2, endpoints };
}

interface Step {
  readonly scene: number;
  readonly sinceMs?: number;
  readonly share: number;
  readonly state?: string;
  readonly failures?: number;
}

/** The texts of all captions about what was measured. */
function narrate(steps: readonly Step[]): readonly string[] {
  const narrator = new Narrator();
  return steps.flatMap(({ scene, sinceMs = 0, share, state = "healthy", failures = 0 }) => {
    const found = SCENES[scene % SCENES.length];
    assert.ok(found !== undefined);
    const moment = { sceneNumber: scene, scene: found, sinceMs };
    const captions = narrator.observe({ moment, traffic: traffic(share), state, failuresTotal: failures });
    return captions.filter(({ by }) => by === "measured").map(({ text }) => text);
  });
}

function sceneOf(condition: Condition): number {
  return SCENES.findIndex((scene) => scene.condition === condition);
}

const [slow, failing, down] = [sceneOf("slow"), sceneOf("failing"), sceneOf("down")];

test("a whole story is told once each, in order", () => {
  const lines = narrate([
    { scene: 0, share: 0.2 },
    { scene: slow, share: 0.2 },
    { scene: slow, sinceMs: 1500, share: 0.04 },
    { scene: slow, sinceMs: 2000, share: 0.03 },
    { scene: failing, share: 0.03 },
    { scene: failing, sinceMs: 2000, share: 0, state: "unhealthy", failures: 3 },
    { scene: failing, sinceMs: 2500, share: 0, state: "unhealthy", failures: 3 },
    { scene: down, share: 0, state: "unhealthy", failures: 3 },
    { scene: down + 1, share: 0, state: "unhealthy", failures: 3 },
    { scene: down + 1, sinceMs: 2000, share: 0.02, state: "healthy", failures: 3 },
    { scene: down + 1, sinceMs: 4000, share: 0.15, state: "healthy", failures: 3 },
    { scene: SCENES.length, share: 0.2, failures: 3 },
  ]);
  assert.deepEqual(lines, [
    `traffic has left ${PATIENT} after 1.5 s: 4.0 %, was 20.0 %`,
    "no request failed meanwhile",
    `the gateway calls ${PATIENT} unhealthy after 2.0 s`,
    "3 requests failed meanwhile",
    "no request failed meanwhile",
    `the gateway calls ${PATIENT} healthy again after 2.0 s`,
    `traffic has come back to ${PATIENT} after 4.0 s: 15.0 %`,
  ]);
});

test("a gateway that does nothing gets no praise", () => {
  const lines = narrate([
    { scene: 0, share: 0.2 },
    { scene: slow, sinceMs: 9000, share: 0.2 },
    { scene: failing, share: 0.2 },
    { scene: failing, sinceMs: 5000, share: 0.2, failures: 100 },
    { scene: down, share: 0.2, failures: 101 },
    { scene: down, sinceMs: 5000, share: 0.2, failures: 299 },
    { scene: down + 1, share: 0.2, failures: 300 },
  ]);
  // What was counted by the first look at the next scene belongs to the one before.
  assert.deepEqual(lines, [
    "no request failed meanwhile",
    "101 requests failed meanwhile",
    "199 requests failed meanwhile",
  ]);
});

test("an admin that does not answer yields no line about states", () => {
  const narrator = new Narrator();
  const scene = SCENES[failing];
  assert.ok(scene !== undefined);
  const moment = { sceneNumber: failing, scene, sinceMs: 3000 };
  const captions = narrator.observe({ moment, traffic: traffic(0), state: undefined, failuresTotal: 0 });
  assert.deepEqual(captions, [{ by: "story", text: scene.caption }]);
});
