/**
 * The blocks of a model server's KV cache: who holds them, what they remember, and which is forgotten first.
 *
 * As in vLLM v1 (vllm/v1/core/block_pool.py): a block is free while nobody refers to it, and a free block keeps its content, found by
 * the hash of the whole prefix that ends in it, until it is given to somebody else. Free blocks stand in one list, those never used
 * first, then in the order in which they became free; the first is taken. One block is vLLM's own and never given out.
 *
 * A hash is any number that stands for the content of all tokens up to the block's end. Where a content stands in two blocks
 * (computed twice at once) only the first is found, as long as it lives.
 *
 * Invariant: free + referred to = all; every hash that is found leads to a block that remembers it.
 */
export const NO_BLOCK = -1;

export interface BlockListener {
  /** The content of `hash` is no longer found. */
  blockRemoved(hash: number): void;
}

export class BlockPool {
  readonly size: number;
  readonly #references: Int32Array;
  readonly #hashes: Float64Array;
  /** Doubly linked; the entry after the last is the list's head and tail. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #byHash = new Map<number, number>();
  readonly #listener: BlockListener;
  #free = 0;

  constructor(blocks: number, listener: BlockListener) {
    this.size = blocks;
    this.#listener = listener;
    this.#references = new Int32Array(blocks);
    this.#hashes = new Float64Array(blocks);
    this.#next = new Int32Array(blocks + 1);
    this.#previous = new Int32Array(blocks + 1);
    this.clear();
  }

  /** Everything is forgotten, nobody is told: the process is gone. */
  clear(): void {
    const end = this.size;
    this.#byHash.clear();
    this.#references.fill(0);
    this.#hashes.fill(Number.NaN);
    for (let block = 0; block <= end; block++) {
      this.#next[block] = block === end ? 0 : block + 1;
      this.#previous[block] = block === 0 ? end : block - 1;
    }
    this.#free = end;
  }

  get free(): number {
    return this.#free;
  }

  /** Contents that are found. */
  get remembered(): number {
    return this.#byHash.size;
  }

  /** The block with this content, or NO_BLOCK. */
  find(hash: number): number {
    return this.#byHash.get(hash) ?? NO_BLOCK;
  }

  isFree(block: number): boolean {
    return this.#references[block] === 0;
  }

  references(block: number): number {
    return this.#references[block]!;
  }

  /** One more refers to a block that was found. */
  share(block: number): void {
    if (this.#references[block] === 0) this.#unlink(block);
    this.#references[block] = this.#references[block]! + 1;
  }

  /** A block for new content; what it remembered is forgotten. Only while some are free. */
  take(): number {
    const block = this.#next[this.size]!;
    this.#unlink(block);
    const hash = this.#hashes[block]!;
    if (!Number.isNaN(hash)) {
      this.#hashes[block] = Number.NaN;
      this.#byHash.delete(hash);
      this.#listener.blockRemoved(hash);
    }
    this.#references[block] = 1;
    return block;
  }

  /** The block now has this content. False where another block has it already. */
  remember(block: number, hash: number): boolean {
    if (this.#byHash.has(hash)) return false;
    this.#byHash.set(hash, block);
    this.#hashes[block] = hash;
    return true;
  }

  /** One fewer refers to it; the last one gives it back. */
  release(block: number): void {
    const left = this.#references[block]! - 1;
    this.#references[block] = left;
    if (left > 0) return;
    const end = this.size;
    const last = this.#previous[end]!;
    this.#next[last] = block;
    this.#previous[block] = last;
    this.#next[block] = end;
    this.#previous[end] = block;
    this.#free++;
  }

  #unlink(block: number): void {
    const next = this.#next[block]!;
    const previous = this.#previous[block]!;
    this.#next[previous] = next;
    this.#previous[next] = previous;
    this.#free--;
  }
}
