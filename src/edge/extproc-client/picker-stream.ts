/**
 * A gateway's stream to an endpoint picker, one per HTTP request: messages out, replies in, and a transcript of both with times.
 *
 * A reply that does not come within the limit is `silence`, so that waiting for ever has a name; one that is no ProcessingResponse is
 * `malformed`. Times are milliseconds since the stream was opened; `waitedMs` counts from the last message sent, or from the reply before
 * it if that came later.
 */
import { decodeReply } from "./decode-reply.ts";
import { describeReply, describeRequest } from "./describe.ts";
import { encodeRequest } from "./encode-request.ts";
import type { GrpcCall } from "./grpc-call.ts";
import type { ProcessingReply, ProcessingRequest } from "./messages.ts";
import { MalformedMessage } from "./protobuf.ts";

export const PROCESS_PATH = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";

export type PickerEvent =
  | { readonly kind: "reply"; readonly reply: ProcessingReply; readonly waitedMs: number }
  | { readonly kind: "end"; readonly status: number | undefined; readonly message: string }
  | { readonly kind: "silence"; readonly limitMs: number }
  | { readonly kind: "malformed"; readonly reason: string };

export interface TranscriptLine {
  readonly atMs: number;
  readonly from: "gateway" | "picker";
  readonly text: string;
  /** Only of replies. */
  readonly waitedMs?: number;
}

export class PickerStream {
  readonly #call: GrpcCall;
  readonly #openedMs = performance.now();
  readonly #transcript: TranscriptLine[] = [];
  #lastMs = this.#openedMs;

  constructor(call: GrpcCall) {
    this.#call = call;
  }

  get transcript(): readonly TranscriptLine[] {
    return this.#transcript;
  }

  get ended(): boolean {
    return this.#call.ended;
  }

  /** The picker has left of its own accord, and not by failing. */
  get endedWell(): boolean {
    return this.#call.endedWell;
  }

  /** Resolves when the connection has taken it, which says nothing of the picker. */
  send(request: ProcessingRequest): Promise<void> {
    this.#note("gateway", describeRequest(request));
    return this.#call.send(encodeRequest(request));
  }

  /** Bytes that are no message, or none that a gateway would send. */
  sendBytes(bytes: Uint8Array): Promise<void> {
    this.#note("gateway", `${bytes.length} bytes that are no ProcessingRequest`);
    return this.#call.send(bytes);
  }

  halfClose(): void {
    this.#note("gateway", "half-close");
    this.#call.halfClose();
  }

  reset(): void {
    if (!this.#call.ended) this.#note("gateway", "reset");
    this.#call.reset();
  }

  async next(limitMs: number): Promise<PickerEvent> {
    const event = await this.#call.next(limitMs);
    if (event === undefined) {
      this.#note("picker", `nothing for ${limitMs} ms`);
      return { kind: "silence", limitMs };
    }
    if (event.kind === "end") {
      const status =
        event.status === undefined ? "without a gRPC status" : `with gRPC status ${event.status}`;
      this.#noteReply(
        `ends the stream ${status}${event.message === "" ? "" : `: ${event.message}`}`,
        event.atMs,
      );
      return { kind: "end", status: event.status, message: event.message };
    }
    try {
      const reply = decodeReply(event.bytes);
      return { kind: "reply", reply, waitedMs: this.#noteReply(describeReply(reply), event.atMs) };
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      this.#noteReply(
        `${event.bytes.length} bytes that are no ProcessingResponse: ${error.message}`,
        event.atMs,
      );
      return { kind: "malformed", reason: error.message };
    }
  }

  #note(from: "gateway" | "picker", text: string): void {
    this.#lastMs = performance.now();
    this.#transcript.push({ atMs: this.#lastMs - this.#openedMs, from, text });
  }

  #noteReply(text: string, atMs: number): number {
    // It may have come before what was sent last: nobody waited for it then.
    const waitedMs = Math.max(0, atMs - this.#lastMs);
    this.#lastMs = Math.max(this.#lastMs, atMs);
    this.#transcript.push({ atMs: atMs - this.#openedMs, from: "picker", text, waitedMs });
    return waitedMs;
  }
}
