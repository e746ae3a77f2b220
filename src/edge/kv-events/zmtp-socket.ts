/**
 * One ZeroMQ connection to one peer: SUB or DEALER, over TCP, mechanism NULL. It connects once; connecting again, and
 * when, is its user's affair.
 *
 * Messages are handed over as they come, in place where a read holds the whole of one. What is incomplete is kept, up to
 * MESSAGE_BYTES_MAX, in a buffer that grows with what has come, not with what was announced.
 */
import { Wire, type WireUser } from "../http/wire/wire.ts";
import {
  commandOf,
  greeting,
  GREETING_BYTES,
  greetingFault,
  MALFORMED,
  messageOf,
  MessageScan,
  NEEDS_MORE,
  readyCommand,
  type SocketType,
} from "./zmtp-frames.ts";

/** From the connection's beginning to the peer's READY. */
const HANDSHAKE_MS = 5_000;
/** A publisher may be silent for hours; a dead one is noticed by the kernel. */
const KEEP_ALIVE_MS = 15_000;
/** A peer that sends requests to be answered, and reads no answers. */
const QUEUED_BYTES_MAX = 65_536;
const NOTHING: Buffer = Buffer.alloc(0);

export interface ZmtpUser {
  /** Messages may be sent. */
  ready(): void;
  /** Frames are valid during the call only. */
  message(frames: readonly Buffer[]): void;
  /** The connection is over; called once, unless `close` came first, and last. */
  gone(fault: string): void;
  /** One of the calls above has thrown: a bug. */
  defect(error: unknown): void;
}

/** Messages are scanned and handed over in one step, so one serves all sockets. */
const scan = new MessageScan();

export class ZmtpSocket {
  readonly #type: SocketType;
  #user: ZmtpUser | undefined;
  readonly #wire: Wire;
  readonly #deadline: NodeJS.Timeout;
  #state: "greeting" | "ready-expected" | "open" = "greeting";
  /** Bytes that came and make no whole message yet: the first #heldBytes of it. */
  #held = NOTHING;
  #heldBytes = 0;

  constructor(type: SocketType, address: string, port: number, user: ZmtpUser) {
    this.#type = type;
    this.#user = user;
    this.#deadline = setTimeout(() => this.#fail("handshake timeout"), HANDSHAKE_MS).unref();
    const listener: WireUser & { onConnect(): void } = {
      onConnect: () => this.#greet(),
      onBytes: (buffer, start, end) => this.#onBytes(buffer, start, end),
      onEnd: () => this.#fail("closed by the peer"),
      onDrain: () => {},
      onGone: (error) => this.#fail((error as { code?: string } | undefined)?.code ?? "closed by the peer"),
      onDefect: (error) => {
        this.#user?.defect(error);
        this.#fail("defect");
      },
    };
    this.#wire = Wire.connect(address, port, listener);
  }

  send(frames: readonly Uint8Array[]): void {
    this.#write(messageOf(frames));
  }

  /** Already in wire form. */
  sendRaw(bytes: Buffer): void {
    this.#write(bytes);
  }

  close(): void {
    this.#user = undefined;
    clearTimeout(this.#deadline);
    this.#held = NOTHING;
    this.#wire.destroy();
  }

  #write(bytes: Buffer): void {
    this.#wire.bytes("", bytes, 0, bytes.length);
  }

  #greet(): void {
    this.#wire.keepAlive(KEEP_ALIVE_MS);
    this.#write(Buffer.concat([greeting(), readyCommand(this.#type)]));
  }

  #fail(fault: string): void {
    const user = this.#user;
    if (user === undefined) return;
    this.close();
    user.gone(fault);
  }

  #onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.#user === undefined) return;
    if (this.#heldBytes === 0) {
      const at = this.#consume(buffer, start, end);
      if (at < end && this.#user !== undefined) this.#hold(buffer, at, end);
      return;
    }
    this.#hold(buffer, start, end);
    const held = this.#held;
    const size = this.#heldBytes;
    const at = this.#consume(held, 0, size);
    if (this.#user === undefined) return;
    held.copyWithin(0, at, size);
    this.#heldBytes = size - at;
    if (this.#heldBytes === 0) this.#held = NOTHING;
  }

  #hold(buffer: Buffer, start: number, end: number): void {
    const size = this.#heldBytes + end - start;
    if (size > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(512, 2 * size));
      this.#held.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    buffer.copy(this.#held, this.#heldBytes, start, end);
    this.#heldBytes = size;
  }

  /** Returns where what is incomplete begins. After a failure the result means nothing. */
  #consume(bytes: Buffer, start: number, end: number): number {
    let at = start;
    if (this.#state === "greeting") {
      if (end - at < GREETING_BYTES) return at;
      const fault = greetingFault(bytes, at);
      if (fault !== undefined) {
        this.#fail(fault);
        return end;
      }
      this.#state = "ready-expected";
      at += GREETING_BYTES;
    }
    while (this.#user !== undefined) {
      const next = scan.scan(bytes, at, end);
      if (next === NEEDS_MORE) return at;
      if (next === MALFORMED) this.#fail(scan.fault);
      else {
        this.#take(bytes);
        at = next;
      }
    }
    return end;
  }

  /** What has just been scanned. */
  #take(bytes: Buffer): void {
    if (scan.isCommand) {
      this.#obey(bytes.subarray(scan.start[0], scan.end[0]));
      return;
    }
    if (this.#state !== "open") {
      this.#fail("a message before READY");
      return;
    }
    const frames: Buffer[] = [];
    for (let i = 0; i < scan.count; i++) frames.push(bytes.subarray(scan.start[i], scan.end[i]));
    this.#user!.message(frames);
  }

  #obey(command: Buffer): void {
    const nameBytes = command[0] ?? 0;
    const name = command.toString("latin1", 1, 1 + nameBytes);
    if (name === "ERROR") {
      this.#fail("refused by the peer");
    } else if (this.#state === "ready-expected") {
      if (name !== "READY") {
        this.#fail("no READY");
        return;
      }
      clearTimeout(this.#deadline);
      this.#state = "open";
      this.#user!.ready();
    } else if (name === "PING" && this.#wire.queuedBytes < QUEUED_BYTES_MAX) {
      // Two bytes of time to live, then a context to be given back.
      this.#write(commandOf("PONG", command.subarray(7, 7 + 16)));
    }
  }
}
