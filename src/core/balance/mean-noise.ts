/**
 * How far the mean of a few samples may stand from what it estimates, by chance alone.
 *
 * Of n exponential samples with mean 1 the mean has the standard error 1 / sqrt(n) and is skewed to the right. Up to
 * `ALIKE_TO` it stays with a chance of about 99.98 % (the normal quantile with Cornish and Fisher's first correction):
 *
 *     ALIKE_TO   = 1 + 3.5 / sqrt(n) + 3.75 / n       n = 1: 8.3, 4: 3.7, 16: 2.1, 63: 1.5
 *     ALIKE_FROM = 1 - 3.5 / sqrt(n) + 3.75 / n, from n = 13 on; with fewer nobody is known to be fast
 *
 * As ratios; n is rounded down to whole samples. A service steadier than the exponential is judged with more caution than it
 * needs, one with a heavier tail with less.
 */

/** A running mean that each sample moves by 1/32 is worth 63 samples: (2 - 1/32) / (1/32). */
export const SAMPLES_MAX = 63;

const FAST_KNOWN_FROM = 13;
const Z = 3.5;
const SKEW = (Z * Z - 1) / 3;

/** Least ratio to the truth, by number of samples: a table, because a scan asks up to 32 times per decision. */
export const ALIKE_FROM: Float64Array = Float64Array.from({ length: SAMPLES_MAX + 1 }, (_, n) =>
  n < FAST_KNOWN_FROM ? 0 : 1 - Z / Math.sqrt(n) + SKEW / n,
);

/** Largest ratio, likewise. */
export const ALIKE_TO: Float64Array = Float64Array.from({ length: SAMPLES_MAX + 1 }, (_, n) =>
  n === 0 ? Number.POSITIVE_INFINITY : 1 + Z / Math.sqrt(n) + SKEW / n,
);
