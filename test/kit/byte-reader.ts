/**
 * Reads a socket on demand: nothing is taken from the kernel beyond one stream buffer until somebody asks.
 *
 * That is what makes the kit's peers honest about backpressure: an endpoint or a client that is not asked to
 * read does not read, and its peer's writes stall as they would in production. While nobody asks, the end of an
 * empty stream and a reset are still noticed, so that a hanging endpoint sees its client leave.
 *
 * Every wait has a limit in milliseconds; passing it fails with what was received so far, because a test that
 * only says "timed out" has to be run again by hand.
 */
import type { Socket } from "node:net";

const NOTHING = Buffer.alloc(0);

/** How much of what came is kept for error messages. */
const TAIL_BYTES = 2_000;

export class ReadTimeout extends Error {}
/** The peer reset the connection, or it was destroyed here, while something was awaited. */
export class ConnectionBroken extends Error {}
/** The peer ended its side in the middle of what was awaited. */
export class EarlyEnd extends Error {}

export class ByteReader {
  readonly #socket: Socket;
  #held: Buffer = NOTHING;
  #ended = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #tail: Buffer = NOTHING;
  #total = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("readable", () => {
      if (this.#wake) this.#wake();
      // Reading an empty stream costs nothing and is what lets Node announce its end.
      else if (socket.readableLength === 0) this.#keep(socket.read() as Buffer | null);
    });
    socket.on("end", () => {
      this.#ended = true;
      this.#wake?.();
    });
    socket.on("error", (error) => {
      this.#failure ??= error;
      this.#wake?.();
    });
    socket.on("close", () => {
      if (!this.#ended) this.#failure ??= new Error("connection destroyed");
      this.#wake?.();
    });
  }

  /** What came, for error messages: the last part of it, escaped. */
  describe(): string {
    const skipped = this.#total - this.#tail.length;
    const text = JSON.stringify(this.#tail.toString("latin1"));
    return skipped > 0 ? `${this.#total} bytes, the last of them ${text}` : `${this.#total} bytes: ${text}`;
  }

  /** At least one byte and at most `bytesMax`; undefined at the end of the stream. */
  async take(bytesMax: number, limitMs: number): Promise<Buffer | undefined> {
    if (this.#held.length === 0 && !(await this.#fill(limitMs))) return undefined;
    const piece = this.#held.subarray(0, bytesMax);
    this.#held = this.#held.subarray(piece.length);
    return piece;
  }

  /** Exactly `bytes` bytes. */
  async exactly(bytes: number, limitMs: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let missing = bytes;
    while (missing > 0) {
      const piece = await this.take(missing, limitMs);
      if (!piece) throw new EarlyEnd(`stream ended ${missing} bytes early; received ${this.describe()}`);
      pieces.push(piece);
      missing -= piece.length;
    }
    return Buffer.concat(pieces);
  }

  /** Everything up to and including `mark`; undefined if the stream ends before its first byte. */
  async through(mark: string, limitMs: number, bytesMax = 1 << 20): Promise<Buffer | undefined> {
    for (;;) {
      const at = this.#held.indexOf(mark, 0, "latin1");
      if (at >= 0) {
        const end = at + mark.length;
        const piece = this.#held.subarray(0, end);
        this.#held = this.#held.subarray(end);
        return piece;
      }
      if (this.#held.length > bytesMax) throw new EarlyEnd(`no ${JSON.stringify(mark)} in ${bytesMax} bytes`);
      if (await this.#fill(limitMs)) continue;
      if (this.#held.length === 0) return undefined;
      throw new EarlyEnd(`stream ended before ${JSON.stringify(mark)}; received ${this.describe()}`);
    }
  }

  /** Everything until the peer ends its side. */
  async rest(limitMs: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (;;) {
      const piece = await this.take(Number.MAX_SAFE_INTEGER, limitMs);
      if (!piece) return Buffer.concat(pieces);
      pieces.push(piece);
    }
  }

  #keep(piece: Buffer | null): boolean {
    if (piece === null) return false;
    this.#held = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    this.#total += piece.length;
    this.#tail = Buffer.concat([this.#tail, piece.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
    return true;
  }

  /** Waits until something was added to what is held: false at the end of the stream. */
  async #fill(limitMs: number): Promise<boolean> {
    const deadlineMs = Date.now() + limitMs;
    for (;;) {
      if (this.#keep(this.#socket.read() as Buffer | null)) return true;
      if (this.#ended) return false;
      if (this.#failure) {
        const message = `connection broken (${this.#failure.message}); received ${this.describe()}`;
        throw new ConnectionBroken(message, { cause: this.#failure });
      }
      if (!(await this.#woken(deadlineMs - Date.now()))) {
        throw new ReadTimeout(`nothing more came within ${limitMs} ms; received ${this.describe()}`);
      }
    }
  }

  #woken(limitMs: number): Promise<boolean> {
    if (this.#wake) throw new Error("two reads of one connection at the same time");
    return new Promise((resolve) => {
      // setTimeout treats anything above 2^31-1 as 1 ms, so "for ever" is no timer at all.
      const timer = Number.isFinite(limitMs) ? setTimeout(() => finish(false), limitMs) : undefined;
      const finish = (woken: boolean): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve(woken);
      };
      this.#wake = () => finish(true);
    });
  }
}
