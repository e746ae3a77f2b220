/**
 * What comes in lately: fading sums over the last ten seconds, of the fleet and by endpoint.
 *
 * A sum S fades as S(t) = S(t0) * exp(-(t - t0) / T), T = 10 s, and so does the time it was gathered in; their quotient
 * is the rate. It is a rate after the first request already, of few requests then: hence the least time.
 */
import { grown } from "../../signals/grown.ts";
const FADE_MS = 10_000;
const GATHERED_LEAST_MS = 200;
/** More than this of an endpoint's time in prefill is taken for this: queues are then what they are seen to be. */
const BUSY_MAX = 0.8;

export class Traffic {
  /** Of the fleet: requests, their prefill work at the fleet's pace [ms], the time they came in [ms]. */
  #requests = 0;
  #fleetWorkMs = 0;
  #gatheredMs = 0;
  #stampMs = 0;
  /** By slot: prefill work at the slot's pace [ms], tokens that were not cached with their answers, and when. */
  #workMs = new Float64Array(16);
  #tokens = new Float64Array(16);
  #slotStampMs = new Float64Array(16);
  #endpoints = 0;

  /** Requests that come to one endpoint, in 1/ms. */
  arrivalsPerMs(): number {
    return this.#requests / this.#endpointMs();
  }

  /** Requests that come to one endpoint while it works off one ms of prefill: lambda / (1 - rho), in 1/ms. */
  followersPerMs(): number {
    const endpointMs = this.#endpointMs();
    return this.#requests / endpointMs / (1 - Math.min(BUSY_MAX, this.#fleetWorkMs / endpointMs));
  }

  /**
   * Share of the slot's time that will go to prompts during the next `lifeMs`. What it had more than others lately lasts as
   * long as the traffic is averaged over, then it is like the others.
   */
  prefillShare(slot: number, lifeMs: number, nowMs: number): number {
    const share = (this.#workMs[slot]! * this.#slotLeft(slot, nowMs)) / this.#spanMs();
    const mean = this.#fleetWorkMs / this.#endpointMs();
    const life = Math.max(1, lifeMs) / FADE_MS;
    const lasting = (1 - Math.exp(-life)) / life;
    return Math.min(BUSY_MAX, mean + (share - mean) * lasting);
  }

  /** Tokens that come new into the slot's KV cache, in 1/ms. */
  tokensPerMs(slot: number, nowMs: number): number {
    return (this.#tokens[slot]! * this.#slotLeft(slot, nowMs)) / this.#spanMs();
  }

  /** `workMs` at the fleet's pace and `slotWorkMs` at the slot's, of a prompt with its `tokens` not cached and to come. */
  sent(slot: number, workMs: number, slotWorkMs: number, tokens: number, nowMs: number): void {
    const passedMs = this.#requests === 0 ? 0 : nowMs - this.#stampMs;
    const left = Math.exp(-passedMs / FADE_MS);
    this.#requests = this.#requests * left + 1;
    this.#fleetWorkMs = this.#fleetWorkMs * left + workMs;
    // The integral of what is left of each moment.
    this.#gatheredMs = this.#gatheredMs * left + FADE_MS * (1 - left);
    this.#stampMs = nowMs;
    const slotLeft = this.#slotLeft(slot, nowMs);
    this.#workMs[slot] = this.#workMs[slot]! * slotLeft + slotWorkMs;
    this.#tokens[slot] = this.#tokens[slot]! * slotLeft + tokens;
    this.#slotStampMs[slot] = nowMs;
  }

  joined(slot: number, nowMs: number): void {
    if (slot >= this.#workMs.length) this.#grow(slot);
    this.#workMs[slot] = 0;
    this.#tokens[slot] = 0;
    this.#slotStampMs[slot] = nowMs;
    this.#endpoints++;
  }

  left(): void {
    this.#endpoints--;
  }

  #spanMs(): number {
    return Math.max(GATHERED_LEAST_MS, this.#gatheredMs);
  }

  #endpointMs(): number {
    return Math.max(1, this.#endpoints) * this.#spanMs();
  }

  #slotLeft(slot: number, nowMs: number): number {
    return Math.exp((this.#slotStampMs[slot]! - nowMs) / FADE_MS);
  }

  #grow(slot: number): void {
    let length = this.#workMs.length;
    while (slot >= length) length *= 2;
    this.#workMs = grown(this.#workMs, length);
    this.#tokens = grown(this.#tokens, length);
    this.#slotStampMs = grown(this.#slotStampMs, length);
  }
}
