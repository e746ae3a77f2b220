/**
 * The request line where another gateway carries the bytes: the same steps in the same order as on our own data path
 * (edge/http/exchange.ts), between what that gateway tells and what it is to be told.
 *
 *   route    which pool, which class            the gateway has its own routes, and may name the pool
 *   read     the prompt, where it is one        as the body comes by
 *   admit    now, later or not at all
 *   pick     which endpoint (core)
 *   answer   status, first token, tokens        as the answer comes by; nothing waits for it
 *   settle   the claim, exactly once            in `#finish`, and nowhere else
 *   record   turn given back, log, metrics      there too, exactly once
 *
 * Synchronous, and without a socket: time and bytes are handed in. The carrier hears of one thing once: where the request
 * goes, or why nowhere; perhaps before the call that led there returns, perhaps much later.
 */
import type { LiveClass } from "./live-pool.ts";
import type { Refused } from "../core/admission/admission.ts";
import type { ModelSplice } from "../core/inference/read/model-splice.ts";
import type { RouteFacts } from "../core/route/facts.ts";
import type { LoadReport } from "../model/load-report.ts";
import { outcomeOfStatus, type OutcomeKind } from "../model/outcome.ts";
import type { Refusal } from "../model/refusal.ts";
import type { Prng } from "../std/prng.ts";
import { CarriedClaim } from "./carried-claim.ts";
import { AnswerReading, answerFormOf } from "./inference/answer-reading.ts";
import type { Prompt } from "./inference/prompt-desk.ts";
import { PromptIntake } from "./inference/prompt-intake.ts";
import { ExchangeNotes, type EndedBy, type ExchangeRecord } from "./record.ts";
import { routeToPool, type CarriedArrival, type CarriedRoute } from "./route-to-pool.ts";
import { Turn, type TurnTaker } from "./turn.ts";
import type { View } from "./view.ts";

export interface CarriedContext {
  /** The newest view; read once per request. */
  readonly view: View;
  readonly prng: Prng;
  /** How many endpoints are named beside the one that is picked. */
  readonly fallbacksMax: number;
  /** Milliseconds since some fixed moment, never going back. */
  readonly clock: () => number;
  record(exchange: ExchangeRecord): void;
  /** A defect ended one exchange. */
  defect(error: unknown): void;
}

/** The request's head, as the carrier tells it. */
export interface CarriedHead extends RouteFacts {
  readonly requestId: string;
  /** As the client wrote it, port included. */
  readonly authority: string;
  /** The picker's own port, for the log. */
  readonly port: number;
}

export interface Choice {
  /** `address:port`, the best first; the others are for the carrier to try if it cannot have that one. */
  readonly endpoints: readonly [string, ...string[]];
  /** What is to change in the request's body; undefined: nothing. */
  readonly splice: ModelSplice | undefined;
}

export interface CarriedRefusal {
  readonly refusal: Refusal;
  readonly detail: string;
  readonly retryAfterMs: number | undefined;
}

/** Who carries the bytes. */
export interface Carrier {
  onPicked(choice: Choice): void;
  /** The exchange is over. The status that it is answered with is for the carrier to say. */
  onRefused(refused: CarriedRefusal): number;
}

/** Names of a model: that of the answer, and what its client is to read instead. */
export interface AnswerNames {
  readonly target: string;
  readonly name: string;
}

type Phase = "reading" | "queued" | "picked" | "answering" | "over";

export class CarriedExchange implements TurnTaker {
  readonly #context: CarriedContext;
  readonly #carrier: Carrier;
  readonly #notes: ExchangeNotes;
  readonly #head: CarriedHead;
  #phase: Phase = "reading";
  #deadlineMs = Infinity;
  #idleMs = 0;
  /** Undefined: no pool was found. */
  #claim: CarriedClaim | undefined;
  #routed: Extract<CarriedRoute, { readonly kind: "pool" }> | undefined;
  #turn: Turn | undefined;
  #intake: PromptIntake | undefined;
  #prompt: Prompt | undefined;
  #splice: ModelSplice | undefined;
  #reading: AnswerReading | undefined;
  #isWhole = false;
  #subset: readonly string[] | undefined;

  constructor(context: CarriedContext, carrier: Carrier, head: CarriedHead, address: string) {
    this.#context = context;
    this.#carrier = carrier;
    this.#head = head;
    const from = { address, port: head.port };
    this.#notes = new ExchangeNotes({ requestId: head.requestId, from, head, headMs: 0 }, context.clock());
  }

  get isOver(): boolean {
    return this.#phase === "over";
  }

  /** The answer to a body that is read decides; false: the head alone does. */
  get wantsBody(): boolean {
    return this.#intake !== undefined && this.#phase === "reading";
  }

  /** Undefined: it is no prompt. */
  get intake(): PromptIntake | undefined {
    return this.#intake;
  }

  // ---- route, read, admit, pick ---------------------------------------------------------------------------------------

  route(arrival: CarriedArrival): void {
    const { view, prng, clock } = this.#context;
    const routed = routeToPool(view, arrival, this.#head, prng);
    if (routed.kind === "refuse") return this.refuse(routed.reason, "");
    const { pool, work, rule, requestMs, hash } = routed;
    this.#notes.rule = rule;
    this.#notes.pool = pool.key;
    this.#notes.work = work.workload.name;
    this.#routed = routed;
    this.#claim = new CarriedClaim(pool, hash, work.lane, clock);
    if (requestMs > 0) this.#deadlineMs = this.#notes.startedMs + requestMs;
    this.#idleMs = pool.spec.policy.timeouts.idleMs;
    this.#intake = PromptIntake.of(pool.desk, this.#head);
  }

  /** Only these endpoints may be picked, as `address:port` or as addresses; before the pick, or it says nothing. */
  confine(addresses: readonly string[]): void {
    this.#subset = addresses;
  }

  /** Bytes of the request's body, in order. False: it has a fault, and `bodyEnds` may follow at once. */
  feed(bytes: Uint8Array): boolean {
    this.#notes.moved("bytesIn", bytes.length, this.#context.clock());
    return this.wantsBody ? this.#intake!.feed(bytes, 0, bytes.length) : true;
  }

  /** The request's body is whole. */
  bodyEnds(): void {
    this.#isWhole = true;
    if (this.#phase === "picked") this.#claim!.requestSent();
    if (!this.wantsBody) return;
    const taken = this.#intake!.finish();
    if (taken.kind === "fault") return this.refuse(taken.refusal, taken.detail, "client");
    this.#prompt = taken.prompt;
    this.#splice = taken.splice;
    this.#claim!.prompt = taken.prompt.request;
    const { request, facts } = taken.prompt;
    const { pool, work, tenant } = this.#routed!;
    this.#admit(pool.classOfPrompt(work, request.priority), facts.tenant ?? tenant);
  }

  /** The body will not be read, whether or not there is one: the head alone decides. `isWhole`: there is none. */
  decideByHead(isWhole: boolean): void {
    if (this.#phase !== "reading") return;
    this.#isWhole = isWhole;
    this.#intake?.release();
    const { work, tenant } = this.#routed!;
    this.#admit(work, tenant);
  }

  #admit(work: LiveClass, tenant: string): void {
    this.#phase = "queued";
    this.#notes.work = work.workload.name;
    this.#turn = new Turn(this.#routed!.pool, work, tenant, this);
    this.#turn.ask(this.#context.clock());
  }

  onTurn(nowMs: number): void {
    const claim = this.#claim!;
    this.#notes.waitedMs = this.#turn?.waitedMs ?? 0;
    if (this.#subset !== undefined) claim.confine(this.#subset);
    const verdict = claim.pick(this.#isWhole, nowMs);
    if (verdict.kind === "refuse") return this.refuse(verdict.reason, "");
    this.#phase = "picked";
    const endpoint = verdict.ticket.endpoint.key;
    const { fallbacksMax } = this.#context;
    const fallbacks = fallbacksMax === 0 ? [] : claim.fallbacks(fallbacksMax, nowMs);
    this.#carrier.onPicked({ endpoints: [endpoint, ...fallbacks], splice: this.#splice });
  }

  onTurnRefused({ reason, retryAfterMs }: Refused): void {
    this.refuse(reason, "", "gateway", retryAfterMs);
  }

  // ---- answer ---------------------------------------------------------------------------------------------------------

  /** The endpoint that the gateway says has served the request. */
  servedBy(key: string): void {
    this.#claim?.servedBy(key);
  }

  /** The response's head has come by. What its body is to be renamed to; undefined: it stays as it is. */
  answerBegins(head: AnswerHead): AnswerNames | undefined {
    if (this.#phase !== "picked") return undefined;
    const nowMs = this.#context.clock();
    const { status } = head;
    this.#phase = "answering";
    this.#deadlineMs = Infinity;
    this.#claim!.answered(status, head.load, nowMs);
    this.#turn!.answered(status, nowMs);
    this.#notes.answered(status, nowMs);
    const prompt = this.#prompt;
    const form = answerFormOf(status, head.contentType, head.contentEncoding);
    if (prompt === undefined || form === undefined || !head.hasBody) return undefined;
    this.#reading = new AnswerReading(this.#intake!.api, form === "event-stream", this.#claim!);
    const { facts, model } = prompt;
    return model === facts.model || facts.model === "" ? undefined : { target: model, name: facts.model };
  }

  /** Whether the answer that comes by is a stream of events. */
  get isEventStream(): boolean {
    return this.#reading?.isEventStream === true;
  }

  /** Bytes of the response's body, in order, as the endpoint sent them. */
  answerBytes(bytes: Uint8Array): void {
    this.#notes.moved("bytesOut", bytes.length, this.#context.clock());
    if (this.#phase === "answering") this.#reading?.feed(bytes, 0, bytes.length);
  }

  /** The response is whole. */
  answerEnds(): void {
    if (this.#phase !== "answering") return;
    const reading = this.#reading;
    if (reading?.isUnfinished === true) return this.#finish("broken", "endpoint", "stream-unfinished");
    if (reading !== undefined && !reading.hasError)
      this.#routed!.pool.desk?.learn(this.#prompt!, reading.usage());
    this.#finish(outcomeOfStatus(this.#notes.status), "completion", "complete");
  }

  // ---- early ends -----------------------------------------------------------------------------------------------------

  /** The carrier has let go of the request before its end was seen. Harmless afterwards. */
  abandon(endedBy: EndedBy, why: string): void {
    this.#finish("cancelled", endedBy, why);
  }

  /** The carrier shows no more of the answer than its head: that is all there is to judge by. */
  answerUnseen(): void {
    if (this.#phase === "answering")
      this.#finish(outcomeOfStatus(this.#notes.status), "completion", "complete");
  }

  /** A bug met while working on this exchange: it alone is lost. */
  onDefect(error: unknown): void {
    this.#context.defect(error);
    if (this.isOver) return;
    try {
      if (this.#phase === "answering") this.abandon("gateway", "internal-error");
      else this.refuse("internal-error", "");
    } catch (another) {
      this.#context.defect(another);
    }
  }

  /** Ends whatever has taken too long. */
  sweep(nowMs: number): void {
    if (this.#phase === "over") return;
    if (nowMs >= this.#deadlineMs) {
      const isEndpoint = this.#phase === "picked" && this.#isWhole;
      this.refuse("request-timeout", "", "gateway", undefined, isEndpoint ? "timeout" : "cancelled");
    } else if (this.#phase === "queued") this.#turn!.tend(nowMs);
    else if (this.#phase === "reading" && this.#idleMs > 0 && nowMs - this.#notes.activeMs >= this.#idleMs)
      this.refuse("body-timeout", "", "client");
  }

  refuse(
    refusal: Refusal,
    detail: string,
    endedBy: EndedBy = "gateway",
    retryAfterMs?: number,
    kind: OutcomeKind = "cancelled",
  ): void {
    if (this.isOver) return;
    const status = this.#carrier.onRefused({ refusal, detail, retryAfterMs });
    this.#notes.refusal = refusal;
    this.#notes.answered(status, this.#context.clock());
    this.#finish(kind, endedBy, refusal);
  }

  // ---- settle, record -------------------------------------------------------------------------------------------------

  #finish(kind: OutcomeKind, endedBy: EndedBy, why: string): void {
    if (this.isOver) return;
    this.#phase = "over";
    const notes = this.#notes;
    const nowMs = this.#context.clock();
    const usage = this.#reading?.usage();
    const attempt = this.#claim?.end(kind, notes.status, usage, nowMs);
    if (attempt !== undefined) notes.attempts.push(attempt);
    if (this.#intake !== undefined) {
      notes.api = this.#intake.api;
      notes.model = this.#prompt?.facts.model;
      notes.usage = usage;
      const firstAtMs = this.#claim?.firstTokenAtMs;
      if (firstAtMs !== undefined) notes.firstToken(firstAtMs);
    }
    this.#intake?.release();
    this.#reading?.release();
    notes.ended(endedBy, why, nowMs);
    this.#context.record(notes);
    this.#turn?.end(attempt, nowMs);
  }
}

/** A response's head, as the carrier tells it. */
export interface AnswerHead {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly load: LoadReport | undefined;
  readonly hasBody: boolean;
}
