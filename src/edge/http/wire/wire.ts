/**
 * A wire: one TCP connection, seen as bytes that come and bytes that go, with backpressure in both directions.
 *
 * Every wire of the process reads into one shared buffer. A read and the calls it causes are one synchronous step, so
 * the bytes need only live that long: an idle connection owns no read buffer, and no read allocates. The price is a
 * rule: **whoever wants to keep received bytes past `onBytes` copies them.** Writing does so by itself.
 *
 * Accepted sockets get the shared buffer by being rebuilt around their handle (Node offers `onread` only when a
 * socket is made). Should a future Node hide the handle, the plain `data` event serves, slower and otherwise alike.
 */
import net from "node:net";

/** One read's worth. Larger bodies come in several reads. */
const READ_BYTES = 65_536;
const shared: Buffer = Buffer.allocUnsafeSlow(READ_BYTES);

/** Below this, a copy through a string is cheaper than a buffer: libuv gets it from the stack, without allocation. */
const TEXT_BYTES_MAX = 8192;

/** Holds one write while the kernel takes it: a read's worth behind a head. Kept for the next if it was taken whole. */
const BLOCK_BYTES = READ_BYTES + 16_384;
let block: Buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);

/** How long a connection that is ending may take to hand its last bytes to a slow reader: the default request time. */
const FLUSH_MS = 300_000;
/** And how long, after that, it waits for the other side to end too (RFC 9112 section 9.6). */
const LINGER_MS = 2_000;

export interface WireUser {
  /** Bytes came; `buffer` is valid only during the call. */
  onBytes(buffer: Buffer, start: number, end: number): void;
  /** The other side will send no more (FIN). */
  onEnd(): void;
  /** What was queued has gone; writing may go on. */
  onDrain(): void;
  /** The connection is over; nothing more comes. Called once, always, and last. */
  onGone(error: Error | undefined): void;
  /** One of the calls above has thrown: a bug, which must not take the process with it. */
  onDefect(error: unknown): void;
}

export class Wire {
  readonly #socket: net.Socket;
  #user: WireUser | undefined;
  #error: Error | undefined;
  #paused = false;

  private constructor(socket: net.Socket, user: WireUser) {
    this.#socket = socket;
    this.#user = user;
    socket.on("end", () => this.#tell((to) => to.onEnd()));
    socket.on("drain", () => this.#tell((to) => to.onDrain()));
    socket.on("error", (error) => {
      this.#error = error;
    });
    socket.on("close", () => {
      this.#tell((to) => to.onGone(this.#error));
      this.#user = undefined;
    });
  }

  /** Takes over a socket that a server accepted with `pauseOnConnect`. */
  static accept(accepted: net.Socket, user: WireUser): Wire {
    const handle = (accepted as unknown as { _handle?: object | null })._handle;
    if (handle === undefined || handle === null) return Wire.#listen(accepted, user);
    let wire: Wire | undefined;
    const options = {
      handle,
      allowHalfOpen: true,
      onread: reader(() => wire),
    };
    (accepted as unknown as { _handle: null })._handle = null;
    accepted.destroy();
    const socket = new net.Socket(options as unknown as net.SocketConstructorOpts);
    wire = new Wire(socket, user);
    socket.resume();
    return wire;
  }

  static connect(address: string, port: number, user: WireUser & { onConnect(): void }): Wire {
    let wire: Wire;
    const socket = net.connect({
      host: address,
      port,
      noDelay: true,
      allowHalfOpen: true,
      onread: reader(() => wire),
    });
    wire = new Wire(socket, user);
    socket.once("connect", () => wire.#tell(() => user.onConnect()));
    return wire;
  }

  static #listen(socket: net.Socket, user: WireUser): Wire {
    const wire = new Wire(socket, user);
    socket.on("data", (chunk) => wire.deliver(chunk, chunk.length));
    socket.resume();
    return wire;
  }

  /** For the reader below: `count` bytes stand at the head of `buffer`. */
  deliver(buffer: Buffer, count: number): void {
    try {
      this.#user?.onBytes(buffer, 0, count);
    } catch (error) {
      this.#user?.onDefect(error);
    }
  }

  #tell(what: (user: WireUser) => void): void {
    const user = this.#user;
    if (user === undefined) return;
    try {
      what(user);
    } catch (error) {
      user.onDefect(error);
    }
  }

  /** Bytes accepted for sending that the kernel has not taken yet. */
  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  /**
   * The connection was reset and nobody was told: Node polls a socket only while it reads or has bytes to send. Those
   * that do neither, paused or with the other side ended, are to be asked now and then; it is one system call.
   */
  get lost(): boolean {
    if (!this.#paused && !this.#socket.readableEnded) return false;
    const { _handle: handle } = this.#socket as unknown as {
      _handle?: { getpeername?(address: object): number } | null;
    };
    return (handle?.getpeername?.({}) ?? 0) !== 0;
  }

  /** Latin-1 text, one byte a character. False: stop writing until `onDrain`. */
  text(text: string): boolean {
    return this.#socket.write(text, "latin1");
  }

  /** `prefix` and then the bytes, in one packet if they fit one. False: stop writing until `onDrain`. */
  bytes(prefix: string, buffer: Buffer, start: number, end: number): boolean {
    const size = prefix.length + end - start;
    if (size <= TEXT_BYTES_MAX) return this.text(prefix + buffer.toString("latin1", start, end));
    if (size > BLOCK_BYTES) {
      if (prefix !== "") this.text(prefix);
      // Larger than any read: kept bytes, which may belong to whoever sends them again.
      return this.#socket.write(Buffer.from(buffer.subarray(start, end)));
    }
    const congested = this.#socket.writableLength > 0;
    // A congested wire will hold on to what it is given, so it gets no more than it needs.
    const target = congested ? Buffer.allocUnsafeSlow(size) : block;
    target.write(prefix, 0, "latin1");
    buffer.copy(target, prefix.length, start, end);
    const more = this.#socket.write(congested ? target : target.subarray(0, size));
    if (!congested && this.#socket.writableLength > 0) block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    return more;
  }

  /** It is held back from here: that nothing comes is not the other side's doing. */
  get paused(): boolean {
    return this.#paused;
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** Sends what is queued, then FIN. The other direction stays open. */
  end(): void {
    this.#socket.end();
  }

  /** Sends what is queued, then FIN, and gives the other side a moment to do the same before all is cut. */
  endSoon(): void {
    const socket = this.#socket;
    this.resume();
    let timer = setTimeout(() => socket.destroy(), FLUSH_MS);
    socket.end(() => {
      clearTimeout(timer);
      timer = setTimeout(() => socket.destroy(), LINGER_MS);
    });
    socket.once("close", () => clearTimeout(timer));
  }

  /** Ends both directions at once; what is queued is lost. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Ends both directions at once with RST, so that the other side cannot take a cut body for a whole one. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** A peer that vanished without FIN or RST is noticed by the kernel after this. */
  keepAlive(delayMs: number): void {
    this.#socket.setKeepAlive(true, delayMs);
  }
}

/** The `onread` option that makes a socket read into the shared buffer. */
function reader(wireOf: () => Wire | undefined): { buffer: Buffer; callback(count: number): boolean } {
  return {
    buffer: shared,
    callback(count: number): boolean {
      wireOf()?.deliver(shared, count);
      return true;
    },
  };
}
