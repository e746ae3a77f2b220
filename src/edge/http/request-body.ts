/**
 * The request's body between a client and an endpoint that may not be connected yet, or may have to be another one.
 *
 * Keeps a copy of the first 64 KiB while another attempt is still possible. What comes before a connection is ready
 * waits here too, and the client is paused when the copy is full. A body longer than the copy streams through and can
 * no longer be replayed.
 */
import { REPLAY_BYTES_MAX } from "./limits.ts";

export class RequestBody {
  /** All of it has come from the client. */
  whole: boolean;
  /** Everything that has come is still here. */
  kept = true;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(whole: boolean) {
    this.whole = whole;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a copy. `mustKeep`: it has been sent nowhere yet. Returns false when the client should pause. */
  keep(buffer: Buffer, start: number, end: number, mustKeep: boolean): boolean {
    if (!this.kept) return true;
    if (!mustKeep && this.#bytes + end - start > REPLAY_BYTES_MAX) {
      this.forget();
      return true;
    }
    this.#chunks.push(Buffer.from(buffer.subarray(start, end)));
    this.#bytes += end - start;
    return this.#bytes <= REPLAY_BYTES_MAX;
  }

  chunks(): readonly Buffer[] {
    return this.#chunks;
  }

  /** No further attempt will be made, or the body has outgrown the copy. */
  forget(): void {
    this.kept = this.#bytes === 0 && this.whole;
    this.#chunks = [];
  }
}

/** Shared by all requests that have none. */
export const NO_BODY: RequestBody = new RequestBody(true);
