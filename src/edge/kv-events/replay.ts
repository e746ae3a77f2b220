/**
 * One replay: asks an engine's replay socket for all batches from a sequence number on, and hands them over as they come.
 *
 * Asked by a DEALER with an empty frame and the number, answered by a message per batch, `["", seq, payload]` or
 * `["", topic, seq, payload]`, up to one whose number is -1. The engine answers between its own batches, so it may take a tenth
 * of a second to begin. Silence and length are bounded; after `close` nothing is called.
 */
import { ZmtpSocket } from "./zmtp-socket.ts";

/** Between two batches, and before the first. */
const SILENCE_MS = 2_000;
/** Over all: engines keep 10 000 batches. */
const WHOLE_MS = 30_000;

export interface ReplayUser {
  batch(sequence: number, payload: Buffer): void;
  /** Undefined: complete. Called once, and last. */
  replayed(fault: string | undefined): void;
  defect(error: unknown): void;
}

export class Replay {
  readonly #socket: ZmtpSocket;
  #user: ReplayUser | undefined;
  readonly #silence: NodeJS.Timeout;
  readonly #whole: NodeJS.Timeout;

  constructor(address: string, port: number, from: number, user: ReplayUser) {
    this.#user = user;
    this.#silence = setTimeout(() => this.#end("replay timeout"), SILENCE_MS).unref();
    this.#whole = setTimeout(() => this.#end("replay too long"), WHOLE_MS).unref();
    this.#socket = new ZmtpSocket("DEALER", address, port, {
      ready: () => this.#socket.send([Buffer.alloc(0), sequenceBytes(from)]),
      message: (frames) => this.#message(frames),
      gone: (fault) => this.#end(fault),
      defect: (error) => this.#user?.defect(error),
    });
  }

  close(): void {
    this.#user = undefined;
    clearTimeout(this.#silence);
    clearTimeout(this.#whole);
    this.#socket.close();
  }

  #message(frames: readonly Buffer[]): void {
    const isTitled = frames.length === 4;
    const [sequence, payload] = frames.slice(isTitled ? 2 : 1);
    if (frames[0]?.length !== 0 || sequence?.length !== 8 || payload === undefined) {
      this.#end("unreadable replay");
      return;
    }
    if (isEnd(sequence)) {
      this.#end(undefined);
      return;
    }
    const number = sequenceOf(sequence);
    if (number === undefined) {
      this.#end("unreadable replay");
      return;
    }
    this.#silence.refresh();
    this.#user?.batch(number, payload);
  }

  #end(fault: string | undefined): void {
    const user = this.#user;
    if (user === undefined) return;
    this.close();
    user.replayed(fault);
  }
}

function isEnd(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0xff);
}

function sequenceBytes(sequence: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(sequence));
  return bytes;
}

/** Undefined: beyond what counts exactly, which no engine lives to reach. */
export function sequenceOf(bytes: Buffer): number | undefined {
  if (bytes.length !== 8) return undefined;
  const sequence = bytes.readUInt32BE(0) * 4_294_967_296 + bytes.readUInt32BE(4);
  return Number.isSafeInteger(sequence) ? sequence : undefined;
}
