/**
 * An answer, read along while its bytes are forwarded: when its first token came, what it cost in tokens, and whether it
 * came to its proper end.
 *
 * A stream is finished by `[DONE]` (completions, chat, SGLang), `message_stop` (Anthropic) or `response.completed`,
 * `.incomplete` or `.failed` (responses), and by nothing else: one whose connection just closes was cut. An answer in one
 * piece is finished when its JSON is. What cannot be read is passed over; nothing here stops an answer.
 *
 * Made once and used again; memory is fixed.
 */
import type { InferenceApi, TokenUsage } from "../../../model/inference-facts.ts";
import { ResponseVisitor } from "./response-visitor.ts";
import { SseReader } from "./sse-reader.ts";
import type { StreamPlace } from "./stream-end.ts";
import { TextCapture } from "./text-capture.ts";

const NEW_LINE = Uint8Array.of(0x0a);
const OPEN_BRACE = 0x7b;

const NO_DATA = 0;
const IN_JSON = 1;
const IN_TEXT = 2;

export class ResponseReader {
  /** Events with data so far, `[DONE]` included. */
  events = 0;
  /**
   * Events with generated content: about one per token for engines that send each token, so also a count of tokens where
   * no usage comes. From 0 to 1: the first token is here.
   */
  contentEvents = 0;
  /** Events that are not what the API's events are. */
  strangeEvents = 0;
  /** The endpoint told of an error inside the answer. */
  hasError = false;
  #isEnded = false;
  #isStream = false;
  #data = NO_DATA;
  readonly #visitor = new ResponseVisitor();
  readonly #word = new TextCapture();
  readonly #sse = new SseReader({
    data: (bytes, start, end) => this.#dataPart(bytes, start, end),
    dataLine: () => {
      if (this.#data !== NO_DATA) this.#dataPart(NEW_LINE, 0, 1);
    },
    event: (isError) => this.#event(isError),
  });

  begin(api: InferenceApi, isEventStream: boolean): void {
    this.events = 0;
    this.contentEvents = 0;
    this.strangeEvents = 0;
    this.hasError = false;
    this.#isEnded = false;
    this.#isStream = isEventStream;
    this.#data = NO_DATA;
    this.#visitor.begin(api);
    this.#sse.reset();
  }

  feed(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isStream) {
      this.#sse.feed(bytes, start, end);
      return;
    }
    const { scanner } = this.#visitor;
    scanner.feed(bytes, start, end);
    if (this.#visitor.hasError) this.hasError = true;
  }

  /** The answer said that it is complete. */
  get isFinished(): boolean {
    return this.#isStream ? this.#isEnded : this.#visitor.scanner.isComplete;
  }

  /** Where the stream's bytes end at this moment. */
  get place(): StreamPlace {
    return this.#sse.place;
  }

  /** What is known by now; of a stream, the latest that it told. */
  usage(): TokenUsage {
    const { promptTokens, cachedTokens, outputTokens } = this.#visitor;
    return { promptTokens, cachedTokens, outputTokens };
  }

  #dataPart(bytes: Uint8Array, start: number, end: number): void {
    if (this.#data === NO_DATA) {
      const isJson = bytes[start] === OPEN_BRACE;
      this.#data = isJson ? IN_JSON : IN_TEXT;
      if (isJson) this.#visitor.next();
      else this.#word.begin();
    }
    if (this.#data === IN_JSON) this.#visitor.scanner.feed(bytes, start, end);
    else this.#word.run(bytes, start, end);
  }

  #event(isError: boolean): void {
    const data = this.#data;
    this.#data = NO_DATA;
    this.events++;
    if (isError) this.hasError = true;
    if (data === IN_JSON) this.#document();
    else if (data === IN_TEXT && this.#word.text().trimEnd() === "[DONE]") this.#isEnded = true;
    else this.strangeEvents++;
  }

  #document(): void {
    const visitor = this.#visitor;
    if (!visitor.scanner.isComplete) {
      this.strangeEvents++;
      return;
    }
    if (visitor.hasContent) this.contentEvents++;
    if (visitor.hasError) this.hasError = true;
    if (visitor.type.isEmpty) return;
    switch (visitor.type.text()) {
      case "message_stop":
      case "response.completed":
      case "response.incomplete":
        this.#isEnded = true;
        break;
      case "response.failed":
        this.#isEnded = true;
        this.hasError = true;
        break;
      case "error":
        this.hasError = true;
        break;
      default:
    }
  }
}
