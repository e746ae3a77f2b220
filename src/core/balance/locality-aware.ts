/**
 * LocalityAware: endpoints drawn in proportion to throughput / latency, after brpc's LALB
 * (src/brpc/policy/locality_aware_load_balancer, docs/cn/lalb.md). "Locality" is whatever answers fastest.
 *
 * A draw finds its candidate in a tree of weights in O(log n). The candidate's weight is then reckoned anew: if
 * it has shrunk since it was last touched (its requests grow old), the draw is accepted only if it also falls
 * into what is left, else drawn again. Every settlement updates its endpoint's weight.
 *
 * Repairs beyond those of locality-weight.ts:
 * - Two draws, and the one with fewer requests in flight for its weight is taken. The original sees a queue only after the answers that
 *   stood in it, and at 85 % load its waits are no shorter than those of random choice; with this guard they
 *   are those of the power of two choices, and the weights need only be right on average.
 * - One pick in EXPLORE_ONE_IN goes to the staler of two random endpoints, provided it has nothing waiting: even one with
 *   next to no weight is measured again, by one request at a time.
 * - Once a second all weights are reckoned anew, so one shrunk by age or growing in its slow start is right even
 *   if nothing touches it. 10,000 endpoints take a few tenths of a millisecond.
 *
 * Invariant: the tree holds a weight above 0 for exactly the candidates.
 */
import type { Factor } from "../../model/explanation.ts";
import { isFailure, type Outcome } from "../../model/outcome.ts";
import type { Prng } from "../../std/prng.ts";
import { SumTree } from "../../std/sum-tree.ts";
import type { Columns } from "../signals/columns.ts";
import { waitingAgeMs } from "../signals/in-flight.ts";
import { windowAnswer, windowError, windowLatencyMs, windowRatePerSec } from "../signals/rate-window.ts";
import type { Candidates } from "./candidates.ts";
import { ERROR_COST } from "./latency-cost.ts";
import { writeLocalityWeight } from "./locality-weight.ts";
import type { PickFacts } from "./pick-facts.ts";
import { PickerBase, type PickerWorld } from "./picker.ts";
import { BY_EXPLORING, BY_IN_FLIGHT, type Trace } from "./trace.ts";
import { NONE, TwoChoices } from "./two-choices.ts";
import { commonFactors, nominalWeight } from "./weight.ts";

/** 1 % of the picks. */
const EXPLORE_ONE_IN = 100;

/** Each rejected draw has shrunk a weight, so rejections end quickly; past this the last candidate is taken. */
const DRAWS_MAX = 16;

const REFRESH_MS = 1000;

/** brpc's punish_error_ratio: a slow error costs at least this many times what it took. */
const ERROR_RATIO = 1.2;

export class LocalityAware extends PickerBase {
  readonly #columns: Columns;
  readonly #candidates: Candidates;
  readonly #prng: Prng;
  readonly #trace: Trace;
  readonly #choices: TwoChoices;
  readonly #tree: SumTree;
  #refreshedMs = Number.NEGATIVE_INFINITY;

  constructor(world: PickerWorld) {
    super();
    this.#columns = world.columns;
    this.#candidates = world.candidates;
    this.#prng = world.prng;
    this.#trace = world.trace;
    this.#choices = new TwoChoices(world.columns, world.candidates, world.prng);
    this.#tree = new SumTree(world.columns.capacity);
  }

  choose({ tried }: PickFacts, nowMs: number): number {
    if (nowMs - this.#refreshedMs >= REFRESH_MS) this.#refresh(nowMs);
    if (this.#prng.below(EXPLORE_ONE_IN) === 0) {
      const slot = this.#stalerOfTwo(tried);
      if (this.#columns.waiting[slot] === 0) {
        this.#trace.single(slot, BY_EXPLORING);
        return slot;
      }
    }
    return tried.length === 0 ? this.#drawTwice(nowMs) : this.#drawUntried(tried, nowMs);
  }

  override answered(slot: number, nowMs: number): void {
    windowAnswer(this.#columns, slot, nowMs);
  }

  override ended(slot: number, outcome: Outcome, nowMs: number): void {
    const { kind } = outcome;
    if (isFailure(kind) || kind === "overloaded") {
      const columns = this.#columns;
      const capMs = ERROR_COST * (columns.typicalMs[0]! || 1);
      const full = Math.max(ERROR_RATIO * outcome.totalMs, capMs);
      windowError(columns, slot, kind === "overloaded" ? full / 2 : full, full, nowMs);
    }
    if (this.#candidates.has(slot)) this.#reweigh(slot, nowMs);
  }

  override entered(slot: number, nowMs: number): void {
    this.#tree.grow(this.#columns.capacity);
    this.#reweigh(slot, nowMs);
  }

  override left(slot: number): void {
    this.#hide(slot);
  }

  shareOf(slot: number, nowMs: number): number {
    // The explored share, spread evenly, is 1 / EXPLORE_ONE_IN of the whole.
    const evenly = (this.#tree.total / Math.max(1, this.#candidates.size)) * (1 / (EXPLORE_ONE_IN - 1));
    // The slot may have no room and so no place in the tree; its weight is reckoned outside.
    const weight = new Float64Array(1);
    writeLocalityWeight(this.#columns, slot, nowMs, weight, 0);
    return weight[0]! + evenly;
  }

  factors(slot: number, nowMs: number): readonly Factor[] {
    const columns = this.#columns;
    const weight = new Float64Array(1);
    writeLocalityWeight(columns, slot, nowMs, weight, 0);
    return [
      { name: "localityWeight", value: weight[0]!, unit: "1/s/ms" },
      { name: "rate", value: windowRatePerSec(columns, slot), unit: "1/s" },
      { name: "meanLatency", value: windowLatencyMs(columns, slot), unit: "ms" },
      { name: "age", value: waitingAgeMs(columns, slot, nowMs), unit: "ms" },
      ...commonFactors(columns, slot),
    ];
  }

  copy(world: PickerWorld): LocalityAware {
    const copied = new LocalityAware(world);
    copied.#refreshedMs = this.#refreshedMs;
    copied.#tree.grow(this.#tree.capacity);
    copied.#tree.weights.set(this.#tree.weights);
    copied.#tree.changedAll();
    return copied;
  }

  #drawTwice(nowMs: number): number {
    const first = this.#draw(nowMs);
    const second = this.#draw(nowMs);
    const columns = this.#columns;
    const { scores } = this.#trace;
    scores[0] = columns.inFlight[first]! / nominalWeight(columns, first);
    scores[1] = columns.inFlight[second]! / nominalWeight(columns, second);
    this.#trace.pair(first, second === first ? NONE : second, BY_IN_FLIGHT);
    return scores[1] < scores[0] ? second : first;
  }

  /** One slot in proportion to its weight as of now. */
  #draw(nowMs: number): number {
    const tree = this.#tree;
    let slot = NONE;
    for (let draws = 0; draws < DRAWS_MAX; draws++) {
      slot = tree.draw(this.#prng);
      this.#reweigh(slot, nowMs);
      if (tree.weights[slot]! >= tree.residual) return slot;
    }
    return slot;
  }

  /** Retries are rare: the tried are taken out of the tree for the draw and put back after it. */
  #drawUntried(tried: readonly number[], nowMs: number): number {
    if (this.#candidates.untried(tried) === this.#candidates.size) return this.#drawTwice(nowMs);
    for (let i = 0; i < tried.length; i++) if (this.#candidates.has(tried[i]!)) this.#hide(tried[i]!);
    const slot = this.#drawTwice(nowMs);
    for (let i = 0; i < tried.length; i++)
      if (this.#candidates.has(tried[i]!)) this.#reweigh(tried[i]!, nowMs);
    return slot;
  }

  #stalerOfTwo(tried: readonly number[]): number {
    const choices = this.#choices;
    choices.draw(tried);
    const { first, second } = choices;
    if (second === NONE) return first;
    const stamps = this.#columns.windowStampMs;
    return stamps[second]! < stamps[first]! ? second : first;
  }

  #reweigh(slot: number, nowMs: number): void {
    writeLocalityWeight(this.#columns, slot, nowMs, this.#tree.weights, slot);
    this.#tree.changed(slot);
  }

  #hide(slot: number): void {
    this.#tree.weights[slot] = 0;
    this.#tree.changed(slot);
  }

  #refresh(nowMs: number): void {
    this.#refreshedMs = nowMs;
    const candidates = this.#candidates;
    let sum = 0;
    /** Weights of the endpoints measured, so that the mean is per unit of weight. */
    let measured = 0;
    for (let index = 0; index < candidates.size; index++) {
      const rate = windowRatePerSec(this.#columns, candidates.at(index));
      if (rate < 0) continue;
      sum += rate;
      measured += nominalWeight(this.#columns, candidates.at(index));
    }
    if (sum > 0) this.#columns.meanRatePerSec[0] = sum / measured;
    const { weights } = this.#tree;
    for (let index = 0; index < candidates.size; index++) {
      const slot = candidates.at(index);
      writeLocalityWeight(this.#columns, slot, nowMs, weights, slot);
    }
    this.#tree.changedAll();
  }
}
