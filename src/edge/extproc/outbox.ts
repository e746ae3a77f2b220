/**
 * Replies on their way to the gateway, in order, at the pace at which it takes them.
 *
 * A body is cut into pieces only as they are sent, so that what waits is the body itself and not a second copy of it. While
 * something waits, no further message is read: a gateway that does not take replies cannot make us keep more of them.
 */
import { CHUNK_BYTES_MAX } from "./limits.ts";
import type { RpcCall } from "./rpc/rpc.ts";
import { streamedBody } from "./wire/processing-response.ts";

type Direction = "request" | "response";

export class Outbox {
  readonly #call: RpcCall;
  readonly #waiting: (Buffer | BodyPieces)[] = [];
  #isBlocked = false;
  #end: { readonly code: number; readonly message: string } | undefined;

  constructor(call: RpcCall) {
    this.#call = call;
  }

  push(frame: Buffer): void {
    this.#waiting.push(frame);
    this.#pump();
  }

  /**
   * A body, or a part of it, in full duplex. `isLast`: its direction ends here; an empty part that is not the last says
   * nothing and is not sent. `sent` hears when the chunks are no longer needed.
   */
  pushBody(direction: Direction, chunks: readonly Buffer[], isLast: boolean, sent?: () => void): void {
    this.#waiting.push(new BodyPieces(direction, chunks, isLast, sent));
    this.#pump();
  }

  /** After all that waits. */
  end(code: number, message: string): void {
    this.#end ??= { code, message };
    this.#pump();
  }

  /** There is room again. */
  onDrain(): void {
    this.#isBlocked = false;
    this.#pump();
    if (!this.#isBlocked) this.#call.resume();
  }

  /** Nothing can be sent any more. */
  drop(): void {
    for (const item of this.#waiting) if (item instanceof BodyPieces) item.done();
    this.#waiting.length = 0;
  }

  #pump(): void {
    while (!this.#isBlocked && this.#waiting.length > 0) {
      const first = this.#waiting[0]!;
      const message = first instanceof BodyPieces ? first.next() : [first];
      if (!(first instanceof BodyPieces) || first.isOver) this.#waiting.shift();
      if (message.length > 0 && !this.#call.send(message)) {
        this.#isBlocked = true;
        this.#call.pause();
      }
    }
    if (this.#waiting.length === 0 && this.#end !== undefined) {
      this.#call.end(this.#end.code, this.#end.message);
    }
  }
}

/** A body as a series of replies of at most CHUNK_BYTES_MAX; small chunks go together. Large ones go out as they came in. */
class BodyPieces {
  isOver = false;
  readonly #direction: Direction;
  readonly #chunks: readonly Buffer[];
  readonly #isLast: boolean;
  readonly #sent: (() => void) | undefined;
  #index = 0;
  #offset = 0;
  #left: number;

  constructor(
    direction: Direction,
    chunks: readonly Buffer[],
    isLast: boolean,
    sent: (() => void) | undefined,
  ) {
    this.#direction = direction;
    this.#chunks = chunks;
    this.#isLast = isLast;
    this.#sent = sent;
    this.#left = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** The next message's parts. None: there is nothing to say. */
  next(): readonly Buffer[] {
    const pieces: Buffer[] = [];
    let bytes = 0;
    while (this.#index < this.#chunks.length && bytes < CHUNK_BYTES_MAX) {
      const chunk = this.#chunks[this.#index]!;
      const end = Math.min(chunk.length, this.#offset + CHUNK_BYTES_MAX - bytes);
      pieces.push(chunk.subarray(this.#offset, end));
      bytes += end - this.#offset;
      this.#offset = end;
      if (end === chunk.length) {
        this.#index++;
        this.#offset = 0;
      }
    }
    this.#left -= bytes;
    const isEnd = this.#left === 0;
    if (isEnd) this.done();
    const isLast = isEnd && this.#isLast;
    return bytes === 0 && !isLast ? [] : streamedBody(this.#direction, pieces, bytes, isLast);
  }

  done(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#sent?.();
  }
}
