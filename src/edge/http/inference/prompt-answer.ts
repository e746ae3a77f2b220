/**
 * The answer to a prompt, read along on its way to the client: its first token and its progress are told to the brain, its
 * token counts are kept for the end.
 *
 * Nothing is held back but what a renamed model needs. An event stream that breaks, or that ends without saying that it is
 * complete, ends with an error event in the API's own form: a client must never take a part for the whole.
 */
import type { InferenceApi, TokenUsage } from "../../../model/inference-facts.ts";
import { ModelRename } from "../../../core/inference/read/model-rename.ts";
import type { ResponseReader } from "../../../core/inference/read/response-reader.ts";
import { streamEnd } from "../../../core/inference/read/stream-end.ts";
import type { AnswerSink } from "../endpoint-connection.ts";
import type { AnswerStream } from "../answer-stream.ts";

/** Who is told how the answer comes along. */
export interface AnswerProgress {
  firstToken(): void;
  /** `total`: so far, the first included. */
  tokens(total: number): void;
}

export interface PromptAnswerSetting {
  readonly api: InferenceApi;
  readonly isEventStream: boolean;
  readonly reader: ResponseReader;
  readonly progress: AnswerProgress;
  /** The model that answers, and what the client calls it; undefined: the same. */
  readonly rename: { readonly target: string; readonly name: string } | undefined;
}

export class PromptAnswer implements AnswerSink {
  readonly chunks: "verbatim" | "decoded";
  readonly #setting: PromptAnswerSetting;
  readonly #stream: AnswerStream;
  readonly #rename: ModelRename | undefined;

  constructor(setting: PromptAnswerSetting, stream: AnswerStream) {
    this.#setting = setting;
    this.#stream = stream;
    this.chunks = stream.chunks;
    const { api, isEventStream, reader, rename } = setting;
    reader.begin(api, isEventStream);
    if (rename !== undefined) {
      this.#rename = new ModelRename(rename.target, rename.name, isEventStream, (bytes, start, end) =>
        stream.bodyBytes(bufferOf(bytes), start, end),
      );
    }
  }

  bodyBytes(buffer: Buffer, start: number, end: number): void {
    const { reader, progress, isEventStream } = this.#setting;
    const before = reader.contentEvents;
    reader.feed(buffer, start, end);
    if (isEventStream && reader.contentEvents > before) {
      if (before === 0) progress.firstToken();
      if (reader.contentEvents > 1) progress.tokens(reader.contentEvents);
    }
    if (this.#rename === undefined) this.#stream.bodyBytes(buffer, start, end);
    else this.#rename.feed(buffer, start, end);
  }

  bodyText(text: string): void {
    this.#stream.bodyText(text);
  }

  flush(): void {
    this.#stream.flush();
  }

  /** A stream that has not said that it is complete. */
  get isUnfinished(): boolean {
    return this.#setting.isEventStream && !this.#setting.reader.isFinished;
  }

  get hasError(): boolean {
    return this.#setting.reader.hasError;
  }

  usage(): TokenUsage {
    const { reader, isEventStream } = this.#setting;
    const usage = reader.usage();
    if (usage.outputTokens >= 0 || !isEventStream) return usage;
    // Engines that send each token in an event of its own have told the count all the same.
    return { ...usage, outputTokens: reader.contentEvents };
  }

  /** No more will come of the body. */
  finish(): void {
    this.#rename?.finish();
  }

  /** What an unfinished stream is to end with. */
  brokenEnd(code: string, message: string): string {
    const { api, reader } = this.#setting;
    return streamEnd(api, reader.place, reader.events, { status: 502, code, message });
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
