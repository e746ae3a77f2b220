/**
 * How much of the traffic each priority level gets: Envoy's rule (docs arch_overview/upstream/load_balancing/priority).
 *
 *     health(P) = min(1, 1.4 * well / present)
 *     total     = min(1, sum of health)
 *     load(P)   = min(what is left, health(P) / total), in order of priority
 *
 * 1.4 is the overprovisioning factor: a level with 71 % of its endpoints well still carries everything, one with half
 * of them carries 70 %, and the next level has the rest.
 *
 * Panic, per level: only where the levels together cannot carry all (total < 1), a level with less than half of its
 * endpoints well uses all of them, the ill too. Failing checks never stop traffic; but as long as another level
 * can carry it, there is no reason to gamble.
 */
const OVERPROVISIONING = 1.4;

const PANIC_RATIO = 0.5;

export interface Level {
  readonly present: number;
  readonly well: number;
}

export interface LevelLoad {
  /** Share of the traffic, in [0, 1]; all together 1 unless nobody is present. */
  readonly load: number;
  readonly panic: boolean;
}

/** Levels in order, the one that serves first at 0. */
export function levelLoads(levels: readonly Level[]): readonly LevelLoad[] {
  const health = levels.map(({ well, present }) =>
    present === 0 ? 0 : Math.min(1, (OVERPROVISIONING * well) / present),
  );
  const total = Math.min(
    1,
    health.reduce((sum, each) => sum + each, 0),
  );
  const panics = levels.map(({ well, present }) => total < 1 && present > 0 && well < present * PANIC_RATIO);
  // Everybody present is in panic (or nobody is well at all): by numbers, since health tells nothing.
  if (total === 0 || levels.every(({ present }, i) => present === 0 || panics[i]!)) {
    const present = levels.reduce((sum, level) => sum + level.present, 0);
    return levels.map((level, i) => ({
      load: present === 0 ? 0 : level.present / present,
      panic: panics[i]!,
    }));
  }
  let left = 1;
  return health.map((each, i) => {
    const load = Math.min(left, each / total);
    left -= load;
    // What rounding leaves is nobody's.
    return { load: load < 1e-12 ? 0 : load, panic: panics[i]! };
  });
}
