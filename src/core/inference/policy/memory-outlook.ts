/**
 * How much it hurts to put something into an endpoint's KV cache, as seen from all candidates together. Once per decision.
 *
 *     again(slot) = (odds(keeps(slot)) + mean of them over the candidates) / 2, at most AGAIN_MAX               in [0, 1]
 *     busy        = mean over the candidates of tokens in use / tokens there is room for, at most BUSY_MAX     in [0, 1]
 *
 * again: probability that what is pushed out there is asked for again. odds: of a block that has not been used for so long
 * (prefix/reuse-odds.ts). keeps: how long the slot's cache keeps what nobody uses, in ms (knowledge.ts); short where much is in use or
 * much comes in. Half of it is the fleet's: what one endpoint has more in use than others passes with the answers under way there, and
 * an endpoint with room today pushes out as the others do once it is full. With its own half alone prefixes are copied to
 * wherever there is room until there is room nowhere; with the fleet's alone sessions crowd where they began.
 */
import { grown } from "../../signals/grown.ts";
import type { Knowledge } from "./knowledge.ts";

const AGAIN_MAX = 0.9;
const BUSY_MAX = 0.9;

export class MemoryOutlook {
  readonly #knowledge: Knowledge;
  /** By slot, as of the last look. */
  #odds = new Float64Array(16);
  /** Mean of odds, and of the share of room in use. */
  readonly #means = new Float64Array(2);

  constructor(knowledge: Knowledge) {
    this.#knowledge = knowledge;
  }

  /** As another has last looked at it. */
  remember(other: MemoryOutlook): void {
    this.#odds = other.#odds.slice();
    this.#means.set(other.#means);
  }

  survey(candidates: Int32Array, count: number, nowMs: number): void {
    const { capacity } = this.#knowledge;
    let odds = 0;
    let used = 0;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i]!;
      this.look(slot, nowMs);
      odds += this.#odds[slot]!;
      used += this.#knowledge.kvTokens(slot) / capacity.engineTokens(slot);
    }
    this.#means[0] = odds / count;
    this.#means[1] = used / count;
  }

  /** Anew for one slot. */
  look(slot: number, nowMs: number): void {
    if (slot >= this.#odds.length) {
      this.#odds = grown(this.#odds, slot * 2);
    }
    const { index } = this.#knowledge;
    this.#odds[slot] = Math.min(AGAIN_MAX, index.odds.of(this.#knowledge.keepsMs(slot, nowMs)));
  }

  again(slot: number): number {
    return (this.#odds[slot]! + this.#means[0]!) / 2;
  }

  get busy(): number {
    return Math.min(BUSY_MAX, this.#means[1]!);
  }
}
