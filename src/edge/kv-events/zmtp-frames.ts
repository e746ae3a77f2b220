/**
 * The wire format of ZeroMQ, as much of it as a subscriber needs: ZMTP 3.0 (rfc.zeromq.org/spec/23), mechanism NULL.
 *
 * A greeting of 64 bytes each way, then frames: flags (more, long, command), a length of 1 or 8 bytes, the body. A message is
 * frames up to one without `more`. The peer may speak 3.1: what that adds (PING, commands to subscribe) it keeps to itself
 * towards a peer of 3.0, except PING, which is answered.
 */

export const GREETING_BYTES = 64;
const SIGNATURE_FIRST = 0xff;
const SIGNATURE_LAST = 0x7f;
const VERSION_MAJOR = 3;
const MECHANISM_AT = 12;
const MECHANISM_BYTES = 20;

const MORE = 1;
const LONG = 2;
const COMMAND = 4;

/** Of one message, engine and replay alike: an identity's delimiter, a topic, a number and a payload. */
export const FRAMES_MAX = 8;
/** Of one message; beyond, the connection is given up. Three times the largest event that is taken note of. */
export const MESSAGE_BYTES_MAX = 4_194_304;

export const NEEDS_MORE = 0;
export const MALFORMED = -1;

export type SocketType = "SUB" | "DEALER";

export function greeting(): Buffer {
  const bytes = Buffer.alloc(GREETING_BYTES);
  bytes[0] = SIGNATURE_FIRST;
  bytes[9] = SIGNATURE_LAST;
  bytes[10] = VERSION_MAJOR;
  bytes.write("NULL", MECHANISM_AT, "latin1");
  return bytes;
}

/** What is wrong with a peer's greeting; undefined: nothing. */
export function greetingFault(bytes: Uint8Array, at: number): string | undefined {
  if (bytes[at] !== SIGNATURE_FIRST || (bytes[at + 9]! & 1) !== 1) return "not ZMTP";
  if (bytes[at + 10]! < VERSION_MAJOR) return `ZMTP ${bytes[at + 10]}`;
  const start = at + MECHANISM_AT;
  const mechanism = Buffer.from(bytes.subarray(start, start + MECHANISM_BYTES)).toString("latin1");
  const name = mechanism.replace(/\0+$/, "");
  return name === "NULL" ? undefined : `mechanism ${JSON.stringify(name)}`;
}

/** The frames of the message last scanned: offsets into the bytes that were scanned. */
export class MessageScan {
  count = 0;
  isCommand = false;
  readonly start: Int32Array = new Int32Array(FRAMES_MAX);
  readonly end: Int32Array = new Int32Array(FRAMES_MAX);
  fault = "";

  /** A whole message (or command) at `at`: the index after it, NEEDS_MORE, or MALFORMED. */
  scan(bytes: Uint8Array, at: number, upTo: number): number {
    this.count = 0;
    this.isCommand = false;
    let next = at;
    for (;;) {
      if (next + 2 > upTo) return NEEDS_MORE;
      const flags = bytes[next]!;
      if (flags > (MORE | LONG | COMMAND)) return this.#malformed("unknown flags");
      const isCommand = (flags & COMMAND) !== 0;
      const isMore = (flags & MORE) !== 0;
      if (isCommand && (isMore || this.count > 0)) return this.#malformed("a command within a message");
      if (this.count === FRAMES_MAX) return this.#malformed("too many frames");
      const isLong = (flags & LONG) !== 0;
      if (isLong && next + 9 > upTo) return NEEDS_MORE;
      const size = isLong ? longSize(bytes, next + 1) : bytes[next + 1]!;
      const start = next + (isLong ? 9 : 2);
      next = start + size;
      if (next - at > MESSAGE_BYTES_MAX) return this.#malformed("message too large");
      if (next > upTo) return NEEDS_MORE;
      this.isCommand = isCommand;
      this.start[this.count] = start;
      this.end[this.count++] = next;
      if (!isMore) return next;
    }
  }

  #malformed(fault: string): number {
    this.fault = fault;
    return MALFORMED;
  }
}

/** Infinity beyond what anybody may send, so that no sum overflows. */
function longSize(bytes: Uint8Array, at: number): number {
  let size = 0;
  for (let i = 0; i < 8; i++) size = size * 256 + bytes[at + i]!;
  return size > MESSAGE_BYTES_MAX ? Number.POSITIVE_INFINITY : size;
}

export function messageOf(frames: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    frames.flatMap((frame, i) => [header(i < frames.length - 1 ? MORE : 0, frame.length), frame]),
  );
}

/** `name` and its body. */
export function commandOf(name: string, body: Uint8Array): Buffer {
  const whole = Buffer.concat([Buffer.from([name.length]), Buffer.from(name, "latin1"), body]);
  return Buffer.concat([header(COMMAND, whole.length), whole]);
}

function header(flags: number, size: number): Buffer {
  if (size < 256) return Buffer.from([flags, size]);
  const bytes = Buffer.alloc(9);
  bytes[0] = flags | LONG;
  bytes.writeBigUInt64BE(BigInt(size), 1);
  return bytes;
}

export function readyCommand(type: SocketType): Buffer {
  return commandOf("READY", property("Socket-Type", type));
}

function property(name: string, value: string): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(value.length);
  return Buffer.concat([
    Buffer.from([name.length]),
    Buffer.from(name, "latin1"),
    size,
    Buffer.from(value, "latin1"),
  ]);
}

/** A subscription is a message in 3.0; to the empty prefix: to everything. */
export function subscribeMessage(prefix: string): Buffer {
  return messageOf([Buffer.concat([Buffer.from([1]), Buffer.from(prefix, "utf8")])]);
}
