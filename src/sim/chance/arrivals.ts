/**
 * When requests arrive.
 *
 * A process with a rate that changes in steps: unit gaps (drawn from the exponential distribution for Poisson, 1 for
 * even arrivals) are stretched by the rate in force, so a gap that spans a change is partly stretched by the one and partly
 * by the other rate. For Poisson arrivals this is exact. Bursts multiply the rate by a two-state process whose states
 * last exponentially long; it is scaled so that the mean rate stays the same.
 */
import type { Prng } from "../../std/prng.ts";
import type { ArrivalSpec, BurstSpec, RateStep } from "../scenario/scenario.ts";
import { exponential } from "./work.ts";

export interface ArrivalTimes {
  /** The next arrival's time; Infinity when there are no more. Never before the one before it. */
  next(): number;
}

export function arrivalTimes(spec: ArrivalSpec, prng: Prng, burstPrng: Prng): ArrivalTimes {
  if (spec.kind === "recorded") {
    let index = 0;
    return { next: () => spec.timesMs[index++] ?? Number.POSITIVE_INFINITY };
  }
  const gap = spec.kind === "poisson" ? () => exponential(prng) : () => 1;
  return new RatedArrivals(spec.ratePerSec / 1000, spec.steps, spec.bursts, gap, burstPrng);
}

class RatedArrivals implements ArrivalTimes {
  readonly #ratePerMs: number;
  readonly #steps: readonly RateStep[];
  readonly #gap: () => number;
  readonly #bursts: Bursts | undefined;
  #nowMs = 0;
  #step = 0;
  #factor = 1;

  constructor(
    ratePerMs: number,
    steps: readonly RateStep[],
    bursts: BurstSpec | undefined,
    gap: () => number,
    burstPrng: Prng,
  ) {
    this.#ratePerMs = ratePerMs;
    this.#steps = steps;
    this.#gap = gap;
    this.#bursts = bursts === undefined ? undefined : new Bursts(bursts, burstPrng);
  }

  next(): number {
    let rest = this.#gap();
    for (;;) {
      const nextStepMs = this.#steps[this.#step]?.atMs ?? Number.POSITIVE_INFINITY;
      const changeMs = Math.min(nextStepMs, this.#bursts?.changeMs ?? Number.POSITIVE_INFINITY);
      const rate = this.#ratePerMs * this.#factor * (this.#bursts?.factor ?? 1);
      const untilChange = rate === 0 ? 0 : rate * (changeMs - this.#nowMs);
      if (rest <= untilChange) {
        this.#nowMs += rest / rate;
        return this.#nowMs;
      }
      if (changeMs === Number.POSITIVE_INFINITY) return changeMs;
      rest -= untilChange;
      this.#nowMs = changeMs;
      if (changeMs === nextStepMs) this.#factor = this.#steps[this.#step++]!.factor;
      else this.#bursts!.change();
    }
  }
}

class Bursts {
  readonly #spec: BurstSpec;
  readonly #prng: Prng;
  /** Relative rate between bursts; in a burst `spec.factor` times that. */
  readonly #base: number;
  #on = false;
  changeMs = 0;

  constructor(spec: BurstSpec, prng: Prng) {
    this.#spec = spec;
    this.#prng = prng;
    this.#base = (spec.onMs + spec.offMs) / (spec.onMs * spec.factor + spec.offMs);
    this.changeMs = spec.offMs * exponential(prng);
  }

  get factor(): number {
    return this.#on ? this.#base * this.#spec.factor : this.#base;
  }

  change(): void {
    this.#on = !this.#on;
    this.changeMs += (this.#on ? this.#spec.onMs : this.#spec.offMs) * exponential(this.#prng);
  }
}
