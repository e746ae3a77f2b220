/**
 * Translates what engines tell of their caches, in blocks of tokens, into the blocks that prompts are known by here, which
 * are of bytes.
 *
 * Two things are brought together. Events say which token blocks an endpoint holds. Ties (prompt-ties.ts) say which tokens a
 * prompt is, so which token block has to be held for each of its byte blocks.
 *
 * What was told before the tie is known then; what is told after it is known at once. Blocks nobody has tied are only
 * remembered. Removals count: two copies of a block, or its copies on two media, are held until the last is gone.
 *
 * Bounded: `blocksMax` (endpoint, block) pairs (beyond: what is stored is not taken note of until room is made) and `tiesMax`
 * tied byte blocks (beyond: the oldest go). Pure; slots as in policy/inference-policy.ts.
 */
import type { BlockHashes } from "../policy/inference-policy.ts";
import { PromptTies, type TokenisedPrompt } from "./prompt-ties.ts";
import { blockAfter, rootOf } from "./token-chain.ts";

/** What an engine has stored; see edge/kv-events/cache-events.ts. */
export interface StoredTokens {
  readonly hashes: Float64Array;
  readonly count: number;
  readonly parent: number | undefined;
  readonly tokens: Int32Array;
  readonly tokenCount: number;
  readonly blockTokens: number;
  readonly adapter: string;
  readonly extras: readonly string[] | undefined;
  readonly group: number;
  readonly kind: string;
}

export interface RemovedTokens {
  readonly hashes: Float64Array;
  readonly count: number;
  readonly group: number;
}

/** Who is told, in the gateway's own hashes; arrays are reused. */
export interface TranslatedSink {
  cacheStored(slot: number, hashes: BlockHashes, nowMs: number): void;
  cacheRemoved(slot: number, hashes: BlockHashes, nowMs: number): void;
  cacheCleared(slot: number, nowMs: number): void;
}

export interface EngineBlocksLimits {
  readonly blocksMax: number;
  readonly tiesMax: number;
}

/** A pair takes 130 to 190 bytes (bench/cache-events.ts): at most some 100 MB. */
export const DEFAULT_ENGINE_BLOCKS_LIMITS: EngineBlocksLimits = { blocksMax: 1 << 19, tiesMax: 1 << 17 };

/** Kinds of attention whose blocks, taken from the beginning, spare the prefill; of others a part is kept, or a state. */
const WHOLE_KINDS: ReadonlySet<string> = new Set([
  "",
  "full_attention",
  "mla",
  "mla_attention",
  "sink_full_attention",
]);

interface Held {
  readonly name: number;
  copies: number;
}

interface Slot {
  /** By the engine's own hash. */
  readonly held: Map<number, Held>;
  /** Groups of blocks that are of no use, as learned from what was stored. */
  readonly otherGroups: Set<number>;
}

/** Since the start, for people. */
export interface EngineBlocksCounts {
  stored: number;
  removed: number;
  /** Their parent is not known here, so neither is what they stand for. */
  orphans: number;
  /** No room, or no tokens, or an odd number of them. */
  unusable: number;
}

export class EngineBlocks {
  readonly counts: EngineBlocksCounts = { stored: 0, removed: 0, orphans: 0, unusable: 0 };
  readonly #sink: TranslatedSink;
  readonly #limits: EngineBlocksLimits;
  readonly #slots = new Map<number, Slot>();
  /** By name: the slots that hold the block. */
  readonly #holders = new Map<number, number[]>();
  readonly #ties: PromptTies;
  #pairs = 0;
  #out = { hashes: new Float64Array(64), count: 0 };

  constructor(sink: TranslatedSink, limits: EngineBlocksLimits = DEFAULT_ENGINE_BLOCKS_LIMITS) {
    this.#sink = sink;
    this.#limits = limits;
    this.#ties = new PromptTies(limits.tiesMax);
  }

  /** (endpoint, block) pairs known. */
  get size(): number {
    return this.#pairs;
  }

  get ties(): number {
    return this.#ties.size;
  }

  /** Blocks the endpoint holds. */
  held(slot: number): number {
    return this.#slots.get(slot)?.held.size ?? 0;
  }

  /** An engine's blocks have so many tokens, as its report says; otherwise its first event does. */
  expectBlockTokens(blockTokens: number): void {
    if (Number.isInteger(blockTokens) && blockTokens > 0) this.#ties.learnSize(blockTokens);
  }

  stored(slot: number, event: StoredTokens, nowMs: number): void {
    const known = this.#slotOf(slot);
    if (!WHOLE_KINDS.has(event.kind)) {
      known.otherGroups.add(event.group);
      return;
    }
    if (known.otherGroups.has(event.group)) return;
    this.#out.count = 0;
    if (event.tokenCount === 0) this.#storeAgain(known, event);
    else this.#store(slot, known, event);
    if (this.#out.count > 0) this.#sink.cacheStored(slot, this.#out, nowMs);
  }

  removed(slot: number, event: RemovedTokens, nowMs: number): void {
    const known = this.#slotOf(slot);
    if (known.otherGroups.has(event.group)) return;
    this.#out.count = 0;
    for (let i = 0; i < event.count; i++) {
      const hash = event.hashes[i]!;
      const held = known.held.get(hash);
      if (held === undefined || --held.copies > 0) continue;
      known.held.delete(hash);
      this.counts.removed++;
      if (this.#drop(held.name, slot)) this.#tell(held.name);
    }
    if (this.#out.count > 0) this.#sink.cacheRemoved(slot, this.#out, nowMs);
  }

  /** The endpoint's cache is empty, or what was known of it is void. */
  cleared(slot: number, nowMs: number): void {
    this.#forget(slot);
    this.#sink.cacheCleared(slot, nowMs);
  }

  left(slot: number): void {
    this.#forget(slot);
  }

  /** What the prompt is in tokens. Tells of all its blocks that are known to be held somewhere. */
  tie(prompt: TokenisedPrompt, nowMs: number): void {
    const newly = new Map<number, number[]>();
    this.#ties.tie(prompt, (name, hash) => {
      for (const slot of this.#holders.get(name) ?? []) {
        const list = newly.get(slot);
        if (list === undefined) newly.set(slot, [hash]);
        else list.push(hash);
      }
    });
    for (const [slot, list] of newly) {
      this.#sink.cacheStored(slot, { hashes: Float64Array.from(list), count: list.length }, nowMs);
    }
  }

  /** The prompt, or one that goes on from it, has been tied: nothing would be learned. */
  isTied(hashes: Float64Array, count: number): boolean {
    return count === 0 || this.#ties.covers(hashes[count - 1]!);
  }

  #slotOf(slot: number): Slot {
    let known = this.#slots.get(slot);
    if (known === undefined) {
      known = { held: new Map(), otherGroups: new Set() };
      this.#slots.set(slot, known);
    }
    return known;
  }

  #store(slot: number, known: Slot, event: StoredTokens): void {
    const { count, blockTokens, hashes, tokens, extras, adapter } = event;
    if (blockTokens === 0 || event.tokenCount !== count * blockTokens) {
      this.counts.unusable += count;
      return;
    }
    let name = event.parent === undefined ? rootOf(adapter) : known.held.get(event.parent)?.name;
    if (name === undefined) {
      this.counts.orphans += count;
      return;
    }
    this.#ties.learnSize(blockTokens);
    for (let i = 0; i < count; i++) {
      const extra = withoutAdapter(extras?.[i] ?? "", adapter);
      name = blockAfter(name, tokens, i * blockTokens, (i + 1) * blockTokens, extra);
      const held = known.held.get(hashes[i]!);
      if (held !== undefined && held.name === name) {
        held.copies++;
        continue;
      }
      if (held !== undefined || this.#pairs >= this.#limits.blocksMax) {
        // A hash that stands for two contents is no hash to go by; and without room nothing after it has a parent.
        this.counts.unusable += count - i;
        return;
      }
      known.held.set(hashes[i]!, { name, copies: 1 });
      this.counts.stored++;
      if (this.#hold(name, slot)) this.#tell(name);
    }
  }

  /** On another medium: known by their hashes, told without their tokens. */
  #storeAgain(known: Slot, event: StoredTokens): void {
    for (let i = 0; i < event.count; i++) {
      const held = known.held.get(event.hashes[i]!);
      if (held === undefined) this.counts.orphans++;
      else held.copies++;
    }
  }

  /** False: the slot held it before, under another of the engine's hashes. */
  #hold(name: number, slot: number): boolean {
    this.#pairs++;
    const slots = this.#holders.get(name);
    if (slots === undefined) {
      this.#holders.set(name, [slot]);
      return true;
    }
    const isNew = !slots.includes(slot);
    slots.push(slot);
    return isNew;
  }

  /** False: the slot holds it still. */
  #drop(name: number, slot: number): boolean {
    this.#pairs--;
    const slots = this.#holders.get(name)!;
    slots.splice(slots.indexOf(slot), 1);
    if (slots.length === 0) this.#holders.delete(name);
    return !slots.includes(slot);
  }

  /** Into `#out`: the byte blocks tied to it. */
  #tell(name: number): void {
    const tied = this.#ties.at(name);
    if (tied.length === 0) return;
    const out = this.#out;
    if (out.count + tied.length > out.hashes.length) {
      const larger = new Float64Array(2 * (out.count + tied.length));
      larger.set(out.hashes.subarray(0, out.count));
      this.#out = { hashes: larger, count: out.count };
    }
    for (const hash of tied) this.#out.hashes[this.#out.count++] = hash;
  }

  #forget(slot: number): void {
    const known = this.#slots.get(slot);
    if (known === undefined) return;
    for (const { name } of known.held.values()) this.#drop(name, slot);
    this.#slots.delete(slot);
  }
}

/** vLLM lists the adapter's name among the extras of each block; here it is in the root. */
function withoutAdapter(extra: string, adapter: string): string {
  if (adapter === "" || extra === "") return extra;
  return extra
    .split("\u0000")
    .filter((part) => part !== adapter)
    .join("\u0000");
}
