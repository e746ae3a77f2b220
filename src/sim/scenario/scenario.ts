/**
 * A scenario: everything that determines a simulated run, after defaults. What each field means to its writer, and
 * what its defaults are, stands in docs/simulator.md.
 *
 * Times are virtual milliseconds from the start of the run.
 */
import type { PoolPolicy } from "../../model/policy.ts";

export interface Scenario {
  readonly name: string;
  readonly description: string;
  readonly seed: number;
  /** Requests arrive from 0 to here. */
  readonly durationMs: number;
  /** Figures cover requests that arrive from here on. */
  readonly warmUpMs: number;
  /** Each is run on its own, with the same arrivals, works and faults. */
  readonly contenders: readonly Contender[];
  readonly arrivals: ArrivalSpec;
  readonly work: WorkSpec;
  /** Undefined: requests carry nothing to hash. */
  readonly keys: KeySpec | undefined;
  readonly clients: ClientSpec;
  readonly gateways: GatewaySpec;
  readonly groups: readonly ServerGroup[];
  readonly faults: readonly FaultSpec[];
  readonly antagonists: readonly AntagonistSpec[];
  readonly network: NetworkSpec;
}

export interface Contender {
  readonly name: string;
  readonly policy: PoolPolicy;
}

export type ArrivalSpec =
  | {
      readonly kind: "poisson" | "even";
      readonly ratePerSec: number;
      readonly steps: readonly RateStep[];
      readonly bursts: BurstSpec | undefined;
    }
  /** `timesMs` ascending. Work of each request, where the recording has it. */
  | { readonly kind: "recorded"; readonly timesMs: Float64Array; readonly worksMs: Float64Array | undefined };

/** From `atMs` on the rate is `factor` times the nominal one. */
export interface RateStep {
  readonly atMs: number;
  readonly factor: number;
}

/** A two-state Markov-modulated process; the mean rate stays what it was. */
export interface BurstSpec {
  readonly onMs: number;
  readonly offMs: number;
  /** Rate in a burst over rate between bursts. */
  readonly factor: number;
}

/** Work of a request: how long a free server of speed 1 takes for it. */
export type WorkSpec =
  | { readonly kind: "constant"; readonly meanMs: number }
  | { readonly kind: "exponential"; readonly meanMs: number }
  | { readonly kind: "lognormal"; readonly meanMs: number; readonly sigma: number }
  | { readonly kind: "pareto"; readonly meanMs: number; readonly alpha: number; readonly maxMs: number }
  | { readonly kind: "normal"; readonly meanMs: number; readonly cv: number }
  | { readonly kind: "recorded"; readonly meanMs: number; readonly valuesMs: Float64Array };

/** Request keys for consistent hashing: the k-th most frequent comes in proportion to 1 / k^skew (Zipf). */
export interface KeySpec {
  readonly count: number;
  readonly skew: number;
}

export interface ClientSpec {
  /** Of one try; 0 = patient for ever. */
  readonly timeoutMs: number;
  /** Tries in all, the first included. */
  readonly attempts: number;
  readonly backoffMs: number;
  readonly method: string;
}

export interface GatewaySpec {
  readonly count: number;
  /** Gateway i stands in zone i mod length; empty: in none. */
  readonly zones: readonly string[];
  /** Until a change of membership or of a probe's verdict reaches a gateway. */
  readonly viewDelayMs: number;
  /** How load reports of endpoints come; undefined: they do not. */
  readonly reports: ReportSpec | undefined;
}

export interface ReportSpec {
  readonly onAnswers: boolean;
  readonly onProbes: boolean;
  /** Beyond what the answer itself takes. */
  readonly delayMs: number;
  readonly dropRatio: number;
}

export interface ServerGroup {
  readonly name: string;
  readonly count: number;
  /** Requests served at once at full speed. */
  readonly slots: number;
  readonly discipline: "fifo" | "processor-sharing";
  /** Requests that may wait (fifo) or share beyond the slots (processor sharing). */
  readonly queueMax: number;
  /** Status of the answer to a request that finds the queue full. */
  readonly fullStatus: number;
  readonly speed: number;
  /** Server i of the group stands in zone i mod length; empty: in none. */
  readonly zones: readonly string[];
  readonly joinsMs: number;
  readonly leavesMs: number;
  /** After joining and after a restart the speed rises in a line from `from` to 1. */
  readonly coldStart: { readonly from: number; readonly overMs: number } | undefined;
  /** A queued request whose gateway has given up is served all the same, or passed over at its turn. */
  readonly abandoned: "finish" | "skip";
}

export interface Selection {
  readonly group: string | undefined;
  readonly zone: string | undefined;
  /** The first so many of those that match; undefined: all. */
  readonly count: number | undefined;
}

export type FaultKind = "hang" | "pause" | "crash" | "fail" | "slow" | "unreachable";

export interface FaultSpec {
  readonly kind: FaultKind;
  readonly on: Selection;
  readonly atMs: number;
  /** Infinity: to the end. */
  readonly forMs: number;
  /** Again after so long; 0 = once. */
  readonly everyMs: number;
  /** slow: how many times slower. */
  readonly factor: number;
  /** fail: what a failed request costs, its status, and the share that fails. */
  readonly answerMs: number;
  readonly status: number;
  readonly ratio: number;
  /** Whether health checks notice. */
  readonly probesFail: boolean;
  /** Taken out of the membership after so long, and back when it is over; Infinity: never. */
  readonly removedAfterMs: number;
}

/** Each chosen server alternates between free and slowed, for times drawn from exponential distributions. */
export interface AntagonistSpec {
  readonly on: Selection;
  /** Share of time slowed. */
  readonly ratio: number;
  readonly factor: number;
  readonly burstMs: number;
}

/** One-way delays. */
export interface NetworkSpec {
  readonly sameZoneMs: number;
  readonly crossZoneMs: number;
  readonly pairs: readonly { readonly from: string; readonly to: string; readonly ms: number }[];
}
