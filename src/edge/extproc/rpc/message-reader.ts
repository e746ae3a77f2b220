/**
 * Whole gRPC messages out of chunks that are cut anywhere: five bytes of prefix (a flag, a length), then the message.
 *
 * A message inside one chunk is handed on in place. One that spans chunks is collected as it comes, never allocated by what
 * its prefix claims, and counted in the budget. Invariant: what is held is given back by `onMessage` or by `close`.
 */
import type { ByteBudget } from "./byte-budget.ts";

const PREFIX_BYTES = 5;

export type MessageFault = "compressed-message" | "message-too-large" | "memory-full";

export class MessageReader {
  readonly #bytesMax: number;
  readonly #budget: ByteBudget;
  readonly #onMessage: (bytes: Buffer) => void;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #prefixBytes = 0;
  /** Of the message under way; -1: its prefix is not whole. */
  #length = -1;
  #parts: Buffer[] = [];
  #held = 0;

  constructor(bytesMax: number, budget: ByteBudget, onMessage: (bytes: Buffer) => void) {
    this.#bytesMax = bytesMax;
    this.#budget = budget;
    this.#onMessage = onMessage;
  }

  /** Part of a message is here, and the rest is not. */
  get isInside(): boolean {
    return this.#prefixBytes > 0;
  }

  /** Undefined: all is well. */
  feed(chunk: Buffer): MessageFault | undefined {
    let at = 0;
    while (at < chunk.length) {
      if (this.#length < 0) {
        at = this.#readPrefix(chunk, at);
        if (this.#prefixBytes < PREFIX_BYTES) return undefined;
        if (this.#prefix[0] !== 0) return "compressed-message";
        const length = this.#prefix.readUInt32BE(1);
        if (length > this.#bytesMax) return "message-too-large";
        this.#length = length;
        if (length === 0) {
          // It has no byte to come along with.
          this.#whole(chunk.subarray(at, at));
          continue;
        }
      }
      const more = Math.min(this.#length - this.#held, chunk.length - at);
      const part = chunk.subarray(at, at + more);
      at += more;
      if (this.#held === 0 && more === this.#length) this.#whole(part);
      else {
        if (!this.#budget.take(more)) return "memory-full";
        this.#parts.push(part);
        this.#held += more;
        if (this.#held === this.#length) this.#assembled();
      }
    }
    return undefined;
  }

  close(): void {
    this.#budget.give(this.#held);
    this.#held = 0;
    this.#parts = [];
  }

  #readPrefix(chunk: Buffer, start: number): number {
    let at = start;
    while (this.#prefixBytes < PREFIX_BYTES && at < chunk.length) {
      this.#prefix[this.#prefixBytes++] = chunk[at++]!;
    }
    return at;
  }

  #assembled(): void {
    const message = Buffer.concat(this.#parts, this.#length);
    this.close();
    this.#whole(message);
  }

  #whole(message: Buffer): void {
    this.#length = -1;
    this.#prefixBytes = 0;
    this.#onMessage(message);
  }
}
