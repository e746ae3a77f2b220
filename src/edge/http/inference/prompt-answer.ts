/**
 * The answer to a prompt on its way to the client of the gateway: read along (app/inference/answer-reading.ts), and given
 * the model's name that the client asked for, where it was rewritten.
 *
 * Nothing is held back but what a renamed model needs. An event stream that breaks, or that ends without saying that it is
 * complete, ends with an error event in the API's own form: a client must never take a part for the whole.
 */
import type { AnswerReading } from "../../../app/inference/answer-reading.ts";
import { ModelRename } from "../../../core/inference/read/model-rename.ts";
import type { TokenUsage } from "../../../model/inference-facts.ts";
import type { AnswerStream } from "../answer-stream.ts";
import type { AnswerSink } from "../endpoint-connection.ts";

export interface Renaming {
  /** The model that answers. */
  readonly target: string;
  /** What the client calls it. */
  readonly name: string;
}

export class PromptAnswer implements AnswerSink {
  readonly chunks: "verbatim" | "decoded";
  readonly #reading: AnswerReading;
  readonly #stream: AnswerStream;
  readonly #rename: ModelRename | undefined;

  /** `renaming` undefined: the model that answers is the one asked for. */
  constructor(reading: AnswerReading, renaming: Renaming | undefined, stream: AnswerStream) {
    this.#reading = reading;
    this.#stream = stream;
    this.chunks = stream.chunks;
    if (renaming !== undefined) {
      const { target, name } = renaming;
      this.#rename = new ModelRename(target, name, reading.isEventStream, (bytes, start, end) =>
        stream.bodyBytes(bufferOf(bytes), start, end),
      );
    }
  }

  bodyBytes(buffer: Buffer, start: number, end: number): void {
    this.#reading.feed(buffer, start, end);
    if (this.#rename === undefined) this.#stream.bodyBytes(buffer, start, end);
    else this.#rename.feed(buffer, start, end);
  }

  bodyText(text: string): void {
    this.#stream.bodyText(text);
  }

  flush(): void {
    this.#stream.flush();
  }

  get isUnfinished(): boolean {
    return this.#reading.isUnfinished;
  }

  get hasError(): boolean {
    return this.#reading.hasError;
  }

  usage(): TokenUsage {
    return this.#reading.usage();
  }

  /** No more will come of the body. */
  finish(): void {
    this.#rename?.finish();
  }

  brokenEnd(code: string, message: string): string {
    return this.#reading.brokenEnd(code, message);
  }

  release(): void {
    this.#reading.release();
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
