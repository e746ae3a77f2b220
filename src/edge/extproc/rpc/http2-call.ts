/**
 * One gRPC call on one HTTP/2 stream of node:http2.
 *
 * Response headers go with the first message; a call that says nothing ends in trailers alone. Whatever happens, the handler
 * hears of the end at most once, and after `end` or `onCancel` nothing reaches it any more.
 */
import http2, { type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { ByteBudget } from "./byte-budget.ts";
import { MessageReader, type MessageFault } from "./message-reader.ts";
import {
  RPC_DEADLINE_EXCEEDED,
  RPC_INTERNAL,
  RPC_INVALID_ARGUMENT,
  RPC_RESOURCE_EXHAUSTED,
  RPC_UNIMPLEMENTED,
  type RpcCall,
  type RpcHandler,
} from "./rpc.ts";
import type { Swept } from "../../http/sweeper.ts";

/** What a call has of the server it came to. */
export interface CallOwner {
  clock(): number;
  readonly messageBytesMax: number;
  readonly budget: ByteBudget;
  onGone(call: Http2Call): void;
  /** The other side broke the protocol; `fault` is for the metrics. */
  onFault(fault: string): void;
  onDefect(error: unknown): void;
}

const CONTENT_TYPE = "application/grpc+proto";

/** Of replies that wait for the other side to take them; beyond, nothing more is read from it. */
const WRITE_AHEAD_BYTES = 131_072;

/** Whoever opens a call has something to say; one that says nothing would only be there. */
const FIRST_MESSAGE_MS = 10_000;

const FAULT_CODES: Readonly<Record<MessageFault, number>> = {
  "compressed-message": RPC_UNIMPLEMENTED,
  "message-too-large": RPC_RESOURCE_EXHAUSTED,
  "memory-full": RPC_RESOURCE_EXHAUSTED,
};

export class Http2Call implements RpcCall, Swept {
  readonly peer: string;
  sweptIndex = -1;
  /** When the first message must have come; after it the call's own deadline. */
  dueMs: number;
  readonly #deadlineMs: number;
  readonly #owner: CallOwner;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #reader: MessageReader;
  /** Undefined once the call is over. */
  #handler: RpcHandler | undefined;
  #responded = false;
  #hasMessage = false;
  #trailers: Record<string, string | number> | undefined;

  constructor(
    owner: CallOwner,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    peer: string,
    /** Infinite: it has none. */
    deadlineMs: number,
  ) {
    this.#owner = owner;
    this.#stream = stream;
    this.#headers = headers;
    this.peer = peer;
    this.#deadlineMs = deadlineMs;
    this.dueMs = Math.min(deadlineMs, owner.clock() + FIRST_MESSAGE_MS);
    this.#reader = new MessageReader(owner.messageBytesMax, owner.budget, (bytes) => this.#take(bytes));
    stream.on("error", () => {});
    stream.on("aborted", () => endQuietly(stream));
    stream.on("close", () => this.#closed());
    stream.on("wantTrailers", () => this.#sendTrailers());
  }

  /** Messages are handed to it from now on. */
  begin(handler: RpcHandler): void {
    const stream = this.#stream;
    this.#handler = handler;
    stream.on("data", (chunk: Buffer) => this.#onData(chunk));
    stream.on("end", () => this.#guard(() => this.#onEnd()));
    stream.on("drain", () => this.#guard(() => this.#handler?.onDrain()));
  }

  metadata(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value.join(",") : value;
  }

  send(parts: readonly Buffer[]): boolean {
    if (this.#trailers !== undefined || this.#stream.destroyed) return true;
    this.#respond();
    const stream = this.#stream;
    stream.cork();
    let hasRoom = true;
    for (const part of parts) hasRoom = stream.write(part);
    stream.uncork();
    // Its own mark is one of our frames: it would have the two wait for each other after each.
    return hasRoom || stream.writableLength < WRITE_AHEAD_BYTES;
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  end(code: number, message: string): void {
    if (this.#trailers !== undefined) return;
    this.#handler = undefined;
    this.#reader.close();
    this.#trailers = { "grpc-status": code };
    if (message !== "") this.#trailers["grpc-message"] = encodeURI(message);
    if (this.#stream.destroyed) return;
    if (this.#responded) this.#stream.end();
    else {
      const head = { ":status": 200, "content-type": CONTENT_TYPE, ...this.#trailers };
      this.#stream.respond(head, { endStream: true });
      this.#letGo();
    }
    // What still comes is thrown away, so that the connection's window is given back.
    this.#stream.resume();
  }

  /** The server ends: the other side may ask again elsewhere. */
  cut(): void {
    this.#stream.close(http2.constants.NGHTTP2_CANCEL);
  }

  sweep(nowMs: number): void {
    if (this.#hasMessage && nowMs < this.#deadlineMs) {
      this.dueMs = this.#deadlineMs;
      return;
    }
    this.dueMs = Infinity;
    if (nowMs < this.#deadlineMs) this.#owner.onFault("silent-call");
    this.#guard(() => this.#cancel());
    this.end(RPC_DEADLINE_EXCEEDED, "deadline exceeded");
  }

  #respond(): void {
    if (this.#responded) return;
    this.#responded = true;
    this.#stream.respond({ ":status": 200, "content-type": CONTENT_TYPE }, { waitForTrailers: true });
  }

  #sendTrailers(): void {
    this.#stream.sendTrailers(this.#trailers ?? { "grpc-status": RPC_INTERNAL });
    this.#letGo();
  }

  /** The other side, should it still be sending, is told to stop (RFC 9113 section 8.1). */
  #letGo(): void {
    if (!this.#stream.readableEnded) this.#stream.close(http2.constants.NGHTTP2_NO_ERROR);
  }

  #onData(chunk: Buffer): void {
    if (this.#handler === undefined) return;
    const stream = this.#stream;
    // What one read leads to goes out in one write.
    stream.cork();
    this.#guard(() => {
      const fault = this.#reader.feed(chunk);
      if (fault !== undefined) this.#fail(fault, FAULT_CODES[fault]);
    });
    stream.uncork();
  }

  #take(bytes: Buffer): void {
    this.#hasMessage = true;
    this.#handler?.onMessage(bytes);
  }

  #onEnd(): void {
    // A reset ends the reading side too; it is no half-close, and `close` tells of it.
    if (this.#handler === undefined || this.#stream.closed) return;
    if (this.#reader.isInside) this.#fail("message-cut-short", RPC_INVALID_ARGUMENT);
    else this.#handler.onHalfClose();
  }

  #fail(fault: string, code: number): void {
    this.#owner.onFault(fault);
    this.#cancel();
    this.end(code, fault);
  }

  #cancel(): void {
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.onCancel();
  }

  #closed(): void {
    this.#reader.close();
    this.#guard(() => this.#cancel());
    this.#owner.onGone(this);
  }

  /** A defect met in the handler ends this call alone. */
  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#owner.onDefect(error);
      try {
        this.#cancel();
      } catch (another) {
        this.#owner.onDefect(another);
      }
      this.end(RPC_INTERNAL, "internal error");
    }
  }
}

const RESET = new Error("reset by the other side");

/**
 * Most gateways end a call by a reset with an error code, which is no error here. Node would make one of it with a stack that nobody
 * reads, and another because it ends what is destroyed: a tenth of all that a short prompt costs.
 */
function endQuietly(stream: ServerHttp2Stream): void {
  stream.destroy(RESET);
  stream.end = () => stream;
}
