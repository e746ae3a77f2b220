/**
 * The answer to a prompt, read along on its way to the client, whoever carries it: its first token and its progress are
 * told to the brain, its token counts are kept for the end. Nothing is held back and nothing is changed here.
 *
 * Readers are lent. Invariant: `release` gives the reader back, once.
 */
import { ResponseReader } from "../../core/inference/read/response-reader.ts";
import { streamEnd } from "../../core/inference/read/stream-end.ts";
import type { InferenceApi, TokenUsage } from "../../model/inference-facts.ts";
import { Spares } from "./spares.ts";

const responseReaders = new Spares(() => new ResponseReader());

/** Who is told how the answer comes along. */
export interface AnswerProgress {
  firstToken(): void;
  /** `total`: so far, the first included. */
  tokens(total: number): void;
}

/** Undefined: not an answer that can be read. Types and codings as the response's head has them, if it does. */
export function answerFormOf(
  status: number,
  contentType: string | undefined,
  contentEncoding: string | undefined,
): "event-stream" | "json" | undefined {
  if (status >= 300 || contentEncoding !== undefined) return undefined;
  const type = contentType?.toLowerCase() ?? "";
  if (type.startsWith("text/event-stream")) return "event-stream";
  return type.includes("json") ? "json" : undefined;
}

export class AnswerReading {
  readonly isEventStream: boolean;
  readonly #api: InferenceApi;
  readonly #progress: AnswerProgress;
  #reader: ResponseReader | undefined = responseReaders.take();
  /** Once the reader is given back. */
  #usage: TokenUsage | undefined;

  constructor(api: InferenceApi, isEventStream: boolean, progress: AnswerProgress) {
    this.isEventStream = isEventStream;
    this.#api = api;
    this.#progress = progress;
    this.#reader!.begin(api, isEventStream);
  }

  feed(bytes: Uint8Array, start: number, end: number): void {
    const reader = this.#reader!;
    const before = reader.contentEvents;
    reader.feed(bytes, start, end);
    if (!this.isEventStream || reader.contentEvents <= before) return;
    if (before === 0) this.#progress.firstToken();
    if (reader.contentEvents > 1) this.#progress.tokens(reader.contentEvents);
  }

  /** A stream that has not said that it is complete. */
  get isUnfinished(): boolean {
    return this.isEventStream && !this.#reader!.isFinished;
  }

  get hasError(): boolean {
    return this.#reader!.hasError;
  }

  usage(): TokenUsage {
    const reader = this.#reader;
    if (reader === undefined) return this.#usage!;
    const usage = reader.usage();
    if (usage.outputTokens >= 0 || !this.isEventStream) return usage;
    // Engines that send each token in an event of its own have told the count all the same.
    return { ...usage, outputTokens: reader.contentEvents };
  }

  /** What an unfinished stream is to end with. */
  brokenEnd(code: string, message: string): string {
    const { place, events } = this.#reader!;
    return streamEnd(this.#api, place, events, { status: 502, code, message });
  }

  /** No more will be read; what is known of its usage stays known. Harmless a second time. */
  release(): void {
    if (this.#reader === undefined) return;
    this.#usage = this.usage();
    responseReaders.giveBack(this.#reader);
    this.#reader = undefined;
  }
}
