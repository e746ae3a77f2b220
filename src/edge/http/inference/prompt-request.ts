/**
 * The body of a prompt, read as it comes; when it is whole, what the pool's desk makes of it. One per exchange with a pool of
 * model servers whose path is that of an API that is understood.
 *
 * Readers are lent: they are a few kilobytes each, and few prompts are being read at a time.
 */
import type { ExchangeNotes } from "../../../app/record.ts";
import type { Prompt, PromptDesk } from "../../../app/inference/prompt-desk.ts";
import { renderError, messageOf, statusOf } from "../../../core/inference/read/error-shape.ts";
import { INFERENCE_HEADERS, type HeaderSource } from "../../../core/inference/read/inference-facts.ts";
import { inferenceApiOf } from "../../../core/inference/read/inference-api.ts";
import { spliceModel } from "../../../core/inference/read/model-splice.ts";
import { RequestReader } from "../../../core/inference/read/request-reader.ts";
import { ResponseReader } from "../../../core/inference/read/response-reader.ts";
import type { InferenceApi, RequestFault } from "../../../model/inference-facts.ts";
import { REFUSALS, type Refusal } from "../../../model/refusal.ts";
import type { OwnBody } from "../answer.ts";
import type { AnswerStream } from "../answer-stream.ts";
import { PROMPTS_BYTES_MAX, PROMPT_BYTES_MAX } from "../limits.ts";
import type { OutgoingRequest } from "../outgoing-request.ts";
import { statedHead, unframedHeadText, type ForwardedBy } from "../wire/forward.ts";
import type { RequestHead } from "../wire/request-head.ts";
import type { BodyForm, Reply } from "../reply.ts";
import type { ResponseHead } from "../wire/response-head.ts";
import { PREFILLER_HEADER } from "./prefill.ts";
import { PromptAnswer, type AnswerProgress } from "./prompt-answer.ts";
import { Spares } from "./spares.ts";

const requestReaders = new Spares(() => new RequestReader({ bodyBytesMax: PROMPT_BYTES_MAX }));
/** Of all prompts that are being read, wait or are under way. */
let heldBytes = 0;

const responseReaders = new Spares(() => new ResponseReader());

export interface PromptFault {
  readonly refusal: Refusal;
  readonly detail: string;
}

/** Undefined: the pool has no model servers, or the request is none that is read for them. */
export function promptOf(
  desk: PromptDesk | undefined,
  head: RequestHead,
  buffer: Buffer,
  by: ForwardedBy,
): PromptRequest | undefined {
  const api = desk === undefined ? undefined : inferenceApiOf(head.method, head.path);
  if (desk === undefined || api === undefined) return undefined;
  return new PromptRequest(api, desk, head, unframedHeadText(head, buffer, by));
}

export class PromptRequest {
  readonly #api: InferenceApi;
  readonly #desk: PromptDesk;
  readonly #headers: HeaderSource;
  readonly #unframedHead: string;
  #reader: RequestReader | undefined;
  #answerReader: ResponseReader | undefined;
  #answer: PromptAnswer | undefined;
  #prompt: Prompt | undefined;
  #fault: RequestFault | undefined;
  #heldBytes = 0;
  /** For an endpoint, the pool being empty. */
  #waitingSinceMs: number | undefined;

  /** `unframedHead`: as `unframedHeadText` makes it. */
  constructor(api: InferenceApi, desk: PromptDesk, headers: HeaderSource, unframedHead: string) {
    this.#api = api;
    this.#desk = desk;
    this.#headers = noteHeaders(headers);
    this.#unframedHead = unframedHead;
    this.#reader = requestReaders.take();
    this.#reader.begin(api);
  }

  /** Undefined before the body is read. */
  get prompt(): Prompt | undefined {
    return this.#prompt;
  }

  get answer(): PromptAnswer | undefined {
    return this.#answer;
  }

  /** Body bytes as they come. False: it will be no request that can be served, whatever may follow. */
  feed(buffer: Buffer, start: number, end: number): boolean {
    this.#heldBytes += end - start;
    heldBytes += end - start;
    return heldBytes <= PROMPTS_BYTES_MAX && this.#reader!.feed(buffer, start, end);
  }

  /** The body is whole, or has a fault; which, if it has. `request` is given the body that is to go on. */
  read(request: OutgoingRequest): PromptFault | undefined {
    const reading = this.#reader!.finish();
    this.#giveBack();
    if (heldBytes > PROMPTS_BYTES_MAX) return { refusal: "prompts-full", detail: "" };
    if (reading.kind === "fault") return this.#refused(reading.fault);
    const { body } = reading;
    const prompt = this.#desk.take(body, this.#headers);
    this.#prompt = prompt;
    if (prompt.model !== prompt.facts.model) {
      const splice = spliceModel(body, prompt.model);
      if (splice !== undefined) request.splice(splice.start, splice.bytes, splice.end);
    }
    return undefined;
  }

  /** Gives the request the head for the endpoint that was picked. `prefillerKey`: who prefills for it. */
  direct(request: OutgoingRequest, prefillerKey: string | undefined): void {
    const prefiller = prefillerKey === undefined ? "" : `${PREFILLER_HEADER}: ${prefillerKey}\r\n`;
    request.setHead(statedHead(`${this.#unframedHead}${prefiller}`, request.bodyBytes));
  }

  #refused(fault: RequestFault): PromptFault {
    this.#fault = fault;
    const refusal = statusOf(fault) === 413 ? "inference-request-too-large" : "bad-inference-request";
    return { refusal, detail: messageOf(fault) };
  }

  /**
   * An empty pool may be about to be scaled up: the prompt waits as long as its pool lets prompts wait. Asked again at each
   * sweep until there is an endpoint or this says no.
   */
  mayWaitForEndpoint(reason: Refusal, nowMs: number): boolean {
    if (reason !== "no-endpoint") return false;
    this.#waitingSinceMs ??= nowMs;
    return nowMs - this.#waitingSinceMs < this.#desk.maxWaitMs;
  }

  /** How the client's library expects to be told of a refusal. */
  refusalBody(refusal: Refusal, detail: string): OwnBody {
    const { status, meaning } = REFUSALS[refusal];
    const param = this.#fault === undefined || this.#fault.path === "" ? undefined : this.#fault.path;
    const message = detail === "" ? meaning : detail;
    const error = { status, code: refusal, message, param };
    return { type: "application/json", text: renderError(this.#api, error) };
  }

  /** The endpoint has begun to answer; where its body goes. */
  answerBegins(
    head: ResponseHead,
    buffer: Buffer,
    begin: BeginAnswer,
    progress: AnswerProgress,
  ): PromptAnswer | AnswerStream {
    const { facts, model } = this.#prompt!;
    const type = head.fields.joined(buffer, "content-type")?.toLowerCase() ?? "";
    const isEventStream = type.startsWith("text/event-stream");
    const isReadable = head.status < 300 && (isEventStream || type.includes("json"));
    const isEncoded = head.fields.joined(buffer, "content-encoding") !== undefined;
    if (!isReadable || isEncoded) return begin("as-it-comes");
    const isRenamed = model !== facts.model && facts.model !== "";
    const rename = isRenamed ? { target: model, name: facts.model } : undefined;
    const stream = begin(isRenamed ? "of-other-length" : isEventStream ? "ending-here" : "as-it-comes");
    this.#answerReader = responseReaders.take();
    const reader = this.#answerReader;
    this.#answer = new PromptAnswer({ api: this.#api, isEventStream, reader, progress, rename }, stream);
    return this.#answer;
  }

  /** The endpoint's body has come to an end. `unfinished`: but the answer has not. */
  answerEnds(): "finished" | "unfinished" {
    const answer = this.#answer;
    answer?.finish();
    if (answer?.isUnfinished === true) return "unfinished";
    if (answer !== undefined && !answer.hasError) this.#desk.learn(this.#prompt!, answer.usage());
    return "finished";
  }

  /** An event stream that breaks ends with an error event. False: the answer is none, or has come to its end. */
  breakOff(reply: Reply, why: string): boolean {
    const answer = this.#answer;
    if (answer === undefined || !answer.isUnfinished) return false;
    reply.breakOff(answer.brokenEnd("endpoint-reset", `The answer was cut short (${why}).`));
    return true;
  }

  /** The exchange is over; what is known of the prompt goes into its notes. */
  end(notes: ExchangeNotes): void {
    notes.api = this.#api;
    notes.model = this.#prompt?.facts.model;
    notes.usage = this.#answer?.usage();
    this.#giveBack();
    heldBytes -= this.#heldBytes;
    this.#heldBytes = 0;
    if (this.#answerReader !== undefined) responseReaders.giveBack(this.#answerReader);
    this.#answerReader = undefined;
    this.#answer = undefined;
  }

  #giveBack(): void {
    if (this.#reader !== undefined) requestReaders.giveBack(this.#reader);
    this.#reader = undefined;
  }
}

export type BeginAnswer = (form: BodyForm) => AnswerStream;

/** The head's bytes are gone when the body is whole. */
function noteHeaders(source: HeaderSource): HeaderSource {
  const noted = new Map<string, string>();
  for (const name of INFERENCE_HEADERS) {
    const value = source.header(name);
    if (value !== undefined) noted.set(name, value);
  }
  return { header: (name) => noted.get(name) };
}
