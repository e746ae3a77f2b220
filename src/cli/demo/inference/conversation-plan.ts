/**
 * Who says what and when in the inference demo: conversations, the same for both fleets, by a seed.
 *
 * 40 system prompts of some 2,500 tokens (an assistant's instructions, a document), the k-th as popular as 1 / sqrt(k). All of them
 * together are more than one engine's cache holds, and less than the fleet's: whoever spreads them evenly computes them again
 * and again. A conversation has four turns in the mean, each begins with all that was said before, and comes some
 * seconds after the answer to the one before.
 *
 * Pure; times in milliseconds.
 */
import { exponential, normal } from "../../../sim/chance/work.ts";
import { createPrng, type Prng } from "../../../std/prng.ts";

export interface PlannedTurn {
  /** What the user says. */
  readonly text: string;
  readonly answerTokens: number;
  /** From the answer before. */
  readonly thinkMs: number;
}

export interface PlannedConversation {
  readonly beginMs: number;
  readonly system: string;
  readonly turns: readonly PlannedTurn[];
}

const SYSTEM_PROMPTS = 40;
const SYSTEM_TOKENS_MIN = 2000;
const SYSTEM_TOKENS_SPREAD = 1000;
const TURNS_MEAN = 4;
const TURNS_MAX = 10;
const THINK_MS = 3000;
const TURN_TOKENS = 60;
const ANSWER_TOKENS = 64;
/** Conversations a second. */
const ARRIVALS_PER_SEC = 2.4;
/** So many more begin in the first seconds, since at any later moment as many are under way. */
const BEGUN_BEFORE = 30;
const BEGUN_WITHIN_MS = 4000;

const CHARACTERS_PER_TOKEN = 4;
const SYLLABLES = ["ba", "co", "di", "fe", "gu", "la", "mo", "ni", "pe", "ru", "sa", "to", "vi", "we", "zo"];

export class ConversationPlan {
  readonly #prng: Prng;
  readonly #systems: readonly string[];
  readonly #popularity: readonly number[];
  #begun = 0;
  #atMs = 0;

  constructor(seed: number) {
    this.#prng = createPrng(seed);
    this.#systems = Array.from({ length: SYSTEM_PROMPTS }, () =>
      words(this.#prng, SYSTEM_TOKENS_MIN + this.#prng.below(SYSTEM_TOKENS_SPREAD)),
    );
    let sum = 0;
    this.#popularity = this.#systems.map((_, rank) => (sum += 1 / Math.sqrt(rank + 1)));
  }

  /** In the order in which they begin; without an end. */
  next(): PlannedConversation {
    const prng = this.#prng;
    const isExtra = this.#begun < BEGUN_BEFORE;
    this.#begun++;
    this.#atMs += exponential(prng) * (isExtra ? BEGUN_WITHIN_MS / BEGUN_BEFORE : 1000 / ARRIVALS_PER_SEC);
    const target = prng.float() * this.#popularity.at(-1)!;
    const rank = this.#popularity.findIndex((sum) => target < sum);
    const count = Math.min(TURNS_MAX, 1 + Math.floor((TURNS_MEAN - 0.5) * exponential(prng)));
    const turns = Array.from({ length: count }, () => ({
      text: words(prng, lognormal(prng, TURN_TOKENS)),
      answerTokens: lognormal(prng, ANSWER_TOKENS),
      thinkMs: THINK_MS * exponential(prng),
    }));
    return { beginMs: this.#atMs, system: this.#systems[rank]!, turns };
  }
}

/** At least 4, with that mean. */
function lognormal(prng: Prng, mean: number): number {
  const sigma = 0.6;
  return Math.max(4, Math.round(mean * Math.exp(sigma * normal(prng) - (sigma * sigma) / 2)));
}

/** Text of so many tokens that nobody else says. */
function words(prng: Prng, tokens: number): string {
  let text = "";
  while (text.length < tokens * CHARACTERS_PER_TOKEN) {
    for (let count = 1 + prng.below(3); count >= 0; count--) text += SYLLABLES[prng.below(SYLLABLES.length)]!;
    text += " ";
  }
  return text.slice(0, tokens * CHARACTERS_PER_TOKEN);
}
