/**
 * The inference demo's script: what happens to the engines of both fleets alike, and when.
 *
 * Pure: a time in, conditions out. A cycle takes `cycleMs`, of which each scene has its part.
 */
export type Condition = "well" | "slow" | "down";

export const SLOW_ENGINE = 1;
export const CRASHING_ENGINE = 2;
export const SLOW_FACTOR = 4;
export const CYCLE_MS = 60_000;

export interface Scene {
  readonly title: string;
  readonly caption: string;
  /** Of the cycle. */
  readonly part: number;
  readonly engine: number;
  readonly condition: Condition;
}

export const SCENES: readonly Scene[] = [
  {
    title: "cold start",
    caption: "caches are empty, conversations begin",
    part: 0.15,
    engine: SLOW_ENGINE,
    condition: "well",
  },
  {
    title: "all well",
    caption: "all engines are well",
    part: 0.25,
    engine: SLOW_ENGINE,
    condition: "well",
  },
  {
    title: "one slow",
    caption: `engine-${SLOW_ENGINE + 1} of either fleet has become slow: it takes ${SLOW_FACTOR} times as long`,
    part: 0.25,
    engine: SLOW_ENGINE,
    condition: "slow",
  },
  {
    title: "well again",
    caption: `engine-${SLOW_ENGINE + 1} is well again`,
    part: 0.1,
    engine: SLOW_ENGINE,
    condition: "well",
  },
  {
    title: "one crashed",
    caption: `engine-${CRASHING_ENGINE + 1} of either fleet has crashed: streams are cut, its cache is gone`,
    part: 0.15,
    engine: CRASHING_ENGINE,
    condition: "down",
  },
  {
    title: "back",
    caption: `engine-${CRASHING_ENGINE + 1} is back, with nothing cached`,
    part: 0.1,
    engine: CRASHING_ENGINE,
    condition: "well",
  },
];

export interface Moment {
  /** Counts up over all cycles. */
  readonly sceneNumber: number;
  readonly scene: Scene;
}

export function momentAt(elapsedMs: number, cycleMs: number): Moment {
  const cycle = Math.floor(elapsedMs / cycleMs);
  let left = elapsedMs / cycleMs - cycle;
  for (const [index, scene] of SCENES.entries()) {
    if (left < scene.part || index === SCENES.length - 1) {
      return { sceneNumber: cycle * SCENES.length + index, scene: sceneOf(scene, cycle) };
    }
    left -= scene.part;
  }
  throw new Error(`no scene at ${elapsedMs} ms`);
}

export function conditionOf(engine: number, { scene }: Moment): Condition {
  return scene.engine === engine ? scene.condition : "well";
}

/** Only the first cycle begins cold. */
function sceneOf(scene: Scene, cycle: number): Scene {
  return scene === SCENES[0] && cycle > 0
    ? { ...scene, title: "all well", caption: "all engines are well" }
    : scene;
}
