/**
 * The request on its way to an endpoint that may not be connected yet, or may have to be another one.
 *
 * Keeps a copy of the first 64 KiB of the body while another attempt is still possible. What comes before a connection
 * is ready waits here too, and the client is paused when the copy is full. A longer body streams through and can no
 * longer be replayed. The head waits for the body's first bytes, to go in one packet.
 */
import { REPLAY_BYTES_MAX } from "./limits.ts";
import type { Wire } from "./wire/wire.ts";

const NO_CHUNKS: Buffer[] = [];

export class OutgoingRequest {
  /** All of it has come from the client. */
  whole: boolean;
  /** Everything that has come is still here, and can be sent again. */
  inHand = true;
  #head = "";
  #headUnsent = true;
  #wire: Wire | undefined;
  #chunks: Buffer[] = NO_CHUNKS;
  #bytes = 0;
  #keptBytesMax = REPLAY_BYTES_MAX;

  constructor(hasBody: boolean) {
    this.whole = !hasBody;
  }

  /** The last byte of it has been handed to the connection. */
  get sent(): boolean {
    return this.whole && !this.#headUnsent;
  }

  setHead(text: string): void {
    this.#head = text;
  }

  /** All of the body is kept until it has been read, up to so many bytes. */
  keep(bytesMax: number): void {
    this.#keptBytesMax = bytesMax;
  }

  get bodyBytes(): number {
    return this.#bytes;
  }

  bodyCopy(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Of the body, which is in hand, other bytes go out in place of those from `start` to `end`. */
  splice(start: number, bytes: Uint8Array, end: number): void {
    const body = Buffer.concat(this.#chunks);
    this.#chunks = [body.subarray(0, start), Buffer.from(bytes), body.subarray(end)];
    this.#bytes = body.length + bytes.length - (end - start);
  }

  /** Sends what there is, from the start. `lastAttempt`: no copy is needed any more. */
  start(wire: Wire, lastAttempt: boolean): void {
    this.#wire = wire;
    this.#headUnsent = this.#chunks.length === 0 && !this.whole;
    if (this.#headUnsent) return;
    this.repeat(wire);
    if (lastAttempt || this.#bytes > this.#keptBytesMax) this.forget();
  }

  /** Sends all there is to one more endpoint; it must be in hand. */
  repeat(wire: Wire): void {
    if (this.#chunks.length === 0) wire.text(this.#head);
    for (const [i, chunk] of this.#chunks.entries())
      wire.bytes(i === 0 ? this.#head : "", chunk, 0, chunk.length);
  }

  /** The connection is lost or given up; what comes from now on waits for the next. */
  stop(): void {
    this.#wire = undefined;
  }

  /** The client's read is worked off: a head that was waiting for company goes now. */
  flush(): void {
    if (!this.#headUnsent || this.#wire === undefined) return;
    this.#headUnsent = false;
    this.#wire.text(this.#head);
  }

  /** Body bytes from the client, in order. False: the client should pause until there is room again. */
  body(buffer: Buffer, start: number, end: number): boolean {
    const wire = this.#wire;
    if (this.inHand && wire !== undefined && this.#bytes + end - start > this.#keptBytesMax) this.forget();
    if (this.inHand) {
      if (this.#chunks === NO_CHUNKS) this.#chunks = [];
      this.#chunks.push(Buffer.from(buffer.subarray(start, end)));
      this.#bytes += end - start;
    }
    if (wire === undefined) return this.#bytes <= this.#keptBytesMax;
    const prefix = this.#headUnsent ? this.#head : "";
    this.#headUnsent = false;
    return wire.bytes(prefix, buffer, start, end);
  }

  /** No further attempt will be made, or the body has outgrown the copy. */
  forget(): void {
    this.inHand = this.whole && this.#bytes === 0;
    this.#chunks = NO_CHUNKS;
  }
}
