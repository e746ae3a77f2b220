/**
 * What happens to an engine's cache in one step, as the batch of events in which vLLM tells it.
 *
 * `[ts, events, rank]` in MessagePack; events as maps, as vLLM encodes them since 0.26: BlockStored with the tokens of all its
 * blocks one after the other, BlockRemoved, AllBlocksCleared. Blocks of one sequence that follow each other are one event;
 * the order of what was stored and removed stays.
 */
import { MessagePackWriter } from "./message-pack-writer.ts";

/** What stands behind the hashes an engine was given. */
export interface BlockContent {
  readonly hashes: Float64Array;
  /** All of the sequence, what it will generate included. */
  readonly tokens: Int32Array;
  /** Empty: the base model. */
  readonly adapter: string;
  readonly cacheSalt: string;
}

type News =
  | { readonly kind: "stored"; readonly content: BlockContent; readonly first: number; last: number }
  | { readonly kind: "removed"; readonly hashes: number[] }
  | { readonly kind: "cleared" };

export class CacheNews {
  readonly #blockTokens: number;
  readonly #writer = new MessagePackWriter();
  #news: News[] = [];

  constructor(blockTokens: number) {
    this.#blockTokens = blockTokens;
  }

  get isEmpty(): boolean {
    return this.#news.length === 0;
  }

  stored(content: BlockContent, index: number): void {
    const last = this.#news.at(-1);
    if (last?.kind === "stored" && last.content === content && last.last === index - 1) last.last = index;
    else this.#news.push({ kind: "stored", content, first: index, last: index });
  }

  removed(hash: number): void {
    const last = this.#news.at(-1);
    if (last?.kind === "removed") last.hashes.push(hash);
    else this.#news.push({ kind: "removed", hashes: [hash] });
  }

  cleared(): void {
    this.#news.push({ kind: "cleared" });
  }

  /** The batch, and begins the next one. `atSec`: Unix time. */
  take(atSec: number): Buffer {
    const writer = this.#writer;
    writer.array(3);
    writer.double(atSec);
    writer.array(this.#news.length);
    for (const news of this.#news) this.#write(news);
    writer.whole(0);
    this.#news = [];
    return writer.take();
  }

  #write(news: News): void {
    const writer = this.#writer;
    switch (news.kind) {
      case "cleared":
        writer.map(1);
        this.#field("type").text("AllBlocksCleared");
        return;
      case "removed":
        writer.map(3);
        this.#field("type").text("BlockRemoved");
        this.#field("block_hashes").array(news.hashes.length);
        for (const hash of news.hashes) writer.whole(hash);
        this.#field("medium").text("GPU");
        return;
      case "stored":
        this.#writeStored(news.content, news.first, news.last + 1);
    }
  }

  #writeStored({ hashes, tokens, adapter, cacheSalt }: BlockContent, first: number, end: number): void {
    const writer = this.#writer;
    writer.map(8);
    this.#field("type").text("BlockStored");
    this.#field("block_hashes").array(end - first);
    for (let block = first; block < end; block++) writer.whole(hashes[block]!);
    this.#field("parent_block_hash");
    if (first === 0) writer.nil();
    else writer.whole(hashes[first - 1]!);
    const size = this.#blockTokens;
    this.#field("token_ids").array((end - first) * size);
    for (let at = first * size; at < end * size; at++) writer.whole(tokens[at]!);
    this.#field("block_size").whole(size);
    this.#field("medium").text("GPU");
    this.#field("lora_name");
    if (adapter === "") writer.nil();
    else writer.text(adapter);
    this.#field("extra_keys");
    if (adapter === "" && (cacheSalt === "" || first > 0)) {
      writer.nil();
      return;
    }
    writer.array(end - first);
    for (let block = first; block < end; block++) {
      // As in vLLM: the adapter in all blocks, the salt in the first one.
      const extras = [adapter, block === 0 ? cacheSalt : ""].filter((extra) => extra !== "");
      writer.array(extras.length);
      for (const extra of extras) writer.text(extra);
    }
  }

  #field(name: string): MessagePackWriter {
    this.#writer.text(name);
    return this.#writer;
  }
}
