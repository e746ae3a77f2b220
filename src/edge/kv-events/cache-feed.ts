/**
 * Leads cache events to the pool they belong to: from an endpoint's key to its slot. Events of endpoints that have left, and
 * come late, go nowhere.
 */
import type { EngineBlocks } from "../../core/inference/engine-blocks/engine-blocks.ts";
import type { CacheListener } from "./cache-events.ts";

/** A pool's translation, and where an endpoint stands in it. */
export interface CacheFeed {
  readonly blocks: EngineBlocks;
  /** Undefined: no such endpoint. */
  slotOf(endpointKey: string): number | undefined;
}

export function feedListener(feed: CacheFeed, clock: () => number): CacheListener {
  const clear = (key: string): void => {
    const slot = feed.slotOf(key);
    if (slot !== undefined) feed.blocks.cleared(slot, clock());
  };
  return {
    stored: (key, blocks) => {
      const slot = feed.slotOf(key);
      if (slot !== undefined) feed.blocks.stored(slot, blocks, clock());
    },
    removed: (key, blocks) => {
      const slot = feed.slotOf(key);
      if (slot !== undefined) feed.blocks.removed(slot, blocks, clock());
    },
    cleared: clear,
    gap: clear,
  };
}
