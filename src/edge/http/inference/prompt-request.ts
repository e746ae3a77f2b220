/**
 * A prompt on the gateway's own data path: its body is read whole before an endpoint is chosen, and goes on with the model
 * that it is to ask for; its answer is read along. One per exchange with a pool of model servers whose path is that of an
 * API that is understood.
 */
import { AnswerReading, answerFormOf, type AnswerProgress } from "../../../app/inference/answer-reading.ts";
import { PromptIntake, type PromptFault } from "../../../app/inference/prompt-intake.ts";
import type { Prompt, PromptDesk } from "../../../app/inference/prompt-desk.ts";
import type { ExchangeNotes } from "../../../app/record.ts";
import type { Refusal } from "../../../model/refusal.ts";
import type { OwnBody } from "../answer.ts";
import type { AnswerStream } from "../answer-stream.ts";
import type { OutgoingRequest } from "../outgoing-request.ts";
import type { BodyForm, Reply } from "../reply.ts";
import { statedHead, unframedHeadText, type ForwardedBy } from "../wire/forward.ts";
import type { RequestHead } from "../wire/request-head.ts";
import type { ResponseHead } from "../wire/response-head.ts";
import { PREFILLER_HEADER } from "./prefill.ts";
import { PromptAnswer } from "./prompt-answer.ts";

/** Undefined: the pool has no model servers, or the request is none that is read for them. */
export function promptOf(
  desk: PromptDesk | undefined,
  head: RequestHead,
  buffer: Buffer,
  by: ForwardedBy,
): PromptRequest | undefined {
  const intake = PromptIntake.of(desk, head);
  if (desk === undefined || intake === undefined) return undefined;
  return new PromptRequest(intake, desk, unframedHeadText(head, buffer, by));
}

export class PromptRequest {
  readonly #intake: PromptIntake;
  readonly #desk: PromptDesk;
  readonly #unframedHead: string;
  #answer: PromptAnswer | undefined;
  #prompt: Prompt | undefined;
  /** For an endpoint, the pool being empty. */
  #waitingSinceMs: number | undefined;

  /** `unframedHead`: as `unframedHeadText` makes it. */
  constructor(intake: PromptIntake, desk: PromptDesk, unframedHead: string) {
    this.#intake = intake;
    this.#desk = desk;
    this.#unframedHead = unframedHead;
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
    return this.#intake.feed(buffer, start, end);
  }

  /** The body is whole, or has a fault; which, if it has. `request` is given the body that is to go on. */
  read(request: OutgoingRequest): PromptFault | undefined {
    const taken = this.#intake.finish();
    if (taken.kind === "fault") return taken;
    this.#prompt = taken.prompt;
    const { splice } = taken;
    if (splice !== undefined) request.splice(splice.start, splice.bytes, splice.end);
    return undefined;
  }

  /** Gives the request the head for the endpoint that was picked. `prefillerKey`: who prefills for it. */
  direct(request: OutgoingRequest, prefillerKey: string | undefined): void {
    const prefiller = prefillerKey === undefined ? "" : `${PREFILLER_HEADER}: ${prefillerKey}\r\n`;
    request.setHead(statedHead(`${this.#unframedHead}${prefiller}`, request.bodyBytes));
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
    return { type: "application/json", text: this.#intake.refusalText(refusal, detail) };
  }

  /** The endpoint has begun to answer; where its body goes. */
  answerBegins(
    head: ResponseHead,
    buffer: Buffer,
    begin: BeginAnswer,
    progress: AnswerProgress,
  ): PromptAnswer | AnswerStream {
    const { facts, model } = this.#prompt!;
    const { fields, status } = head;
    const form = answerFormOf(
      status,
      fields.joined(buffer, "content-type"),
      fields.joined(buffer, "content-encoding"),
    );
    if (form === undefined) return begin("as-it-comes");
    const isEventStream = form === "event-stream";
    const isRenamed = model !== facts.model && facts.model !== "";
    const renaming = isRenamed ? { target: model, name: facts.model } : undefined;
    const stream = begin(isRenamed ? "of-other-length" : isEventStream ? "ending-here" : "as-it-comes");
    const reading = new AnswerReading(this.#intake.api, isEventStream, progress);
    this.#answer = new PromptAnswer(reading, renaming, stream);
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
    notes.api = this.#intake.api;
    notes.model = this.#prompt?.facts.model;
    notes.usage = this.#answer?.usage();
    this.#intake.release();
    this.#answer?.release();
    this.#answer = undefined;
  }
}

export type BeginAnswer = (form: BodyForm) => AnswerStream;
