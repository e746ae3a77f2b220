/** From events in tokens to blocks in bytes: exact where it can be, whatever the order in which things are learned. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PrefixIndex } from "../prefix/prefix-index.ts";
import { MAIN, PromptHasher } from "../read/prompt-hasher.ts";
import { EngineBlocks, type EngineBlocksLimits, type StoredTokens } from "./engine-blocks.ts";
import type { TokenisedPrompt } from "./prompt-ties.ts";

/** A sink that keeps, per slot, what is held by what it was told. */
class Cache {
  readonly held = new Map<number, Set<number>>();
  cacheStored(slot: number, { hashes, count }: { hashes: Float64Array; count: number }): void {
    const set = this.held.get(slot) ?? new Set();
    for (const hash of hashes.subarray(0, count)) set.add(hash);
    this.held.set(slot, set);
  }
  cacheRemoved(slot: number, { hashes, count }: { hashes: Float64Array; count: number }): void {
    for (const hash of hashes.subarray(0, count)) this.held.get(slot)?.delete(hash);
  }
  cacheCleared(slot: number): void {
    this.held.delete(slot);
  }
  of(slot: number): number[] {
    return [...(this.held.get(slot) ?? [])].toSorted((a, b) => a - b);
  }
}

function translate(limits?: EngineBlocksLimits): { readonly cache: Cache; readonly blocks: EngineBlocks } {
  const cache = new Cache();
  const blocks = new EngineBlocks(cache, limits);
  blocks.expectBlockTokens(4);
  return { cache, blocks };
}

/** Blocks of four tokens named by `first`, first + 1, ... */
function stored(
  tokens: readonly number[],
  first: number,
  parent?: number,
  more: Partial<StoredTokens> = {},
): StoredTokens {
  const count = tokens.length / 4;
  return {
    hashes: Float64Array.from({ length: count }, (_, i) => first + i),
    count,
    parent,
    tokens: Int32Array.from(tokens),
    tokenCount: tokens.length,
    blockTokens: 4,
    adapter: "",
    extras: undefined,
    group: 0,
    kind: "",
    ...more,
  };
}

const removed = (...hashes: readonly number[]) => ({
  hashes: Float64Array.from(hashes),
  count: hashes.length,
  group: 0,
});

/** A prompt that came as tokens: byte blocks of 32 bytes are 8 tokens, so two token blocks. */
function asTokens(
  tokens: readonly number[],
  first: number,
  more: Partial<TokenisedPrompt> = {},
): TokenisedPrompt {
  const count = Math.floor(tokens.length / 8);
  return {
    hashes: Float64Array.from({ length: count }, (_, i) => first + i),
    count,
    blockBytes: 32,
    bytes: 4 * tokens.length,
    tokens: Int32Array.from(tokens),
    adapter: "",
    cacheSalt: "",
    ...more,
  };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test("stored before the tie and stored after it are the same", () => {
  const { cache, blocks } = translate();
  blocks.stored(1, stored(range(0, 16), 100), 0);
  assert.deepEqual(cache.of(1), []);
  blocks.tie(asTokens(range(0, 32), 5000), 0);
  assert.deepEqual(cache.of(1), [5000, 5001]);
  // The next life of the engine, or another engine, names the same blocks otherwise.
  blocks.stored(2, stored(range(0, 12), 900), 0);
  assert.deepEqual(cache.of(2), [5000]);
  blocks.stored(2, stored(range(12, 32), 950, 902), 0);
  assert.deepEqual(cache.of(2), [5000, 5001, 5002, 5003]);
});

test("what is removed is no longer held, and the last of several copies counts", () => {
  const { cache, blocks } = translate();
  blocks.tie(asTokens(range(0, 16), 5000), 0);
  blocks.stored(1, stored(range(0, 16), 100), 0);
  // To another medium: without tokens, known by its hash.
  blocks.stored(1, stored([], 100, undefined, { hashes: Float64Array.of(103), count: 1 }), 0);
  blocks.removed(1, removed(103), 0);
  assert.deepEqual(cache.of(1), [5000, 5001]);
  blocks.removed(1, removed(103), 0);
  assert.deepEqual(cache.of(1), [5000]);
  blocks.removed(1, removed(103, 777), 0);
  blocks.removed(1, removed(102, 101), 0);
  assert.deepEqual(cache.of(1), []);
  assert.equal(blocks.size, 1);
});

test("clearing and leaving forget one endpoint and no other", () => {
  const { cache, blocks } = translate();
  blocks.tie(asTokens(range(0, 16), 5000), 0);
  blocks.stored(1, stored(range(0, 16), 100), 0);
  blocks.stored(2, stored(range(0, 16), 100), 0);
  blocks.cleared(1, 0);
  assert.deepEqual([cache.of(1), cache.of(2)], [[], [5000, 5001]]);
  blocks.left(2);
  assert.equal(blocks.size, 0);
  // After a gap children come whose parents were forgotten: nobody knows what they are.
  blocks.stored(1, stored(range(16, 20), 104, 103), 0);
  assert.equal(blocks.counts.orphans, 1);
  assert.deepEqual(cache.of(1), []);
});

test("adapter, cache salt and pictures set blocks apart", () => {
  const { cache, blocks } = translate();
  blocks.tie(asTokens(range(0, 8), 5000), 0);
  blocks.tie(asTokens(range(0, 8), 6000, { adapter: "sql" }), 0);
  blocks.tie(asTokens(range(0, 8), 7000, { cacheSalt: "s" }), 0);
  blocks.tie(asTokens(range(0, 8), 8000, { adapter: "sql", cacheSalt: "s" }), 0);
  blocks.stored(1, stored(range(0, 8), 100), 0);
  blocks.stored(2, stored(range(0, 8), 100, undefined, { adapter: "sql", extras: ["sql", "sql"] }), 0);
  blocks.stored(3, stored(range(0, 8), 100, undefined, { extras: ["s", ""] }), 0);
  blocks.stored(4, stored(range(0, 8), 100, undefined, { adapter: "sql", extras: ["sql\0s", "sql"] }), 0);
  blocks.stored(5, stored(range(0, 8), 100, undefined, { extras: ["", "picture"] }), 0);
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((slot) => cache.of(slot)),
    [[5000], [6000], [7000], [8000], []],
  );
});

test("groups with windows or states are left alone, their removals too", () => {
  const { cache, blocks } = translate();
  blocks.tie(asTokens(range(0, 8), 5000), 0);
  blocks.stored(1, stored(range(0, 8), 100, undefined, { kind: "full_attention" }), 0);
  blocks.stored(1, stored(range(0, 8), 100, undefined, { kind: "sliding_window", group: 1 }), 0);
  blocks.removed(1, { ...removed(100, 101), group: 1 }, 0);
  assert.deepEqual(cache.of(1), [5000]);
  blocks.removed(1, removed(101), 0);
  assert.deepEqual(cache.of(1), []);
});

test("text: byte blocks in proportion to tokens, never before the token block they end in", () => {
  const { cache, blocks } = translate();
  blocks.stored(1, stored(range(0, 20), 100), 0);
  // 1000 bytes in 22 tokens: byte block i ends at token 2.2 i (100 bytes each).
  const prompt: TokenisedPrompt = {
    ...asTokens(range(0, 22), 0),
    hashes: Float64Array.from(range(5001, 5011)),
    count: 10,
    blockBytes: 100,
    bytes: 1000,
  };
  assert.equal(blocks.isTied(prompt.hashes, prompt.count), false);
  blocks.tie(prompt, 0);
  // The first ends within the first token block: with no block of its own it says nothing.
  assert.deepEqual(cache.of(1), range(5002, 5011));
  blocks.removed(1, removed(104), 0);
  assert.deepEqual(cache.of(1), range(5002, 5010));
  assert.equal(blocks.isTied(prompt.hashes, prompt.count), true);
  assert.equal(blocks.isTied(prompt.hashes, 4), true);
});

test("a size of blocks that nobody expected is learned from the first event, and ties are made again", () => {
  const cache = new Cache();
  const blocks = new EngineBlocks(cache);
  const prompt = asTokens(range(0, 16), 5000);
  blocks.tie(prompt, 0);
  assert.equal(blocks.isTied(prompt.hashes, prompt.count), true);
  blocks.stored(1, stored(range(0, 16), 100), 0);
  assert.deepEqual(cache.of(1), []);
  assert.equal(blocks.isTied(prompt.hashes, prompt.count), false);
  blocks.tie(prompt, 0);
  assert.deepEqual(cache.of(1), [5000, 5001]);
});

test("odd events are counted and change nothing", () => {
  const { cache, blocks } = translate();
  blocks.tie(asTokens(range(0, 16), 5000), 0);
  blocks.stored(1, stored(range(0, 16), 100, undefined, { blockTokens: 0 }), 0);
  blocks.stored(1, stored(range(0, 16), 100, undefined, { blockTokens: 5 }), 0);
  blocks.stored(1, stored(range(0, 16), 100, 99), 0);
  assert.equal(blocks.size, 0);
  assert.deepEqual(cache.of(1), []);
  assert.deepEqual(blocks.counts, { stored: 0, removed: 0, orphans: 4, unusable: 8 });
});

test("bounds: blocks, and ties by age", () => {
  const { cache, blocks } = translate({ blocksMax: 5, tiesMax: 4 });
  blocks.stored(1, stored(range(0, 16), 100), 0);
  blocks.stored(2, stored(range(0, 16), 100), 0);
  assert.equal(blocks.size, 5);
  assert.equal(blocks.counts.unusable, 3);
  blocks.tie(asTokens(range(0, 32), 5000), 0);
  assert.deepEqual(cache.of(1), [5000, 5001]);
  blocks.tie(asTokens(range(100, 132), 6000), 0);
  assert.equal(blocks.ties, 4);
  // The first prompt's ties are gone, so its removal says nothing.
  blocks.removed(1, removed(103), 0);
  assert.deepEqual(cache.of(1), [5000, 5001]);
});

test("from a request's tokens to what the prefix index says of each endpoint", () => {
  const index = new PrefixIndex(1_000);
  const blocks = new EngineBlocks({
    cacheStored: (slot, hashes) => index.used(slot, hashes),
    cacheRemoved: (slot, hashes) => index.removed(slot, hashes),
    cacheCleared: (slot) => index.cleared(slot),
  });
  for (const slot of [0, 1]) index.joined(slot);
  const tokens = range(1_000, 1_300);
  const hasher = new PromptHasher(256);
  hasher.begin(MAIN);
  for (const token of tokens) hasher.word(token);
  hasher.end();
  // 64 tokens to the block here, 16 to the engine's.
  const prompt = hasher.finish(["tokens", "m", "", ""]);
  assert.equal(prompt.count, 4);
  const sixteens = (from: number, to: number, parent?: number): StoredTokens => ({
    ...stored([], 0, parent),
    hashes: Float64Array.from(range(from, to)),
    count: to - from,
    tokens: Int32Array.from(tokens.slice(16 * from, 16 * to)),
    tokenCount: 16 * (to - from),
    blockTokens: 16,
  });
  blocks.stored(0, sixteens(0, 11), 0);
  blocks.tie({ ...prompt, tokens: Int32Array.from(tokens), adapter: "", cacheSalt: "" }, 0);
  blocks.stored(1, sixteens(0, 5), 0);
  assert.deepEqual(
    [0, 1].map((slot) => index.depthOf(slot, prompt)),
    [2, 1],
  );
  blocks.stored(0, sixteens(11, 18, 10), 0);
  blocks.removed(1, removed(4, 3), 0);
  assert.deepEqual(
    [0, 1].map((slot) => index.depthOf(slot, prompt)),
    [4, 0],
  );
});

test("property: any order of ties and events ends where the tokens say", () => {
  // Prompts are paths in a tree of a few long blocks, so that prefixes are shared. A byte block is a token block.
  const path = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 5 });
  const step = fc.oneof(
    fc.record({ do: fc.constant("tie" as const), path }),
    fc.record({ do: fc.constant("store" as const), path, slot: fc.integer({ min: 0, max: 2 }) }),
    fc.record({ do: fc.constant("remove" as const), path, slot: fc.integer({ min: 0, max: 2 }) }),
    fc.record({ do: fc.constant("clear" as const), path, slot: fc.integer({ min: 0, max: 2 }) }),
  );
  const tokensOf = (steps: readonly number[]): number[] => steps.flatMap((n) => [n, n + 10, n + 20, n + 30]);
  const nameOf = (steps: readonly number[]): number => Number(`1${steps.join("")}`);
  const prefixes = (steps: readonly number[]): number[][] => steps.map((_, i) => steps.slice(0, i + 1));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { cache, blocks } = translate();
      const tied = new Set<number>();
      const copies = new Map<string, number>();
      for (const one of steps) {
        const names = prefixes(one.path).map(nameOf);
        if (one.do === "tie") {
          const tokens = tokensOf(one.path);
          for (const name of names) tied.add(name);
          blocks.tie(
            {
              ...asTokens(tokens, 0),
              hashes: Float64Array.from(names),
              count: names.length,
              blockBytes: 16,
            },
            0,
          );
        } else if (one.do === "store") {
          blocks.stored(
            one.slot,
            stored(tokensOf(one.path), 0, undefined, {
              // Each engine has its own names.
              hashes: Float64Array.from(names, (name) => name * 10 + one.slot),
            }),
            0,
          );
          for (const name of names)
            copies.set(`${one.slot} ${name}`, (copies.get(`${one.slot} ${name}`) ?? 0) + 1);
        } else if (one.do === "remove") {
          const name = names.at(-1)!;
          const key = `${one.slot} ${name}`;
          blocks.removed(one.slot, removed(name * 10 + one.slot), 0);
          if (copies.has(key)) copies.set(key, copies.get(key)! - 1);
          if (copies.get(key) === 0) copies.delete(key);
        } else {
          blocks.cleared(one.slot, 0);
          for (const key of copies.keys()) if (key.startsWith(`${one.slot} `)) copies.delete(key);
        }
      }
      for (const slot of [0, 1, 2]) {
        const expected = [...tied].filter((name) => copies.has(`${slot} ${name}`)).toSorted((a, b) => a - b);
        assert.deepEqual(cache.of(slot), expected);
      }
      assert.equal(blocks.size, copies.size);
    }),
    { numRuns: 300, seed: 1 },
  );
});
