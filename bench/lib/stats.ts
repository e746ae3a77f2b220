/**
 * The statistics of the bench: medians over rounds, and ratios taken round by round.
 *
 * A ratio is formed within a round, between two measurements seconds apart, and the median of those ratios is
 * reported. On a machine with noisy neighbours that holds where a ratio of two medians does not.
 */

/** Of the values that are numbers at all; a measurement in which nothing was answered has no cost per answer. */
export function median(values: readonly number[]): number {
  const sorted = values.filter(Number.isFinite).toSorted((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export interface Ratio {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Both lists are indexed by round; a round that either side lacks, or in which either has no figure, is left out. */
export function ratioByRound(
  values: readonly (number | undefined)[],
  base: readonly (number | undefined)[],
): Ratio | undefined {
  const ratios: number[] = [];
  for (const [round, value] of values.entries()) {
    const divisor = base[round];
    if (value === undefined || divisor === undefined) continue;
    const ratio = value / divisor;
    if (Number.isFinite(ratio)) ratios.push(ratio);
  }
  if (ratios.length === 0) return undefined;
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) };
}
