/**
 * Who stands out among its peers in one interval: success rate, failure percentage, latency.
 *
 * Two passes over the columns, each resumable at any slot: `gather` sums up the peers, `judge` holds each against them.
 *
 * - Success rate (Envoy): below mean - factor * standard deviation of the peers' rates, and at least SUCCESS_GAP below the mean.
 *   Without the gap somebody of a large, healthy pool would always be below 1.9 sigma.
 * - Failure percentage (Envoy): at or above a threshold. It covers the blind spot of the former: k equally dead hosts
 *   of n stand sqrt((n - k) / k) sigma below the mean, so 1.9 sigma sees them only while k / n < 21.7 %.
 * - Latency: mean time to the first byte at least `factor` times the median of the peers' means. The median is not
 *   moved by the slow few, and LATENCY_GAP_MS keeps a pause of the runtime in a pool of fast answers from counting.
 *
 * Whoever ended the interval well is left in peace: `isWellNow` and `isQuickNow` of evidence.ts.
 * Whoever shares a fault with more than half of those judged is not an outlier: see `mostFail` and the median.
 */
import type { OutlierPolicy } from "../../model/policy.ts";
import { READY, type Columns } from "../signals/columns.ts";
import { Histogram } from "../signals/histogram.ts";
import type { EjectionReason } from "./ejections.ts";
import type { Evidence } from "./evidence.ts";

/** With 100 attempts at 99 % a rate's own standard deviation is 1 %: five of those. */
const SUCCESS_GAP = 0.05;

const LATENCY_GAP_MS = 5;

/** Times the median of the interval before. */
const QUICK_RATIO = 2;

export interface Suspect {
  readonly slot: number;
  readonly reason: EjectionReason;
  /** Worst first: failures before slowness, then by how much. */
  readonly badness: number;
}

/** Puts every failing suspect before every slow one, whose badness is a finite multiple of the median. */
const FAILING = 1e9;

export class Peers {
  readonly #columns: Columns;
  readonly #evidence: Evidence;
  /** Means of the endpoints' latencies; its median is within 1.6 %. */
  readonly #means = new Histogram();
  #rates = 0;
  #rateSum = 0;
  #rateSquares = 0;
  #volumes = 0;
  #medianMs = -1;
  #rateFloor = -1;

  constructor(columns: Columns, evidence: Evidence) {
    this.#columns = columns;
    this.#evidence = evidence;
  }

  begin(): void {
    this.#means.clear();
    this.#rates = 0;
    this.#rateSum = 0;
    this.#rateSquares = 0;
    this.#volumes = 0;
  }

  gather(slot: number, policy: OutlierPolicy): void {
    if (!this.#isPeer(slot)) return;
    const { attempts, good, answers, answersMs } = this.#evidence.previous;
    const count = attempts[slot]!;
    if (count >= policy.failurePercentage.requestVolume) this.#volumes++;
    if (count >= policy.successRate.requestVolume) {
      const rate = good[slot]! / count;
      this.#rates++;
      this.#rateSum += rate;
      this.#rateSquares += rate * rate;
    }
    if (answers[slot]! >= policy.latency.requestVolume) this.#means.record(answersMs[slot]! / answers[slot]!);
  }

  /** After the last `gather`, before the first `judge`. */
  conclude(policy: OutlierPolicy): void {
    const { successRate, latency } = policy;
    this.#rateFloor = -1;
    if (successRate.stdevFactor > 0 && this.#rates >= successRate.minimumHosts) {
      const mean = this.#rateSum / this.#rates;
      const stdev = Math.sqrt(Math.max(0, this.#rateSquares / this.#rates - mean * mean));
      this.#rateFloor = mean - Math.max(SUCCESS_GAP, successRate.stdevFactor * stdev);
    }
    const enough = latency.factor > 0 && this.#means.count >= latency.minimumHosts;
    this.#medianMs = enough ? this.#means.quantile(0.5) : -1;
    this.#evidence.quickMs[0] = enough ? this.#medianMs * QUICK_RATIO : 0;
  }

  judge(slot: number, policy: OutlierPolicy): Suspect | undefined {
    if (!this.#isPeer(slot)) return undefined;
    const { attempts, good } = this.#evidence.previous;
    const count = attempts[slot]!;
    const failed = count === 0 ? 0 : 1 - good[slot]! / count;
    if (failed > 0 && this.#evidence.isWellNow(slot, failed)) return this.#judgeLatency(slot, policy);
    if (count >= policy.successRate.requestVolume && 1 - failed < this.#rateFloor) {
      return { slot, reason: "success-rate", badness: FAILING + failed };
    }
    const { threshold, minimumHosts, requestVolume } = policy.failurePercentage;
    const enough = threshold > 0 && this.#volumes >= minimumHosts && count >= requestVolume;
    if (enough && failed * 100 >= threshold) {
      return { slot, reason: "failure-percentage", badness: FAILING + failed };
    }
    return this.#judgeLatency(slot, policy);
  }

  /** Whether so many fail that the fault is not theirs. */
  mostFail(suspects: readonly Suspect[]): boolean {
    const failing = suspects.filter(({ reason }) => reason !== "latency").length;
    return failing * 2 > Math.max(this.#rates, this.#volumes);
  }

  #judgeLatency(slot: number, { latency }: OutlierPolicy): Suspect | undefined {
    const { answers, answersMs } = this.#evidence.previous;
    if (this.#medianMs < 0 || answers[slot]! < latency.requestVolume) return undefined;
    const meanMs = answersMs[slot]! / answers[slot]!;
    const tooSlow = meanMs >= latency.factor * this.#medianMs && meanMs - this.#medianMs >= LATENCY_GAP_MS;
    if (!tooSlow || this.#evidence.isQuickNow(slot)) return undefined;
    return { slot, reason: "latency", badness: meanMs / this.#medianMs };
  }

  #isPeer(slot: number): boolean {
    return this.#columns.state[slot] === READY && this.#columns.ejected[slot] === 0;
  }
}
