/**
 * The work that is given to a thread: one policy on one workload, for its capacity, or its figures at a rate with or without faults.
 * Everything in it can be sent between threads.
 */
import type { Capacity } from "../../src/sim/inference/capacity.ts";
import type { InferenceFault } from "../../src/sim/inference/faults.ts";
import type { InferenceFigures } from "../../src/sim/inference/figures.ts";

export interface Common {
  readonly workload: string;
  readonly policy: string;
  readonly requests: number;
  readonly gateways: number;
  readonly scrapeEveryMs: number;
  readonly cacheEventLoss: number | undefined;
}

export interface CapacityTask extends Common {
  readonly kind: "capacity";
  /** One search each, the first one's result being where the others begin. */
  readonly seeds: readonly number[];
  /** Rates are told apart down to this ratio. */
  readonly ratio: number;
}

export interface FiguresTask extends Common {
  readonly kind: "figures";
  readonly label: string;
  readonly seed: number;
  readonly ratePerSec: number;
  readonly faults: readonly InferenceFault[];
  readonly patienceMs: number;
}

export type Task = CapacityTask | FiguresTask;

export interface CapacityResult {
  readonly kind: "capacity";
  readonly task: CapacityTask;
  readonly capacities: readonly Capacity[];
  readonly seconds: number;
}

export interface FiguresResult {
  readonly kind: "figures";
  readonly task: FiguresTask;
  readonly figures: InferenceFigures;
  /** Share of prompt tokens that an endless cache would have held. */
  readonly cacheBound: number;
  readonly seconds: number;
}

export type Result = CapacityResult | FiguresResult;
