/**
 * Client-side throttling: once endpoints refuse much of what they are sent, part of it is refused here, where that is
 * cheaper (Google SRE book, chapter "Handling Overload").
 *
 *     p = max(0, (requests - ratio * accepts) / (requests + 1))
 *
 * over a window of two minutes. With ratio 2 nothing is refused while endpoints accept at least half. Requests refused here count
 * as requests, so that p follows what callers want. Only what endpoints say about load speaks against acceptance: an
 * endpoint that is down or slow is for health to judge.
 *
 * p is capped at 80 % (as Envoy's admission control): the original refuses all but one in thousands after a total outage and
 * then takes minutes to notice that it is over. Even so, after a total outage of the whole window, full flow takes
 * 1 + ln(5) = 2.6 half-windows to return, which is why throttling is off unless asked for.
 *
 * Window in twelve parts. Invariant: the sums are those of the parts.
 */
import type { ThrottlePolicy } from "../../model/policy.ts";
import type { Prng } from "../../std/prng.ts";

const PARTS = 12;
const REFUSED_MAX = 0.8;

export class Throttle {
  readonly #policy: ThrottlePolicy;
  readonly #prng: Prng;
  readonly #requests = new Float64Array(PARTS);
  readonly #accepts = new Float64Array(PARTS);
  #requestSum = 0;
  #acceptSum = 0;
  #part = 0;

  constructor(policy: ThrottlePolicy, prng: Prng) {
    this.#policy = policy;
    this.#prng = prng;
  }

  /** Whether this request is refused; if so it has been counted. */
  refuses(nowMs: number): boolean {
    this.#advance(nowMs);
    const ratio = this.refusedRatio;
    if (ratio === 0 || this.#prng.float() >= ratio) return false;
    this.sent(nowMs);
    return true;
  }

  /** A request goes to the endpoints. */
  sent(nowMs: number): void {
    this.#advance(nowMs);
    const index = this.#part % PARTS;
    this.#requests[index] = this.#requests[index]! + 1;
    this.#requestSum++;
  }

  accepted(nowMs: number): void {
    this.#advance(nowMs);
    const index = this.#part % PARTS;
    this.#accepts[index] = this.#accepts[index]! + 1;
    this.#acceptSum++;
  }

  /** Share of requests refused at present, in [0, 0.8]. */
  get refusedRatio(): number {
    const excess = this.#requestSum - this.#policy.ratio * this.#acceptSum;
    return excess <= 0 ? 0 : Math.min(REFUSED_MAX, excess / (this.#requestSum + 1));
  }

  #advance(nowMs: number): void {
    const part = Math.floor((nowMs * PARTS) / this.#policy.windowMs);
    const passed = Math.min(PARTS, part - this.#part);
    for (let step = 0; step < passed; step++) {
      const index = (part - step) % PARTS;
      this.#requestSum -= this.#requests[index]!;
      this.#acceptSum -= this.#accepts[index]!;
      this.#requests[index] = 0;
      this.#accepts[index] = 0;
    }
    if (passed > 0) this.#part = part;
  }
}
