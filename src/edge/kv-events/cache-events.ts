/**
 * What an engine tells of its prefix cache, and who wants to know.
 *
 * Block hashes are the engine's own, cut to 53 bits: they are told apart within one endpoint and mean nothing beyond it. What
 * they stand for is in the tokens and the parent: `core/inference/engine-blocks` makes the gateway's hashes of them.
 */

/** Full blocks that follow each other; the arrays are reused: copy what is to be kept. */
export interface StoredBlocks {
  readonly hashes: Float64Array;
  readonly count: number;
  /** Of the block before the first; undefined: the first begins the prompt. */
  readonly parent: number | undefined;
  /** Of all blocks, one after the other; `tokenCount` 0: not told (blocks that moved to another medium). */
  readonly tokens: Int32Array;
  readonly tokenCount: number;
  readonly blockTokens: number;
  /** The adapter's name; empty: the base model. */
  readonly adapter: string;
  /** `GPU`, `CPU`, ...; empty: not told, which is the GPU. */
  readonly medium: string;
  /** Per block: what else goes into its hash (cache salt, pictures), as one text; empty: nothing. Undefined: in none. */
  readonly extras: readonly string[] | undefined;
  /** Models with several kinds of attention keep several groups of blocks. */
  readonly group: number;
  /** `full_attention`, `sliding_window`, ...; empty: not told. */
  readonly kind: string;
}

export interface RemovedBlocks {
  readonly hashes: Float64Array;
  readonly count: number;
  readonly medium: string;
  readonly group: number;
}

export interface CacheListener {
  stored(endpointKey: string, blocks: StoredBlocks): void;
  removed(endpointKey: string, blocks: RemovedBlocks): void;
  /** Nothing is cached there any more. */
  cleared(endpointKey: string): void;
  /** Events were lost for good: what was known of the endpoint's cache is to be forgotten. */
  gap(endpointKey: string): void;
}
