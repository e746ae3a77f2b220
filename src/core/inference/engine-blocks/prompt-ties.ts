/**
 * Which token block of an engine has to be held for a byte block of a prompt to be held: learned prompt by prompt.
 *
 * A prompt's tokens come from an engine's tokeniser, after the request has gone, or from the prompt itself where it came as
 * tokens. A byte block i is held where the last token block that ends within the first i byte blocks is held:
 *
 *     last(i) = floor(tokens up to the end of byte block i / tokens per engine block)
 *
 * The number of tokens up to there is exact for prompts that came as tokens; for others it is taken in proportion to the
 * bytes, so the border may be off by a few blocks where text is uneven, or where a chat template adds tokens in front.
 *
 * Bounded by `tiesMax`: beyond, the ties learned first go first.
 */
import { blockAfter, rootOf } from "./token-chain.ts";

/** A prompt's blocks of bytes, as of PromptBlocks, and its tokens as the engine counts them. */
export interface TokenisedPrompt {
  readonly hashes: Float64Array;
  readonly count: number;
  readonly blockBytes: number;
  readonly bytes: number;
  readonly tokens: Int32Array;
  readonly adapter: string;
  /** Empty: none. */
  readonly cacheSalt: string;
}

/** vLLM's, until an event says otherwise. */
const BLOCK_TOKENS_DEFAULT = 16;
/** Different sizes of blocks in one pool; beyond, further ones are not tied. */
const SIZES_MAX = 4;
/** Different texts behind one block of tokens: prompts that differ only where the tokeniser makes no difference. */
const TIED_TO_ONE_MAX = 64;

const NONE: readonly number[] = [];

export class PromptTies {
  readonly #max: number;
  /** By the token block's name: byte blocks. In the order of the first tie. */
  readonly #tied = new Map<number, number[]>();
  #size = 0;
  /** All byte blocks tied, and those too far in front to need a token block. In the order of their first tie. */
  readonly #covered = new Set<number>();
  #blockSizes: readonly number[] = [BLOCK_TOKENS_DEFAULT];
  #areSizesKnown = false;

  constructor(tiesMax: number) {
    this.#max = tiesMax;
  }

  get size(): number {
    return this.#size;
  }

  /** The byte blocks tied to the token block of this name. */
  at(name: number): readonly number[] {
    return this.#tied.get(name) ?? NONE;
  }

  covers(hash: number): boolean {
    return this.#covered.has(hash);
  }

  /** An engine's blocks have so many tokens. Ties made for another size serve it no more than none. */
  learnSize(blockTokens: number): void {
    if (this.#areSizesKnown && this.#blockSizes.includes(blockTokens)) return;
    if (!this.#areSizesKnown) this.#blockSizes = [blockTokens];
    else if (this.#blockSizes.length === SIZES_MAX) return;
    else this.#blockSizes = [...this.#blockSizes, blockTokens];
    this.#areSizesKnown = true;
    // What was tied for the sizes known so far is to be tied again.
    this.#covered.clear();
  }

  /** `tied` is told each tie that is new. */
  tie(prompt: TokenisedPrompt, tied: (name: number, hash: number) => void): void {
    for (const blockTokens of this.#blockSizes) this.#tieBlocks(prompt, blockTokens, tied);
    for (let i = 0; i < prompt.count; i++) this.#covered.add(prompt.hashes[i]!);
    while (this.#covered.size > this.#max) this.#covered.delete(this.#covered.values().next().value!);
    while (this.#size > this.#max) {
      const [name, hashes] = this.#tied.entries().next().value!;
      this.#size -= hashes.length;
      this.#tied.delete(name);
    }
  }

  #tieBlocks(prompt: TokenisedPrompt, blockTokens: number, tied: (name: number, hash: number) => void): void {
    const { hashes, count, blockBytes, bytes, tokens, cacheSalt } = prompt;
    let name = rootOf(prompt.adapter);
    let done = 0;
    for (let i = 0; i < count; i++) {
      // In one division, so that whole numbers stay whole.
      const tokensSoFar = Math.min(tokens.length, Math.floor((tokens.length * (i + 1) * blockBytes) / bytes));
      const last = Math.floor(tokensSoFar / blockTokens);
      for (; done < last; done++) {
        const extra = done === 0 ? cacheSalt : "";
        name = blockAfter(name, tokens, done * blockTokens, (done + 1) * blockTokens, extra);
      }
      if (last > 0 && this.#add(name, hashes[i]!)) tied(name, hashes[i]!);
    }
  }

  /** False: it was tied already, or too much is. */
  #add(name: number, hash: number): boolean {
    const tied = this.#tied.get(name);
    if (tied === undefined) this.#tied.set(name, [hash]);
    else if (tied.includes(hash) || tied.length === TIED_TO_ONE_MAX) return false;
    else tied.push(hash);
    this.#size++;
    return true;
  }
}
