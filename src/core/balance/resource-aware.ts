/**
 * ResourceAware: endpoints in turn by weights made of the resources they report, and of two turns the one with fewer
 * requests in flight for its weight.
 *
 * Once a second the weights are made anew (resource-weight.ts). After gRFC A58:
 * - Blackout: reports count once an endpoint has sent them for 10 s, so that a new one is not judged by its warm-up.
 * - Expiry: after 3 min without a report nothing is known. On the way there trust fades: from 30 s on (three times the
 *   slowest common interval) the weight slides to the mean.
 * - An endpoint of unknown weight has the mean of the known ones.
 * - With fewer than two known, all weights are alike.
 *
 * Repairs: every weight is pulled to the mean by a tenth, because an endpoint that idles at some base utilisation is
 * under-estimated while it has little traffic, and could not win it back; and no weight is above ten times the
 * mean, which bounds both a wrong report's harm and the length of a turn. Weights follow with a time constant of 3 s:
 * a report is one second's sample, and its noise is no reason to move traffic.
 *
 * A report is trailing by seconds; requests in flight are known now. So the turn proposes two, and the count decides; the
 * one passed over has the next turn, else a rhythm of turns could starve it. Where
 * one of the two is unknown, the latency cost decides between them (latency-cost.ts): without reports this policy
 * is PeakEwma over turns.
 */
import type { Factor } from "../../model/explanation.ts";
import { grown } from "../signals/grown.ts";
import { EXPIRY_MS } from "../signals/load.ts";
import { cheaperOf, latencyFactors } from "./latency-cost.ts";
import type { PickFacts } from "./pick-facts.ts";
import { PickerBase, type PickerWorld } from "./picker.ts";
import { utilisationOf } from "./resource-utilisation.ts";
import { resourceWeight } from "./resource-weight.ts";
import { StaticStride } from "./static-stride.ts";
import { BY_COST, BY_IN_FLIGHT, BY_TURN } from "./trace.ts";
import { NONE } from "./two-choices.ts";
import { nominalWeight } from "./weight.ts";

const BLACKOUT_MS = 10_000;
const FADING_MS = 30_000;
const UPDATE_MS = 1_000;
const PULL = 0.1;
const WEIGHT_MAX = 10;
const SMOOTHING_MS = 3_000;

/** Own rates are means over some ten seconds. */
const RATE_SHARE = 0.1;

export class ResourceAware extends PickerBase {
  readonly #world: PickerWorld;
  readonly #stride: StaticStride;
  /** By slot, relative to the mean; 0 where unknown. */
  #weights = new Float64Array(0);
  /** Had its turn and lost it to a better one; has the next. NONE: nobody. */
  #passedOver = NONE;
  #ownPerSec = new Float64Array(0);
  #requestsBefore = new Float64Array(0);
  /** The largest of them; at least the mean, 1. */
  #highest = 1;
  readonly #updatedMs = new Float64Array([Number.NEGATIVE_INFINITY]);

  constructor(world: PickerWorld, stride = new StaticStride(world.prng.uint32() >>> 1)) {
    super();
    this.#world = world;
    this.#stride = stride;
  }

  choose(facts: PickFacts, nowMs: number): number {
    const { candidates, trace } = this.#world;
    const { tried } = facts;
    if (tried.length > 0) {
      const slot = this.#stride.untriedTurn(candidates, tried);
      trace.single(slot, BY_TURN);
      return slot;
    }
    const waits = this.#passedOver !== NONE && candidates.has(this.#passedOver);
    const first = waits ? this.#passedOver : this.#stride.turn(candidates);
    const second = candidates.size > 1 ? this.#stride.turn(candidates) : first;
    if (second === first) {
      // Two turns in a row: the other one waits.
      this.#passedOver = candidates.size > 1 ? first : NONE;
      trace.single(first, BY_TURN);
      return first;
    }
    const slot = this.#better(first, second, nowMs);
    // Whoever loses for the first time has the next turn; the second time it has lost it.
    this.#passedOver = slot === first ? second : waits ? NONE : first;
    return slot;
  }

  /** Until the next update it has the weight of its slot's column, or the mean. */
  override entered(slot: number): void {
    this.#makeRoom();
    this.#stride.setWeight(slot, this.#ratioOf(slot));
  }

  override rebalance(nowMs: number): void {
    const sinceMs = nowMs - this.#updatedMs[0]!;
    this.#makeRoom();
    if (sinceMs >= UPDATE_MS) {
      this.#measureOwn(sinceMs);
      this.#updatedMs[0] = nowMs;
      this.#weigh(nowMs, 1 - Math.exp(-sinceMs / SMOOTHING_MS));
    }
    const { candidates } = this.#world;
    for (let index = 0; index < candidates.size; index++) {
      const slot = candidates.at(index);
      this.#stride.setWeight(slot, this.#ratioOf(slot));
    }
  }

  shareOf(slot: number): number {
    return (this.#weights[slot] || 1) * nominalWeight(this.#world.columns, slot);
  }

  factors(slot: number, nowMs: number): readonly Factor[] {
    const { columns, candidates, options } = this.#world;
    const { load } = columns;
    const isReporting = load.stampMs[slot]! >= 0;
    return [
      { name: "resourceWeight", value: this.#weights[slot] ?? 0, unit: "" },
      ...(isReporting ? [{ name: "reportAge", value: nowMs - load.stampMs[slot]!, unit: "ms" }] : []),
      ...(isReporting
        ? [{ name: "utilisation", value: utilisationOf(load, slot, options.resource), unit: "" }]
        : []),
      ...(load.requestsPerSec[slot]! >= 0
        ? [{ name: "reportedRate", value: load.requestsPerSec[slot]!, unit: "1/s" }]
        : []),
      ...latencyFactors(columns, slot, candidates.size, nowMs),
    ];
  }

  copy(world: PickerWorld): ResourceAware {
    const copied = new ResourceAware(world, this.#stride.copy());
    copied.#weights = this.#weights.slice();
    copied.#ownPerSec = this.#ownPerSec.slice();
    copied.#requestsBefore = this.#requestsBefore.slice();
    copied.#passedOver = this.#passedOver;
    copied.#highest = this.#highest;
    copied.#updatedMs[0] = this.#updatedMs[0]!;
    return copied;
  }

  /** A tie goes to the first, whose turn it was. */
  #better(first: number, second: number, nowMs: number): number {
    const { candidates, columns, trace } = this.#world;
    const firstWeight = this.#weights[first] ?? 0;
    const secondWeight = this.#weights[second] ?? 0;
    if (firstWeight === 0 || secondWeight === 0) {
      trace.pair(first, second, BY_COST);
      return cheaperOf(columns, first, second, candidates.size, nowMs, trace.scores);
    }
    const { scores } = trace;
    scores[0] = columns.inFlight[first]! / (firstWeight * nominalWeight(columns, first));
    scores[1] = columns.inFlight[second]! / (secondWeight * nominalWeight(columns, second));
    trace.pair(first, second, BY_IN_FLIGHT);
    return scores[1] < scores[0] ? second : first;
  }

  #ratioOf(slot: number): number {
    return this.shareOf(slot) / (this.#highest * this.#world.columns.traits.weightMax[0]!);
  }

  #measureOwn(sinceMs: number): void {
    const { requests } = this.#world.columns;
    for (let slot = 0; slot < this.#ownPerSec.length; slot++) {
      const count = requests[slot]! - this.#requestsBefore[slot]!;
      this.#requestsBefore[slot] = requests[slot]!;
      // A slot that changed hands counts from 0 again; and the first interval has no length.
      const perSec = Number.isFinite(sinceMs) && count >= 0 ? (count * 1000) / sinceMs : 0;
      this.#ownPerSec[slot] = this.#ownPerSec[slot]! + (perSec - this.#ownPerSec[slot]!) * RATE_SHARE;
    }
  }

  /** `share`: how far a weight goes towards its new value. */
  #weigh(nowMs: number, share: number): void {
    const { candidates, columns, options } = this.#world;
    const before = this.#weights;
    const weights = new Float64Array(before.length);
    this.#weights = weights;
    let sum = 0;
    let known = 0;
    for (let index = 0; index < candidates.size; index++) {
      const slot = candidates.at(index);
      if (!this.#isUsable(slot, nowMs)) continue;
      const weight = resourceWeight(columns.load, slot, options.resource, this.#ownPerSec[slot]!);
      if (!(weight > 0)) continue;
      weights[slot] = weight;
      sum += weight;
      known++;
    }
    this.#highest = 1;
    if (known < 2) {
      weights.fill(0);
      return;
    }
    const mean = sum / known;
    const exact = options.resource.formula === "source-text";
    for (let index = 0; index < candidates.size; index++) {
      const slot = candidates.at(index);
      if (weights[slot] === 0) continue;
      const relative = weights[slot]! / mean;
      const target = exact ? relative : tempered(relative, nowMs - columns.load.stampMs[slot]!);
      const last = before[slot]! || target;
      weights[slot] = exact ? target : last + (target - last) * share;
      this.#highest = Math.max(this.#highest, weights[slot]);
    }
  }

  #isUsable(slot: number, nowMs: number): boolean {
    const { load } = this.#world.columns;
    const stampMs = load.stampMs[slot]!;
    return stampMs >= 0 && nowMs - stampMs <= EXPIRY_MS && nowMs - load.sinceMs[slot]! >= BLACKOUT_MS;
  }

  #makeRoom(): void {
    const { capacity } = this.#world.columns;
    if (this.#weights.length >= capacity) return;
    this.#weights = grown(this.#weights, capacity);
    this.#ownPerSec = grown(this.#ownPerSec, capacity);
    this.#requestsBefore = grown(this.#requestsBefore, capacity);
  }
}

/** Pulled to the mean, bounded, and trusted as far as the report is fresh. */
function tempered(relative: number, ageMs: number): number {
  const trust = Math.min(1, Math.max(0, (EXPIRY_MS - ageMs) / (EXPIRY_MS - FADING_MS)));
  return 1 + (Math.min(WEIGHT_MAX, relative) - 1) * (1 - PULL) * trust;
}
