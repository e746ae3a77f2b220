/**
 * Capacity: the highest rate at which nine requests in ten are served well.
 *
 * Found by bisection on the logarithm of the rate, with the same requests and the same chance at every rate. A run may end as soon as
 * it is lost, so that rates far too high cost little. Where goodput is not monotonic in the rate (it is, but for chance) one of the crossings
 * is found.
 */
export const GOODPUT_MIN = 0.9;

export interface CapacitySearch {
  readonly rateMin: number;
  readonly rateMax: number;
  /** Where the search begins: what was held with another seed. */
  readonly guess: number | undefined;
  /** Rates are told apart down to this ratio. */
  readonly ratio: number;
  /** Whether the rate is held. */
  readonly holds: (ratePerSec: number) => boolean;
}

export interface Capacity {
  readonly ratePerSec: number;
  /** It may lie beyond: the range that was searched ended here. */
  readonly bound: "below" | "above" | undefined;
  readonly runs: number;
}

/** The first step away from a guess; doubled (in the logarithm) while it is not enough. */
const FIRST_STEP = 1.08;

export function findCapacity({ rateMin, rateMax, guess, ratio, holds }: CapacitySearch): Capacity {
  let runs = 0;
  const test = (rate: number): boolean => {
    runs++;
    return holds(rate);
  };
  let low: number | undefined;
  let high: number | undefined;
  let step = FIRST_STEP;
  let rate = Math.min(rateMax, Math.max(rateMin, guess ?? Math.sqrt(rateMin * rateMax)));
  while (low === undefined || high === undefined) {
    if (test(rate)) {
      if (rate >= rateMax) return { ratePerSec: rateMax, bound: "above", runs };
      low = rate;
      rate = Math.min(rateMax, rate * step);
    } else {
      if (rate <= rateMin) return { ratePerSec: rateMin, bound: "below", runs };
      high = rate;
      rate = Math.max(rateMin, rate / step);
    }
    step *= step;
  }
  while (high / low > ratio) {
    const middle = Math.sqrt(low * high);
    if (test(middle)) low = middle;
    else high = middle;
  }
  return { ratePerSec: low, bound: undefined, runs };
}
