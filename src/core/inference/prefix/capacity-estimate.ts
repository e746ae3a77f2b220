/**
 * How many of a prompt's blocks an endpoint's cache has room for, and how far a match in the index can be believed.
 *
 *     capacity = engineTokens / tokensPerBlock * promptShare * scale        [blocks of the index]
 *
 * engineTokens: what the engine or its profile says, unknown at first. promptShare: answers take room too but are not in the
 * index; the share of prompts among what is newly computed, of the last MEMORY_TOKENS. scale: learned. An answer
 * that reports fewer cached tokens than the index promised, although little came in since, says the room is less; a
 * hit on something old says it is more. Without any word on the size, the first such loss makes what the index holds the size.
 *
 * trust: cached over promised tokens, fading; an engine without a prefix cache ends near 0 after a dozen answers. An engine
 * that has forgotten all it should have known, twice in a row, was restarted: `isReset`.
 */
import { grown } from "../../signals/grown.ts";
/** Tokens that count as all prompt at first, and after how many the past fades. */
const PRIOR_TOKENS = 10_000;
const MEMORY_TOKENS = 200_000;
const TRUST_RATE = 0.1;
const LOST = 0.9;

export class CapacityEstimate {
  #engineTokens = new Float64Array(16);
  #scale = new Float64Array(16);
  /** Tokens newly computed, lately: of prompts, and all. */
  #newPrompt = new Float64Array(16);
  #newTokens = new Float64Array(16);
  #trust = new Float64Array(16);
  #blank = new Uint8Array(16);

  joined(slot: number, engineTokens: number | undefined): void {
    let length = this.#scale.length;
    if (slot >= length) {
      while (slot >= length) length *= 2;
      this.#engineTokens = grown(this.#engineTokens, length);
      this.#scale = grown(this.#scale, length);
      this.#newPrompt = grown(this.#newPrompt, length);
      this.#newTokens = grown(this.#newTokens, length);
      this.#trust = grown(this.#trust, length);
      this.#blank = grown(this.#blank, length);
    }
    this.#engineTokens[slot] = engineTokens ?? Number.POSITIVE_INFINITY;
    this.#scale[slot] = 1;
    this.#newPrompt[slot] = PRIOR_TOKENS;
    this.#newTokens[slot] = PRIOR_TOKENS;
    this.#trust[slot] = 1;
    this.#blank[slot] = 0;
  }

  /** The engine says how many tokens its cache holds. */
  stated(slot: number, tokens: number): void {
    if (tokens > 0 && tokens !== this.#engineTokens[slot]) this.#engineTokens[slot] = tokens;
  }

  /** Infinity: not known. */
  engineTokens(slot: number): number {
    return this.#engineTokens[slot]!;
  }

  trust(slot: number): number {
    return this.#trust[slot]!;
  }

  blocks(slot: number, tokensPerBlock: number): number {
    const blocks = this.#engineTokens[slot]! / tokensPerBlock;
    return Math.max(16, blocks * (this.#newPrompt[slot]! / this.#newTokens[slot]!) * this.#scale[slot]!);
  }

  /** New prompt tokens and answer tokens that went into the cache. */
  filled(slot: number, promptTokens: number, outputTokens: number): void {
    const sum = promptTokens + outputTokens;
    if (sum <= 0) return;
    const kept = Math.min(1, MEMORY_TOKENS / (this.#newTokens[slot]! + sum));
    this.#newPrompt[slot] = (this.#newPrompt[slot]! + promptTokens) * kept;
    this.#newTokens[slot] = (this.#newTokens[slot]! + sum) * kept;
  }

  /**
   * An answer's cached tokens against those promised; `distance`: blocks taken in between the promise's last use and the
   * request, `held`: blocks of the slot in the index, both in the index's blocks.
   */
  learn(
    slot: number,
    promised: number,
    cached: number,
    distance: number,
    held: number,
    tokensPerBlock: number,
  ): void {
    if (promised <= 0) return;
    const kept = Math.min(1, cached / promised);
    this.#trust[slot] = this.#trust[slot]! + TRUST_RATE * (kept - this.#trust[slot]!);
    const capacity = this.blocks(slot, tokensPerBlock);
    if (kept > 0) this.#blank[slot] = 0;
    else if (promised > 4 * tokensPerBlock && distance < capacity / 8)
      this.#blank[slot] = this.#blank[slot]! + 1;
    if (kept < LOST) {
      if (this.#engineTokens[slot] === Number.POSITIVE_INFINITY && distance > 0)
        this.#engineTokens[slot] = Math.max(held, distance) * tokensPerBlock;
      this.#scale[slot] = Math.max(0.1, this.#scale[slot]! * 0.97);
    } else if (distance > capacity * 0.8) this.#scale[slot] = Math.min(4, this.#scale[slot]! * 1.02);
  }

  /** Twice in a row nothing was left of what was new. Answers once. */
  isReset(slot: number): boolean {
    if (this.#blank[slot]! < 2) return false;
    this.#blank[slot] = 0;
    return true;
  }
}
