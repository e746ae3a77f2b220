/**
 * Reads one batch of cache events: `[ts, events, rank?]` in MessagePack, as vLLM and SGLang publish them.
 *
 * Two encodings of an event are about: an array, tag first and fields in order, and a map with the tag under `type`. So are
 * two of the batch. Both are read at both levels. Fields that lack at the end have their defaults, fields and events
 * unknown are passed over, hashes may be integers of either sign or bytes.
 *
 * Source: vLLM `vllm/distributed/kv_events.py`, SGLang `sglang/srt/disaggregation/kv_events.py`.
 *
 * Bounds: blocks per event and tokens per event (beyond: the event is dropped and counted), bytes per batch by whoever
 * brings it. A malformed event ends the batch: what follows it cannot be found.
 */
import type { CacheListener, RemovedBlocks, StoredBlocks } from "./cache-events.ts";
import { Malformed, MessagePackCursor } from "./msgpack.ts";

/** Many times what an engine computes in one step; a token takes a tenth of a microsecond, so 26 ms at the most. */
const TOKENS_MAX = 262_144;
const BLOCKS_MAX = TOKENS_MAX / 16;
const EXTRA_TEXT_MAX = 256;

const STORED_FIELDS = [
  "block_hashes",
  "parent_block_hash",
  "token_ids",
  "block_size",
  "lora_id",
  "medium",
  "lora_name",
  "extra_keys",
  "group_idx",
  "kv_cache_spec_kind",
  "kv_cache_spec_sliding_window",
] as const;
const REMOVED_FIELDS = ["block_hashes", "medium", "group_idx"] as const;

type StoredField = (typeof STORED_FIELDS)[number];

class Stored implements StoredBlocks {
  hashes = new Float64Array(64);
  count = 0;
  parent: number | undefined = undefined;
  tokens = new Int32Array(1024);
  tokenCount = 0;
  blockTokens = 0;
  adapter = "";
  medium = "";
  extras: readonly string[] | undefined = undefined;
  group = 0;
  kind = "";

  reset(): void {
    this.count = this.tokenCount = this.blockTokens = this.group = 0;
    this.parent = undefined;
    this.extras = undefined;
    this.adapter = this.medium = this.kind = "";
  }
}

/** Reads batches one after the other; one reader serves all endpoints. */
export class EventBatchReader {
  readonly #cursor = new MessagePackCursor();
  readonly #stored = new Stored();
  /** Events that were well formed but of an unknown tag, or too large. */
  passedOver = 0;

  /** Tells the listener all events of the batch in order; false: malformed, and what follows the fault is lost. */
  read(endpointKey: string, payload: Uint8Array, listener: CacheListener): boolean {
    this.#cursor.open(payload);
    try {
      this.#readBatch(endpointKey, listener);
      return true;
    } catch (error) {
      if (error instanceof Malformed) return false;
      throw error;
    }
  }

  #readBatch(endpointKey: string, listener: CacheListener): void {
    const cursor = this.#cursor;
    if (cursor.kind === "map") {
      for (let left = cursor.map(); left > 0; left--) {
        if (cursor.text() === "events") this.#readEvents(endpointKey, listener);
        else cursor.skip();
      }
      return;
    }
    const members = cursor.array();
    if (members < 2) throw new Malformed("a batch without events");
    cursor.skip();
    this.#readEvents(endpointKey, listener);
    for (let left = members - 2; left > 0; left--) cursor.skip();
  }

  #readEvents(endpointKey: string, listener: CacheListener): void {
    for (let left = this.#cursor.array(); left > 0; left--) this.#readEvent(endpointKey, listener);
  }

  #readEvent(endpointKey: string, listener: CacheListener): void {
    const cursor = this.#cursor;
    const isMap = cursor.kind === "map";
    const members = isMap ? cursor.map() : cursor.array();
    if (members === 0) throw new Malformed("an event without a tag");
    this.#stored.reset();
    let tag: string;
    let fits = true;
    if (isMap) {
      // Encoders put the tag first; where one does not, the fields of all events have names of their own.
      tag = "";
      for (let left = members; left > 0; left--) {
        const name = cursor.text();
        if (name === "type") tag = cursor.text();
        else fits = this.#readField(name) && fits;
      }
    } else {
      tag = cursor.text();
      const names: readonly string[] = tag === "BlockRemoved" ? REMOVED_FIELDS : STORED_FIELDS;
      const isKnown = tag === "BlockStored" || tag === "BlockRemoved";
      for (let i = 0; i < members - 1; i++) fits = this.#readField(isKnown ? (names[i] ?? "") : "") && fits;
    }
    if (fits) this.#tell(tag, endpointKey, listener);
    else this.passedOver++;
  }

  #tell(tag: string, endpointKey: string, listener: CacheListener): void {
    const stored = this.#stored;
    switch (tag) {
      case "BlockStored":
        if (stored.count > 0) listener.stored(endpointKey, stored);
        return;
      case "BlockRemoved":
        if (stored.count > 0) listener.removed(endpointKey, stored satisfies RemovedBlocks);
        return;
      case "AllBlocksCleared":
        listener.cleared(endpointKey);
        return;
      default:
        this.passedOver++;
    }
  }

  /** False: too large. */
  #readField(name: string): boolean {
    const cursor = this.#cursor;
    const stored = this.#stored;
    // Nil is every field's default.
    if (cursor.nil()) return true;
    switch (name as StoredField) {
      case "block_hashes":
        return this.#readHashes();
      case "parent_block_hash":
        stored.parent = cursor.hash();
        return true;
      case "token_ids":
        return this.#readTokens();
      case "block_size":
        stored.blockTokens = wholeNumber(cursor.number());
        return true;
      case "medium":
        stored.medium = cursor.text().slice(0, EXTRA_TEXT_MAX);
        return true;
      case "lora_name":
        stored.adapter = cursor.text().slice(0, EXTRA_TEXT_MAX);
        return true;
      case "extra_keys":
        return this.#readExtras();
      case "group_idx":
        stored.group = wholeNumber(cursor.number());
        return true;
      case "kv_cache_spec_kind":
        stored.kind = cursor.text().slice(0, EXTRA_TEXT_MAX);
        return true;
      default:
        // The adapter's number goes by its name; a window is of no use; the rest is of the future.
        cursor.skip();
        return true;
    }
  }

  #readHashes(): boolean {
    const count = this.#cursor.array();
    const stored = this.#stored;
    if (count > stored.hashes.length && count <= BLOCKS_MAX) stored.hashes = new Float64Array(roomFor(count));
    for (let i = 0; i < count; i++) {
      const hash = this.#cursor.hash();
      if (i < stored.hashes.length) stored.hashes[i] = hash;
    }
    stored.count = Math.min(count, BLOCKS_MAX);
    return count <= BLOCKS_MAX;
  }

  #readTokens(): boolean {
    const count = this.#cursor.array();
    const stored = this.#stored;
    if (count > stored.tokens.length && count <= TOKENS_MAX) stored.tokens = new Int32Array(roomFor(count));
    for (let i = 0; i < count; i++) {
      const token = this.#cursor.number();
      if (i < stored.tokens.length) stored.tokens[i] = token;
    }
    stored.tokenCount = Math.min(count, TOKENS_MAX);
    return count <= TOKENS_MAX;
  }

  /** One entry per block: nil, or a list of texts, numbers and lists of them. SGLang: a map for all blocks. */
  #readExtras(): boolean {
    const cursor = this.#cursor;
    if (cursor.kind === "map") {
      const all = this.#textOfMap();
      this.#stored.extras = [all];
      return true;
    }
    const count = cursor.array();
    if (count > BLOCKS_MAX) {
      for (let left = count; left > 0; left--) cursor.skip();
      return false;
    }
    let hasAny = false;
    const extras: string[] = [];
    for (let i = 0; i < count; i++) {
      const text = cursor.nil() ? "" : this.#textOf(0);
      hasAny ||= text !== "";
      extras.push(text);
    }
    this.#stored.extras = hasAny ? extras : undefined;
    return true;
  }

  /** `{"cache_salt": "x"}`: the salt, as vLLM lists it for the first block. */
  #textOfMap(): string {
    const cursor = this.#cursor;
    let salt = "";
    for (let left = cursor.map(); left > 0; left--) {
      const name = cursor.text();
      if (cursor.nil()) continue;
      if (name === "cache_salt") salt = this.#textOf(0);
      else cursor.skip();
    }
    return salt;
  }

  #textOf(depth: number): string {
    const cursor = this.#cursor;
    switch (cursor.kind) {
      case "text":
      case "bytes":
        return cursor.text().slice(0, EXTRA_TEXT_MAX);
      case "integer":
      case "float":
        return String(cursor.number());
      case "array": {
        if (depth > 2) throw new Malformed("extra keys too deep");
        let text = "";
        for (let left = cursor.array(); left > 0; left--) {
          const part = cursor.nil() ? "" : this.#textOf(depth + 1);
          if (text.length < EXTRA_TEXT_MAX) text += text === "" ? part : `\u0000${part}`;
        }
        return text;
      }
      default:
        cursor.skip();
        return "";
    }
  }
}

function roomFor(count: number): number {
  return 2 ** Math.ceil(Math.log2(count));
}

function wholeNumber(value: number): number {
  if (!Number.isInteger(value) || value < 0) throw new Malformed("a count was expected");
  return value;
}
