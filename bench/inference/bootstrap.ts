/**
 * Means over seeds with their uncertainty: the percentile bootstrap's 95 % interval.
 */
import { createPrng } from "../../src/std/prng.ts";

export interface Estimate {
  readonly mean: number;
  /** Of 95 %; both ends are the mean where there is one value. */
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 2000;

export function estimate(values: readonly number[]): Estimate {
  const prng = createPrng(1);
  const means = Array.from({ length: RESAMPLES }, () =>
    meanOf(values.map(() => values[prng.below(values.length)]!)),
  );
  means.sort((a, b) => a - b);
  return {
    mean: meanOf(values),
    low: means[Math.floor(0.025 * RESAMPLES)]!,
    high: means[Math.ceil(0.975 * RESAMPLES) - 1]!,
  };
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
