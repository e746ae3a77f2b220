/**
 * Scorer: how long an endpoint's answer to one more request is expected to take.
 *
 *     cost  = (delay + e * 100 * typical) * (1 + inFlight / w + e * meanInFlight)      [ms times queue]
 *     delay = latency / company ^ 0.7                                                 [ms]
 *
 * latency: mean time to first byte of the last 32 answers [ms]. company: mean number of requests in flight, per unit of
 * weight, while they came. An endpoint that takes 50 ms with four in flight is faster than one that takes 50 ms with
 * one; a latency times the queue, as in PeakEwma, counts the fast one's queue against it twice and leaves a fifth of
 * the traffic with endpoints that are four times slower. With an exponent of 1 all endpoints in use would come to
 * have one latency, that of the slowest: good for the tail, bad for the median; with 0 it is PeakEwma's product.
 *
 * Means rather than peaks, so that equal endpoints look equal, and a mean counts only as far as its samples carry it
 * (mean-noise.ts): a delay that equals could show by chance is the typical one. A pool of equals is thus balanced by its
 * queues alone. Silence speaks too: where requests have on average waited four times longer than the mean, their age counts
 * instead. Less patience would take long requests for slow endpoints (for an exponential service the mean age is
 * the mean itself, and heavy tails age by more).
 *
 * Whoever is held to be slow, silent or failing gets no requests that could put it right. So one that owes no answer and
 * has not been heard for eight seconds costs as a typical one: one request tries it, and what comes of it begins a new
 * mean (and, if good, a new ratio of errors: signals/error-ratio.ts). Much sooner, trials would look to outlier detection
 * like five failures in a row.
 *
 * e, typical and meanInFlight are as in latency-cost.ts, and so is what is said there of endpoints without history.
 *
 * State is the picker's own, by slot; one that changed hands is known by its generation.
 */
import type { Factor } from "../../model/explanation.ts";
import type { Outcome } from "../../model/outcome.ts";
import type { Columns } from "../signals/columns.ts";
import { errorRatioNow, isTrialDue, TRIAL_MS } from "../signals/error-ratio.ts";
import { grown } from "../signals/grown.ts";
import { waitingAgeMs } from "../signals/in-flight.ts";
import { TAU_MS } from "../signals/peak-ewma.ts";
import { ERROR_COST } from "./latency-cost.ts";
import { ALIKE_FROM, ALIKE_TO, SAMPLES_MAX } from "./mean-noise.ts";
import { commonFactors, nominalWeight } from "./weight.ts";

const COMPANY_EXPONENT = 0.7;
/** Twice as many would take the noise from ten per cent or so to seven, and double the time to notice. */
const SAMPLES = 32;
/** The pool's typical delay follows its last hundred or so answers, so those count who do the work. */
const TYPICAL_SHARE = 1 / 128;
/** No delay counts for more than so many typical ones in it: the few answers that a stall held up move it little. */
const TYPICAL_RATIO_MAX = 4;
const PATIENCE = 4;
/** Keeps the product from vanishing when an estimate has faded away: then requests in flight alone decide. */
const DELAY_MIN_MS = 0.001;
/** Stands in for the typical delay before the first answer. */
const DELAY_UNKNOWN_MS = 1;

export class DelayCost {
  readonly #columns: Columns;
  /** By slot: samples that the mean is worth, mean latency [ms], mean company, company ^ 0.7, last sample's time, generation. */
  #count = new Float64Array(0);
  #latencyMs = new Float64Array(0);
  #company = new Float64Array(0);
  #divisor = new Float64Array(0);
  #stampMs = new Float64Array(0);
  #generation = new Int32Array(0);
  /** [typical delay in ms, 0: nothing known; how many answers it has seen]. */
  readonly #typical: Float64Array = new Float64Array(2);
  /** [the cost written last]: as a result it would be boxed. */
  readonly cells: Float64Array = new Float64Array(2);

  constructor(columns: Columns) {
    this.#columns = columns;
  }

  /** A good answer has begun, after the slot's `latencySampleMs`; its request is still counted as in flight. */
  answered(slot: number, nowMs: number): void {
    this.cells[1] = this.#columns.latencySampleMs[slot]!;
    this.#learn(slot, nowMs);
    const delayMs = this.#latencyMs[slot]! / this.#divisor[slot]!;
    const typicalMs = this.#typical[0]!;
    const seen = this.#typical[1]! + 1;
    this.#typical[1] = seen;
    // The first few may be far too fast: then what follows is no outlier.
    const isSettled = seen * TYPICAL_SHARE > 0.25;
    const countedMs = isSettled ? Math.min(delayMs, typicalMs * TYPICAL_RATIO_MAX) : delayMs;
    this.#typical[0] = typicalMs + (countedMs - typicalMs) * Math.max(TYPICAL_SHARE, 1 / seen);
  }

  /** Nothing was answered in all that time: a bound that can raise what is held of the endpoint and never lowers it. */
  ended(slot: number, outcome: Outcome, nowMs: number): void {
    const { kind, firstByteMs, totalMs } = outcome;
    if (firstByteMs !== undefined || (kind !== "timeout" && kind !== "broken" && kind !== "cancelled"))
      return;
    const isKnown = this.#isKnown(slot);
    if (totalMs <= (isKnown ? this.#latencyMs[slot]! : this.#presumedMs(slot))) {
      // As silent as before: the next trial is as far from this one.
      if (isKnown && totalMs > this.#presumedMs(slot) * PATIENCE) this.#stampMs[slot] = nowMs;
      return;
    }
    this.cells[1] = totalMs;
    this.#learn(slot, nowMs);
  }

  /** Writes the cost of one more request to `cells[0]`; `eligible`: how many share what is in flight. */
  write(slot: number, eligible: number, nowMs: number): void {
    const columns = this.#columns;
    const inFlight = columns.inFlight[slot]!;
    this.#writeDelay(slot, inFlight, nowMs);
    const queue = 1 + inFlight / nominalWeight(columns, slot);
    const cells = this.cells;
    const isFree =
      columns.errorRatio[slot] === 0 || (columns.waiting[slot] === 0 && isTrialDue(columns, slot, nowMs));
    const ratio = isFree ? 0 : errorRatioNow(columns, slot, nowMs);
    if (ratio === 0) cells[0] = cells[0]! * queue;
    else {
      const chargeMs = ratio * ERROR_COST * (this.#typical[0]! || DELAY_UNKNOWN_MS);
      cells[0] = (cells[0]! + chargeMs) * (queue + (ratio * columns.inFlightTotal) / eligible);
    }
  }

  /** What an endpoint takes whatever its queue, errors charged [ms]; for those who are in no hurry. */
  steadyMs(slot: number, nowMs: number): number {
    // 1 in flight: an endpoint without history counts as typical rather than as free.
    this.#writeDelay(slot, 1, nowMs);
    const ratio = errorRatioNow(this.#columns, slot, nowMs);
    return this.cells[0]! + ratio * ERROR_COST * (this.#typical[0]! || DELAY_UNKNOWN_MS);
  }

  factors(slot: number, eligible: number, nowMs: number): readonly Factor[] {
    const columns = this.#columns;
    this.#writeDelay(slot, columns.inFlight[slot]!, nowMs);
    const delayMs = this.cells[0]!;
    return [
      ...(this.#isKnown(slot)
        ? [
            { name: "latency", value: this.#latencyMs[slot]!, unit: "ms" },
            { name: "company", value: this.#company[slot]!, unit: "requests" },
          ]
        : []),
      { name: "age", value: waitingAgeMs(columns, slot, nowMs), unit: "ms" },
      { name: "errorRatio", value: errorRatioNow(columns, slot, nowMs), unit: "" },
      { name: "typical", value: this.#typical[0]!, unit: "ms" },
      { name: "delay", value: delayMs, unit: "ms" },
      { name: "meanInFlight", value: columns.inFlightTotal / eligible, unit: "requests" },
      ...commonFactors(columns, slot),
    ];
  }

  copy(columns: Columns): DelayCost {
    const copied = new DelayCost(columns);
    copied.#count = this.#count.slice();
    copied.#latencyMs = this.#latencyMs.slice();
    copied.#company = this.#company.slice();
    copied.#divisor = this.#divisor.slice();
    copied.#stampMs = this.#stampMs.slice();
    copied.#generation = this.#generation.slice();
    copied.#typical.set(this.#typical);
    return copied;
  }

  /** The latency that is supposed of an endpoint without history: with its company, it comes to the typical delay. */
  #presumedMs(slot: number): number {
    return (this.#typical[0]! || DELAY_UNKNOWN_MS) * this.#companyNow(slot) ** COMPANY_EXPONENT;
  }

  #companyNow(slot: number): number {
    return Math.max(1, this.#columns.inFlight[slot]! / this.#columns.traits.weight[slot]!);
  }

  #isKnown(slot: number): boolean {
    return slot < this.#generation.length && this.#generation[slot] === this.#columns.generation[slot];
  }

  #writeDelay(slot: number, inFlight: number, nowMs: number): void {
    const { cells } = this;
    const typicalMs = this.#typical[0]! || DELAY_UNKNOWN_MS;
    const known = this.#isKnown(slot);
    const divisor = known ? this.#divisor[slot]! : 1;
    let delayMs = inFlight === 0 ? 0 : typicalMs;
    if (known) {
      delayMs = this.#latencyMs[slot]! / divisor;
      const ratio = delayMs / typicalMs;
      const count = Math.trunc(this.#count[slot]!);
      const isAlike = ratio <= ALIKE_TO[count]! && ratio >= ALIKE_FROM[count]!;
      const isTrial = nowMs - this.#stampMs[slot]! >= TRIAL_MS && this.#columns.waiting[slot] === 0;
      if (isAlike || isTrial) delayMs = typicalMs;
    }
    const ageMs = waitingAgeMs(this.#columns, slot, nowMs) / divisor;
    if (ageMs > PATIENCE * delayMs) delayMs = ageMs;
    cells[0] = delayMs < DELAY_MIN_MS ? DELAY_MIN_MS : delayMs;
  }

  /** The sample is in `cells[1]`. */
  #learn(slot: number, nowMs: number): void {
    const columns = this.#columns;
    if (slot >= this.#generation.length) this.#grow(columns.capacity);
    const sampleMs = this.cells[1]!;
    const company = this.#companyNow(slot);
    if (this.#isKnown(slot)) {
      const before = this.#count[slot]!;
      const gapMs = nowMs - this.#stampMs[slot]!;
      let worth = before;
      const alikeMs = this.#typical[0]! * this.#divisor[slot]! * ALIKE_TO[Math.trunc(before)]!;
      if (gapMs >= TRIAL_MS && this.#latencyMs[slot]! > alikeMs) {
        worth = 0;
      } else if (gapMs * SAMPLES >= TAU_MS) {
        // At a higher rate more come than are counted.
        worth *= Math.exp(-gapMs / TAU_MS);
      }
      const count = Math.min(SAMPLES_MAX, 1 + worth);
      const share = Math.max(1 / SAMPLES, 1 / count);
      this.#count[slot] = count;
      this.#latencyMs[slot] = this.#latencyMs[slot]! + (sampleMs - this.#latencyMs[slot]!) * share;
      this.#company[slot] = this.#company[slot]! + (company - this.#company[slot]!) * share;
    } else {
      this.#generation[slot] = columns.generation[slot]!;
      this.#count[slot] = 1;
      this.#latencyMs[slot] = sampleMs;
      this.#company[slot] = company;
    }
    this.#stampMs[slot] = nowMs;
    this.#divisor[slot] = this.#company[slot] ** COMPANY_EXPONENT;
  }

  #grow(capacity: number): void {
    this.#count = grown(this.#count, capacity);
    this.#latencyMs = grown(this.#latencyMs, capacity);
    this.#company = grown(this.#company, capacity);
    this.#divisor = grown(this.#divisor, capacity);
    this.#stampMs = grown(this.#stampMs, capacity);
    this.#generation = grown(this.#generation, capacity, -1);
  }
}
