/**
 * One gRPC call over an HTTP/2 stream: messages out, messages in with the time each came, and how it ended.
 *
 * Source: the gRPC over HTTP/2 specification. A message has five bytes before it: one flag (0, uncompressed) and its length, big-endian.
 * The end is told once, after every message that came before it. Nothing that the peer does throws here: it becomes an end.
 * Messages of more than `MESSAGE_BYTES_MAX` end the call: no reply of a picker comes near it.
 */
import { constants, type ClientHttp2Stream, type IncomingHttpHeaders } from "node:http2";

const PREFIX_BYTES = 5;
/** A picker echoes bodies in parts of 62 KB; one that sends a prompt whole may use all of what gRPC usually allows, many times. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

export interface CallEnd {
  readonly kind: "end";
  /** The gRPC status; undefined where the stream broke off without one. */
  readonly status: number | undefined;
  /** grpc-message, or how the stream broke off. */
  readonly message: string;
  readonly atMs: number;
}

export interface CallMessage {
  readonly kind: "message";
  readonly bytes: Buffer;
  readonly atMs: number;
}

export class GrpcCall {
  readonly #stream: ClientHttp2Stream;
  readonly #arrived: (CallMessage | CallEnd)[] = [];
  #waiting: ((event: CallMessage | CallEnd) => void) | undefined;
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  #end: CallEnd | undefined;
  #head: IncomingHttpHeaders = {};
  #trailers: IncomingHttpHeaders = {};
  #fault = "";

  constructor(stream: ClientHttp2Stream) {
    this.#stream = stream;
    stream.on("response", (head) => (this.#head = head));
    stream.on("trailers", (trailers) => (this.#trailers = trailers));
    stream.on("data", (bytes: Buffer) => this.#read(bytes));
    stream.on("error", (error) => (this.#fault ||= error.message));
    stream.on("close", () => this.#finish());
    // With a half-open stream "close" waits for our side; the peer's end is what counts, so ours is ended too.
    stream.on("end", () => stream.end());
  }

  /** Resolves when the bytes have been handed to the connection: a peer that reads slowly delays it, one that left does not. */
  send(message: Uint8Array): Promise<void> {
    if (this.#end !== undefined || this.#stream.destroyed || this.#stream.writableEnded)
      return Promise.resolve();
    const prefix = Buffer.alloc(PREFIX_BYTES);
    prefix.writeUInt32BE(message.length, 1);
    return new Promise((resolve) => {
      this.#stream.write(Buffer.concat([prefix, message]), () => resolve());
    });
  }

  /** Says that nothing more will be sent, and goes on listening. */
  halfClose(): void {
    this.#stream.end();
  }

  /** RST_STREAM with CANCEL, as Envoy ends most streams. */
  reset(): void {
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  get ended(): boolean {
    return this.#end !== undefined;
  }

  /** Whether the server has ended it with status 0. */
  get endedWell(): boolean {
    return this.#end?.status === 0;
  }

  /** The next message, or the end; undefined when neither came in time. After the end: the end again. */
  async next(limitMs: number): Promise<CallMessage | CallEnd | undefined> {
    const first = this.#arrived.shift();
    if (first !== undefined) return first;
    if (this.#end !== undefined) return this.#end;
    const { promise, resolve } = Promise.withResolvers<CallMessage | CallEnd | undefined>();
    this.#waiting = resolve;
    const timer = setTimeout(() => {
      this.#waiting = undefined;
      resolve(undefined);
    }, limitMs);
    const event = await promise;
    clearTimeout(timer);
    return event;
  }

  #read(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#pieceBytes += bytes.length;
    while (this.#pieceBytes >= PREFIX_BYTES) {
      if ((this.#pieces[0]?.length ?? 0) < PREFIX_BYTES) this.#join();
      const prefix = this.#pieces[0]!;
      const length = prefix.readUInt32BE(1);
      if (prefix[0] !== 0 || length > MESSAGE_BYTES_MAX) {
        this.#fault ||= prefix[0] === 0 ? `announced ${length} bytes` : `used compression flag ${prefix[0]}`;
        this.reset();
        return;
      }
      if (this.#pieceBytes < PREFIX_BYTES + length) return;
      const all = this.#join();
      this.#tell({
        kind: "message",
        bytes: all.subarray(PREFIX_BYTES, PREFIX_BYTES + length),
        atMs: performance.now(),
      });
      this.#pieces = [all.subarray(PREFIX_BYTES + length)];
      this.#pieceBytes -= PREFIX_BYTES + length;
    }
  }

  #join(): Buffer {
    const all = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces, this.#pieceBytes);
    this.#pieces = [all];
    return all;
  }

  #finish(): void {
    if (this.#end !== undefined) return;
    // A call that failed at once says so in its head alone.
    const status = this.#trailers["grpc-status"] ?? this.#head["grpc-status"];
    const message = this.#trailers["grpc-message"] ?? this.#head["grpc-message"];
    this.#end = {
      kind: "end",
      status: status === undefined ? undefined : Number(status),
      message: message === undefined ? this.#brokenOff() : decodeMessage(String(message)),
      atMs: performance.now(),
    };
    this.#tell(this.#end);
  }

  #brokenOff(): string {
    if (this.#fault !== "") return this.#fault;
    const http = this.#head[":status"];
    if (http !== undefined && Number(http) !== 200) return `HTTP status ${Number(http)}`;
    const code = this.#stream.rstCode ?? 0;
    return code === 0 ? "" : `reset with HTTP/2 code ${code}`;
  }

  #tell(event: CallMessage | CallEnd): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) waiting(event);
    else if (event.kind === "message") this.#arrived.push(event);
  }
}

/** grpc-message is percent-encoded. */
function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
