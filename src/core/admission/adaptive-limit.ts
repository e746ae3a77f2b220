/**
 * How many requests a pool can have under way before they only wait for each other: found from how long answers take to begin.
 *
 * Netflix' Gradient2 (concurrency-limits) on the time to the first byte, in windows of WINDOW_MS with at least SAMPLES_MIN
 * answers:
 *
 *     gradient = clamp(tolerance * unloaded / median, 0.5, 1)
 *     limit    = 0.8 * limit + 0.2 * (gradient * limit + sqrt(limit))
 *
 * Below congestion the gradient is 1 and the limit grows by sqrt(limit); at rest the median is about `tolerance` times what it is
 * unloaded. Different from the original, because its weaknesses are known:
 *
 * - Per class: each class of work has its own unloaded time and its own median, and the gradients are averaged by number
 *   of answers. A shift from short to long work is not congestion. Medians, for costs within a class vary too.
 * - To the first byte: a stream is judged by how soon it begins, not by how long it lasts.
 * - `unloaded` follows a faster median quickly and a slower one hardly (an hour's half-life at rest would do): the original's
 *   moving average takes a long overload for normal.
 * - Windows last at least one and a half times the time to the first byte, so that each shows what the one before decided.
 * - Was it us? In a saturated pool answers take longer in proportion to the requests under way (Little's law). If those have been
 *   cut to CUT_TEST of what they were when answers were slowest, and answers have not become at least half as much faster as
 *   that predicts, then concurrency is not the cause: the endpoints have become slower. `unloaded` is learned
 *   anew, rather than the limit ground down to its minimum.
 * - Start: until the first sign of congestion the limit grows by half per window, as TCP's does.
 * - Windows in which less than half of the limit was in use teach nothing, since it did not limit.
 *
 * Fallback, AIMD: where more than DROPS_MAX of a window's requests were refused by endpoints for load or timed out, the limit is
 * multiplied by 0.9, whatever the latencies say.
 *
 * Times in ms. Invariant: min <= value <= max.
 */
import type { AdaptiveLimitPolicy } from "../../model/policy.ts";
import { Histogram } from "../signals/histogram.ts";

const WINDOW_MS = 250;
const SAMPLES_MIN = 10;
const GRADIENT_MIN = 0.5;
const SMOOTHING = 0.2;
const START_GROWTH = 1.5;
const DROPS_MAX = 0.05;
const DROP_FACTOR = 0.9;
/** A quarter of the way down per window; up by 1/2400, a time constant of ten minutes of congested windows. */
const FALL_SHARE = 1 / 4;
const RISE_SHARE = 1 / 2400;
/** A third fewer under way: enough for the gain to stand out from the noise of medians. */
const CUT_TEST = 2 / 3;
const LATENCIES_PER_WINDOW = 1.5;
const WINDOW_MS_MAX = 30_000;

interface ClassLatency {
  readonly window: Histogram;
  /** Median when nothing was in the way; below 0: not known yet. */
  unloadedMs: number;
  medianMs: number;
}

export class AdaptiveLimit {
  readonly #policy: AdaptiveLimitPolicy;
  readonly #classes = new Map<string, ClassLatency>();
  #value: number;
  #starting = true;
  /** How many times as long as unloaded answers took in the last window, and on average how long, in ms. */
  #slowness = 1;
  #meanMedianMs = 0;
  /** The slowest window of the present congestion: its slowness and what was under way; 0: there is none. */
  #worstSlowness = 0;
  #worstUnderWay = 0;
  #windowEndMs = Number.NEGATIVE_INFINITY;
  #samples = 0;
  #drops = 0;
  #peak = 0;

  constructor(policy: AdaptiveLimitPolicy) {
    this.#policy = policy;
    this.#value = policy.initial;
  }

  get value(): number {
    return this.#value;
  }

  /** Forgets the classes that are not among these. */
  retain(classNames: readonly string[]): void {
    for (const name of this.#classes.keys()) if (!classNames.includes(name)) this.#classes.delete(name);
  }

  /** An answer began `firstByteMs` after its request started; `underWay` counts that one too. */
  answered(className: string, firstByteMs: number, underWay: number, nowMs: number): void {
    this.#latencyOf(className).window.record(firstByteMs);
    this.#samples++;
    this.#observe(underWay, nowMs);
  }

  /** A request was refused by its endpoint for load, or got no answer in time. */
  dropped(underWay: number, nowMs: number): void {
    this.#drops++;
    this.#observe(underWay, nowMs);
  }

  #observe(underWay: number, nowMs: number): void {
    this.#peak = Math.max(this.#peak, underWay);
    if (this.#windowEndMs === Number.NEGATIVE_INFINITY) this.#windowEndMs = nowMs + WINDOW_MS;
    if (nowMs < this.#windowEndMs || this.#samples + this.#drops < SAMPLES_MIN) return;
    this.#conclude();
    const latencyMs = this.#meanMedianMs * LATENCIES_PER_WINDOW;
    this.#windowEndMs = nowMs + Math.min(WINDOW_MS_MAX, Math.max(WINDOW_MS, latencyMs));
    this.#samples = 0;
    this.#drops = 0;
    this.#peak = 0;
  }

  #conclude(): void {
    const limited = this.#peak * 2 >= this.#value;
    const gradient = this.#readMedians();
    if (this.#drops > (this.#samples + this.#drops) * DROPS_MAX) {
      this.#starting = false;
      this.#set(this.#value * DROP_FACTOR);
    } else if (limited && this.#samples >= SAMPLES_MIN) {
      if (gradient < 1) this.#starting = false;
      if (this.#starting) this.#set(this.#value * START_GROWTH);
      else {
        const aim = gradient * this.#value + Math.sqrt(this.#value);
        this.#set(this.#value * (1 - SMOOTHING) + aim * SMOOTHING);
      }
      this.#doubt(gradient);
    }
  }

  /** Takes each class's median, and answers the gradient over all of them. */
  #readMedians(): number {
    let sum = 0;
    let count = 0;
    let slowness = 0;
    let medians = 0;
    for (const latency of this.#classes.values()) {
      const { window } = latency;
      // A handful says little of a class; it waits for more.
      if (window.count < SAMPLES_MIN) continue;
      const medianMs = window.quantile(0.5);
      latency.medianMs = medianMs;
      const before = latency.unloadedMs;
      if (before < 0) latency.unloadedMs = medianMs;
      else latency.unloadedMs += (medianMs - before) * (medianMs < before ? FALL_SHARE : RISE_SHARE);
      const ratio = (this.#policy.tolerance * latency.unloadedMs) / Math.max(medianMs, Number.MIN_VALUE);
      sum += Math.min(1, Math.max(GRADIENT_MIN, ratio)) * window.count;
      count += window.count;
      slowness += (medianMs / Math.max(latency.unloadedMs, Number.MIN_VALUE)) * window.count;
      medians += medianMs * window.count;
      window.clear();
    }
    if (count > 0) {
      this.#slowness = slowness / count;
      this.#meanMedianMs = medians / count;
    }
    return count === 0 ? 1 : sum / count;
  }

  /** Whether fewer under way has helped as it should have, if the load we let through were the cause. */
  #doubt(gradient: number): void {
    if (gradient >= 1) {
      this.#worstSlowness = 0;
      return;
    }
    if (this.#slowness > this.#worstSlowness) {
      this.#worstSlowness = this.#slowness;
      this.#worstUnderWay = this.#peak;
      return;
    }
    const cut = this.#peak / this.#worstUnderWay;
    if (cut > CUT_TEST) return;
    const expected = this.#worstSlowness * (1 - (1 - cut) / 2);
    this.#worstSlowness = 0;
    if (this.#slowness <= expected) return;
    for (const latency of this.#classes.values()) {
      if (latency.medianMs >= 0) latency.unloadedMs = latency.medianMs;
    }
  }

  #set(value: number): void {
    this.#value = Math.min(this.#policy.max, Math.max(this.#policy.min, value));
  }

  #latencyOf(className: string): ClassLatency {
    let latency = this.#classes.get(className);
    if (latency === undefined) {
      latency = { window: new Histogram(), unloadedMs: -1, medianMs: -1 };
      this.#classes.set(className, latency);
    }
    return latency;
  }
}
