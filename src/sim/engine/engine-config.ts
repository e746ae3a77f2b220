/**
 * How a model server is set up, and what it tells: the border between the engine and whoever drives it.
 */
import type { BlockListener } from "./block-pool.ts";
import type { EngineProfile } from "./profiles.ts";

export interface EngineConfig {
  readonly profile: EngineProfile;
  /** Tokens per block. vLLM's default is 16; larger ones are coarser and faster to simulate. */
  readonly blockTokens: number;
  /** Blocks of the pool, vLLM's own one included. */
  readonly blocks: number;
  readonly prefixCaching: boolean;
  /** Adapters that fit on the device (max_loras), and what loading one costs. */
  readonly adapterPlaces: number;
  readonly adapterLoadMs: number;
}

/** All times are those of the event, in the caller's clock. */
export interface EngineListener extends BlockListener {
  /** Its first token is out. */
  firstToken(id: number, atMs: number): void;
  /** A further token; `generated` counts all so far. */
  token(id: number, generated: number, atMs: number): void;
  /** It has all its tokens; `cachedTokens` of its prompt were found. Follows the last token's event. */
  finished(id: number, cachedTokens: number, atMs: number): void;
  preempted(id: number, atMs: number): void;
  /** The process died with it inside. */
  dropped(id: number, atMs: number): void;
  /** A block of this sequence is found from now on: `hashes[index]`, whose predecessor is `hashes[index - 1]`. */
  blockStored(hashes: ArrayLike<number>, index: number): void;
}

export type Admission = "queued" | "too-long" | "down";

export function configOf(profile: EngineProfile, overrides: Partial<EngineConfig> = {}): EngineConfig {
  const blockTokens = overrides.blockTokens ?? 16;
  return {
    profile,
    blockTokens,
    blocks: Math.floor(profile.kvTokens / blockTokens),
    prefixCaching: true,
    adapterPlaces: 4,
    adapterLoadMs: 100,
    ...overrides,
  };
}
