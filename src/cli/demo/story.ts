/**
 * The demo's script: what happens to the endpoints, and when. Times are milliseconds since the demo began.
 *
 * Pure: a time in, conditions out. The story says only what is done to the endpoints; what the gateway does about it
 * is never written here but measured (see narrator.ts).
 */

/** How an endpoint behaves. `slow`: all its answers take SLOW_FACTOR times as long. `down`: connections refused. */
export type Condition = "well" | "slow" | "failing" | "down";

export interface EndpointPlan {
  readonly name: string;
  readonly port: number;
  /** Mean time to answer while well. */
  readonly serviceMs: number;
}

/** The ports are those of examples/quickstart/service.yaml. Two fast, two middling, one slow: an uneven fleet. */
export const ENDPOINTS: readonly EndpointPlan[] = [
  { name: "endpoint-1", port: 9101, serviceMs: 5 },
  { name: "endpoint-2", port: 9102, serviceMs: 5 },
  { name: "endpoint-3", port: 9103, serviceMs: 10 },
  { name: "endpoint-4", port: 9104, serviceMs: 10 },
  { name: "endpoint-5", port: 9105, serviceMs: 20 },
];

/** The one that the story is about. */
export const PATIENT = "endpoint-3";
export const SLOW_FACTOR = 20;

export interface Scene {
  readonly condition: Condition;
  readonly durationMs: number;
  readonly caption: string;
}

/** One cycle: long enough in each scene for two health checks and for shares over some seconds to settle. */
export const SCENES: readonly Scene[] = [
  {
    condition: "well",
    durationMs: 10_000,
    caption: "all endpoints are well; the faster ones should get more",
  },
  {
    condition: "slow",
    durationMs: 11_000,
    caption: `${PATIENT} has become slow: it takes ${SLOW_FACTOR} times as long`,
  },
  {
    condition: "failing",
    durationMs: 6_000,
    caption: `${PATIENT} answers 500 to everything, /health included`,
  },
  { condition: "down", durationMs: 6_000, caption: `${PATIENT} has crashed: it refuses connections` },
  { condition: "well", durationMs: 11_000, caption: `${PATIENT} is well again` },
];

export const CYCLE_MS = SCENES.reduce((sum, scene) => sum + scene.durationMs, 0);

export interface Moment {
  /** Counts up over all cycles, so that a new scene is noticed by its number. */
  readonly sceneNumber: number;
  readonly scene: Scene;
  /** Since this scene began. */
  readonly sinceMs: number;
}

export function momentAt(elapsedMs: number): Moment {
  const cycle = Math.floor(elapsedMs / CYCLE_MS);
  let sinceMs = elapsedMs - cycle * CYCLE_MS;
  for (const [index, scene] of SCENES.entries()) {
    if (sinceMs < scene.durationMs) return { sceneNumber: cycle * SCENES.length + index, scene, sinceMs };
    sinceMs -= scene.durationMs;
  }
  throw new Error(`no scene at ${elapsedMs} ms`);
}

export function conditionOf(name: string, moment: Moment): Condition {
  return name === PATIENT ? moment.scene.condition : "well";
}
