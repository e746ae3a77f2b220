/**
 * The canonical bytes of a prompt become a chain of block hashes.
 *
 * Canonical bytes are those the engine's own prefix cache would see change: decoded text, token ids as four bytes each,
 * structure as marks that no UTF-8 has. They come in sections, in whatever order the body has them, and are chained in
 * the order chat templates and caches have them: tools, system, then the prompt itself. Therefore blocks are hashed
 * without their past first, and chained at the end, with the model, adapter and salt as root.
 *
 * What is left of a section behind its last full block goes into the chain, but is no block of its own: what follows
 * depends on it, and nobody counts it as matched. What is left of the last section has no hash.
 *
 * Law: if the canonical bytes of one prompt are a prefix of another's, with the same root, so are its blocks.
 */
import { murmur3 } from "../../../std/murmur3.ts";
import type { PromptBlocks } from "../../../model/inference-facts.ts";
import { grown } from "../../signals/grown.ts";
import { asNumber, chain, createLanes, hashWords } from "./block-hash.ts";

/** About 64 tokens of English: four of vLLM's blocks of 16, fine enough to tell prompts apart. */
export const BLOCK_BYTES_DEFAULT = 256;

export const TOOLS = 0;
export const SYSTEM = 1;
export const MAIN = 2;
export type Section = typeof TOOLS | typeof SYSTEM | typeof MAIN;
const SECTIONS: readonly Section[] = [TOOLS, SYSTEM, MAIN];

const ROOT_SEEDS = [0x2545f491, 0x7feb352d] as const;
/** 64 KiB of prompt at the default block size; doubles from there. */
const BLOCKS_AT_FIRST = 256;

/** Of four bytes. */
const HIGH_BITS = 0x80808080 | 0;

/** From here on a copy by the engine, which allocates a view, beats one byte by byte. */
const COPY_BYTES_MIN = 32;

export class PromptHasher {
  readonly blockBytes: number;
  readonly #block: Uint8Array;
  readonly #words: Int32Array;
  readonly #lanes = createLanes();
  readonly #state = createLanes();
  /** Two words for each full block, in the order they came. */
  #contents = new Int32Array(2 * BLOCKS_AT_FIRST);
  #blocks = 0;
  readonly #seven = new Uint8Array(4);
  #areWords = false;
  #filled = 0;
  #bytes = 0;
  /** Bytes from 0x80 on in all blocks, marks included. */
  #highBytes = 0;
  #marks = 0;
  #section: Section = MAIN;
  /** By section: its first block, its end, and the hash of what is left. */
  readonly #starts = new Int32Array(SECTIONS.length);
  readonly #ends = new Int32Array(SECTIONS.length);
  readonly #rests = new Int32Array(2 * SECTIONS.length);

  /** `blockBytes`: a multiple of 4, at least 16. */
  constructor(blockBytes: number) {
    if (blockBytes % 4 !== 0 || blockBytes < 16)
      throw new RangeError("blockBytes: a multiple of 4, at least 16");
    this.blockBytes = blockBytes;
    this.#block = new Uint8Array(blockBytes);
    this.#words = new Int32Array(this.#block.buffer);
  }

  reset(): void {
    this.#blocks = 0;
    this.#filled = 0;
    this.#bytes = 0;
    this.#highBytes = 0;
    this.#marks = 0;
    this.#starts.fill(0);
    this.#ends.fill(0);
    this.#rests.fill(0);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Each section at most once, one after the other. */
  begin(section: Section): void {
    this.#section = section;
    this.#areWords = false;
    this.#starts[section] = this.#blocks;
    this.#filled = 0;
  }

  end(): void {
    const section = this.#section;
    this.#ends[section] = this.#blocks;
    const filled = this.#filled;
    this.#block.fill(0, filled, (filled + 3) & ~3);
    const words = (filled + 3) >>> 2;
    this.#hash(words, filled);
    this.#rests.set(this.#lanes, 2 * section);
    this.#filled = 0;
  }

  run(bytes: Uint8Array, start: number, end: number): void {
    const block = this.#block;
    let filled = this.#filled;
    for (let at = start; at < end;) {
      const stop = Math.min(end, at + block.length - filled);
      if (stop - at >= COPY_BYTES_MIN) {
        block.set(new Uint8Array(bytes.buffer, bytes.byteOffset + at, stop - at), filled);
        filled += stop - at;
        at = stop;
      } else while (at < stop) block[filled++] = bytes[at++]!;
      if (filled === block.length) {
        this.#seal();
        filled = 0;
      }
    }
    this.#filled = filled;
    this.#bytes += end - start;
  }

  /** A byte of structure: one that no UTF-8 has, 0xf8 to 0xff. */
  mark(byte: number): void {
    this.#marks++;
    this.#block[this.#filled++] = byte;
    this.#bytes++;
    if (this.#filled === this.#block.length) {
      this.#seal();
      this.#filled = 0;
    }
  }

  /** Four bytes; only in a section made of nothing else, which has no wide bytes. */
  word(value: number): void {
    this.#words[this.#filled >>> 2] = value;
    this.#filled += 4;
    this.#bytes += 4;
    this.#areWords = true;
    if (this.#filled === this.#block.length) {
      this.#seal();
      this.#filled = 0;
    }
  }

  words(values: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) this.word(values[i]!);
  }

  /** 28 bits as four bytes below 0x80. */
  digest(value: number): void {
    this.#seven[0] = value & 0x7f;
    this.#seven[1] = (value >>> 7) & 0x7f;
    this.#seven[2] = (value >>> 14) & 0x7f;
    this.#seven[3] = (value >>> 21) & 0x7f;
    this.run(this.#seven, 0, 4);
  }

  /** `root`: what must be equal for any block to be shared. */
  finish(root: readonly string[]): PromptBlocks {
    const hashes = new Float64Array(this.#blocks);
    const state = this.#state;
    state.fill(root.length);
    for (const part of root) chain(state, murmur3(part, ROOT_SEEDS[0]), murmur3(part, ROOT_SEEDS[1]));
    let count = 0;
    for (const section of SECTIONS) {
      for (let block = this.#starts[section]!; block < this.#ends[section]!; block++) {
        chain(state, this.#contents[2 * block]!, this.#contents[2 * block + 1]!);
        hashes[count++] = asNumber(state);
      }
      chain(state, this.#rests[2 * section]!, this.#rests[2 * section + 1]!);
    }
    const { blockBytes } = this;
    return { hashes, count, blockBytes, bytes: this.#bytes, wideBytes: this.#highBytes - this.#marks };
  }

  #seal(): void {
    if (2 * this.#blocks === this.#contents.length) {
      this.#contents = grown(this.#contents, 2 * this.#contents.length);
    }
    this.#hash(this.#words.length, this.#block.length);
    this.#contents[2 * this.#blocks] = this.#lanes[0]!;
    this.#contents[2 * this.#blocks + 1] = this.#lanes[1]!;
    this.#blocks++;
  }

  /** Of the block's first `words`: into the lanes. Most blocks have no byte from 0x80 on, so that nothing is to be counted. */
  #hash(words: number, bytes: number): void {
    const any = hashWords(this.#words, words, bytes, this.#lanes);
    if ((any & HIGH_BITS) !== 0 && !this.#areWords) this.#highBytes += highBytesIn(this.#words, words);
  }
}

function highBytesIn(words: Int32Array, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += Math.imul((words[i]! >>> 7) & 0x01010101, 0x01010101) >>> 24;
  return sum;
}
