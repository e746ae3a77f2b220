/**
 * The request line: what happens to one request, in order, from its head to its record.
 *
 *   route    which rule, pool and class      needs the head; before all else, for the rest depends on it
 *   read     the body, if it is a prompt     before admission, which goes by what it asks for; all other bodies stream
 *   admit    now, later or not at all        before the pick, for who waits must not hold a claim on an endpoint
 *   pick     which endpoint (core)           after its turn came; again for every attempt, on the pool's newest state
 *   send     head and body                   the body streams; its first 64 KiB are kept while a retry is possible
 *   answer   the response's head             a retry was decided for the last time; after it nothing can be undone
 *   stream   the response's body             flushed as it comes, with backpressure
 *   settle   the claim, exactly once         in `Attempt.end` and nowhere else
 *   record   turn given back, log, metrics   in `#finish` and nowhere else, exactly once
 *
 * Everything is synchronous between socket events. Pick and send, with all that may go wrong and be tried again, are
 * `delivery.ts`; what the client is told is `reply.ts`. Who ends an exchange early, and why, is decided here, in the methods
 * named `on...` and `sweep`.
 */
import type { LiveClass } from "../../app/followed-classes.ts";
import { modelsAnswer } from "../../app/inference/models-answer.ts";
import { PROMPT_BYTES_MAX } from "../../app/inference/prompt-intake.ts";
import { ExchangeNotes, type EndedBy } from "../../app/record.ts";
import { routeRequest } from "../../app/route-request.ts";
import { Turn, type TurnTaker } from "../../app/turn.ts";
import type { Refused } from "../../core/admission/admission.ts";
import { outcomeOfStatus, type OutcomeKind } from "../../model/outcome.ts";
import type { Refusal } from "../../model/refusal.ts";
import type { BytePath } from "./byte-path.ts";
import type { AttemptFailure } from "./attempt-failure.ts";
import { Attempts } from "./attempts.ts";
import { Delivery, type DeliveryOwner } from "./delivery.ts";
import type { AnswerSink } from "./endpoint-connection.ts";
import type { ExchangeClient, ExchangeContext } from "./exchange-context.ts";
import { promptOf, type BeginAnswer, type PromptRequest } from "./inference/prompt-request.ts";
import { OutgoingRequest } from "./outgoing-request.ts";
import { Reply } from "./reply.ts";
import { Tunnel, type TunnelOwner } from "./tunnel.ts";
import { requestHeadText } from "./wire/forward.ts";
import type { RequestHead } from "./wire/request-head.ts";
import type { ResponseHead } from "./wire/response-head.ts";

/** `nobody`: its turn has come, and the pool has no endpoint yet. */
type Phase = "routing" | "reading" | "queued" | "nobody" | "delivering" | "answering" | "tunnel" | "over";

export class Exchange implements DeliveryOwner, TunnelOwner, TurnTaker {
  readonly method: string;
  /** Once the endpoint has switched protocols: where the client's bytes go. */
  tunnel: Tunnel | undefined;
  readonly #notes: ExchangeNotes;
  readonly #context: ExchangeContext;
  readonly #client: ExchangeClient;
  readonly #request: OutgoingRequest;
  readonly #reply: Reply;
  #phase: Phase = "routing";
  #deadlineMs = Infinity;
  /** Undefined until a pool is found. */
  #attempts: Attempts | undefined;
  #delivery: Delivery | undefined;
  #turn: Turn | undefined;
  /** Undefined: the request is no prompt, or its pool has no model servers. */
  #prompt: PromptRequest | undefined;

  constructor(context: ExchangeContext, client: ExchangeClient, head: RequestHead, headMs: number) {
    this.#context = context;
    this.#client = client;
    this.method = head.method;
    const requestId = head.requestId === "" ? context.nextRequestId() : head.requestId;
    this.#notes = new ExchangeNotes({ requestId, from: client, head, headMs }, context.clock());
    this.#request = new OutgoingRequest(head.bodyLength !== 0);
    this.#reply = new Reply(client, head, requestId);
  }

  get mayBeHedged(): boolean {
    return !this.#reply.maySwitch;
  }

  get hasBegunToAnswer(): boolean {
    return this.#reply.begun;
  }

  // ---- route, read, admit -----------------------------------------------------------------------------------------

  /** `buffer` holds the head that was just parsed. */
  begin(head: RequestHead, buffer: Buffer): void {
    const context = this.#context;
    const routed = routeRequest(context.view, this.#client, head, context.prng);
    this.#notes.took(routed);
    if (routed.kind === "refuse") return this.refuse(routed.reason, "");
    const { pool, work, tenant, requestMs } = routed;
    const models = modelsAnswer(routed, head);
    if (models !== undefined) return this.#answerModels(models);
    const { startedMs } = this.#notes;
    if (requestMs > 0) this.#deadlineMs = startedMs + requestMs;
    this.#attempts = new Attempts(routed, this.#notes, context);
    this.#delivery = new Delivery(this, context, this.#attempts, this.#request);
    this.#prompt = promptOf(pool.desk, head, buffer, this.#notes);
    if (this.#prompt === undefined) {
      this.#request.setHead(requestHeadText(head, buffer, this.#notes));
      return this.#admit(work, tenant, startedMs);
    }
    this.#phase = "reading";
    this.#request.keep(PROMPT_BYTES_MAX);
    if (head.expectsContinue) this.#reply.goOn();
    if (this.#request.whole) this.#promptRead();
  }

  /** How chunks of the request's body are to be handed on. */
  get bodyChunks(): "verbatim" | "decoded" {
    return this.#prompt === undefined ? "verbatim" : "decoded";
  }

  /** The body of a prompt is whole, or cannot be one. */
  #promptRead(): void {
    const fault = this.#prompt!.read(this.#request);
    if (fault !== undefined) return this.refuse(fault.refusal, fault.detail, "client");
    const { request, facts } = this.#prompt!.prompt!;
    const { pool, work, tenant } = this.#attempts!.routed;
    this.#attempts!.prompt = request;
    this.#admit(pool.classOfPrompt(work, request.priority), facts.tenant ?? tenant, this.#context.clock());
  }

  #admit(work: LiveClass, tenant: string, nowMs: number): void {
    this.#phase = "queued";
    this.#notes.work = work.workload.name;
    this.#turn = new Turn(this.#attempts!.routed.pool, work, tenant, this);
    this.#turn.ask(nowMs);
  }

  onTurn(nowMs: number): void {
    this.#notes.waitedMs = this.#turn!.waitedMs;
    this.#phase = "delivering";
    this.#delivery!.try(nowMs);
    // After a wait no read of the client is being worked off, at whose end a waiting head would go.
    if (this.#notes.waitedMs > 0) this.#request.flush();
  }

  onTurnRefused({ reason, retryAfterMs }: Refused): void {
    this.refuse(reason, "", "gateway", retryAfterMs);
  }

  onPicked(): void {
    this.#prompt?.direct(this.#request, this.#attempts!.prefill?.endpointKey);
  }

  onNobody(reason: "no-endpoint" | "pool-full", nowMs: number): void {
    if (this.#prompt?.mayWaitForEndpoint(reason, nowMs) === true) this.#phase = "nobody";
    else this.refuse(reason, "");
  }

  onSending(endpointKey: string): void {
    const prompt = this.#prompt?.prompt;
    if (prompt !== undefined) this.#attempts!.routed.pool.engines?.sent(endpointKey, prompt, this.#request);
  }

  // ---- the request's body -----------------------------------------------------------------------------------------

  /** The client's read is worked off. */
  flushRequest(): void {
    this.#request.flush();
  }

  /** Body bytes from the client, in order. */
  onRequestBytes(buffer: Buffer, start: number, end: number): void {
    if (this.#phase === "over") return;
    this.#notes.moved("bytesIn", end - start, this.#context.sweeper.nowMs);
    if (this.#phase === "reading" && !this.#prompt!.feed(buffer, start, end)) return this.#promptRead();
    this.#delivery?.uploading();
    if (!this.#request.body(buffer, start, end)) this.#client.wire.pause();
  }

  onRequestEnd(): void {
    this.#request.whole = true;
    if (this.#phase === "reading") this.#promptRead();
    else if (this.#phase === "delivering") this.#delivery!.requestSent(this.#context.clock());
  }

  onWritable(): void {
    this.#client.wire.resume();
  }

  // ---- answer, stream or tunnel -----------------------------------------------------------------------------------

  onInterim(head: ResponseHead, buffer: Buffer): void {
    this.#notes.activeMs = this.#context.sweeper.nowMs;
    this.#reply.interim(head, buffer);
  }

  onAnswer(head: ResponseHead, buffer: Buffer, nowMs: number): AnswerSink {
    this.#turn!.answered(head.status, nowMs);
    this.#phase = "answering";
    this.#notes.answered(head.status, nowMs);
    const begin: BeginAnswer = (form) => this.#reply.begin(head, buffer, this.#path, form);
    return this.#prompt?.answerBegins(head, buffer, begin, this.#attempts!) ?? begin("as-it-comes");
  }

  onAnswerEnd(): void {
    if (this.#prompt?.answerEnds() === "unfinished")
      return this.#cut("broken", "stream-unfinished", "endpoint");
    this.#reply.end();
    this.#complete(outcomeOfStatus(this.#notes.status));
  }

  onClientWritable(): void {
    this.#delivery?.wire?.resume();
  }

  onSwitch(head: ResponseHead, buffer: Buffer): Tunnel | undefined {
    if (!this.#reply.maySwitch) return undefined;
    const nowMs = this.#context.clock();
    this.#attempts!.open!.answered(head.status, nowMs);
    this.#phase = "tunnel";
    this.tunnel = new Tunnel(this, this.#path);
    this.#deadlineMs = Infinity;
    this.#notes.answered(head.status, nowMs);
    this.#reply.switchProtocol(head, buffer);
    this.#client.onTunnelBegin();
    return this.tunnel;
  }

  onTunnelFinished(): void {
    this.#complete("success");
  }

  get #path(): BytePath {
    const endpoint = this.#delivery!.wire!;
    return { client: this.#client.wire, endpoint, notes: this.#notes, sweeper: this.#context.sweeper };
  }

  // ---- early ends -------------------------------------------------------------------------------------------------

  /** The client will send no more (FIN). Whether it still listens is another question. */
  onClientEnd(): void {
    if (this.tunnel !== undefined) this.tunnel.endFromClient();
    else if (!this.#request.whole) this.#cut("cancelled", "request-cut", "client");
    else this.#reply.probe();
  }

  onClientGone(): void {
    this.#cut("cancelled", this.tunnel === undefined ? "client-gone" : "tunnel-cut", "client");
  }

  /** The gateway ends and has waited long enough. */
  onDrainTimeout(): void {
    this.#cut("cancelled", "drain-timeout", "gateway");
  }

  /** The request's body broke the rules after its head was taken. */
  onRequestMalformed(fault: string): void {
    this.#failRequest("bad-request", fault, "client", `malformed-body: ${fault}`);
  }

  onFailed({ kind, refusal }: AttemptFailure, detail: string, nowMs: number): void {
    if (this.#reply.begun) {
      this.#cut(
        kind,
        refusal === "bad-response" ? `malformed-response: ${detail}` : "response-cut",
        "endpoint",
      );
      return;
    }
    this.#endAttempt(kind, 0, nowMs);
    // What was wrong with an endpoint, and where it is, is none of its clients' business.
    this.refuse(refusal, "");
  }

  /** It is for the client to send, or to take: silence is not the endpoint's. */
  get #clientOwes(): boolean {
    if (this.#reply.begun) return this.#delivery!.wire!.paused;
    if (this.#request.whole || this.#client.wire.paused) return false;
    return this.#phase === "reading" || (this.#phase === "delivering" && this.#delivery!.isSending);
  }

  /** A bug met while working on this exchange: it alone is lost. */
  onDefect(error: unknown): void {
    this.#context.defect(error);
    if (this.#phase === "over") return;
    try {
      this.#failRequest("internal-error", "", "gateway");
    } catch (another) {
      this.#context.defect(another);
      this.#client.wire.destroy();
    }
  }

  /** Ends whatever has taken too long. */
  sweep(nowMs: number): void {
    if (this.#phase === "over") return;
    if (nowMs >= this.#deadlineMs) this.#onDeadline(nowMs);
    else if (this.#phase === "queued") this.#turn!.tend(nowMs);
    else if (this.#phase === "nobody") this.onTurn(nowMs);
    else if (nowMs >= (this.#delivery?.deadlineMs ?? Infinity)) this.#onSilence("");
    else {
      const idleMs = this.#attempts?.routed.pool.spec.policy.timeouts.idleMs ?? 0;
      if (idleMs > 0 && nowMs - this.#notes.activeMs >= idleMs) this.#onIdle();
    }
  }

  #onDeadline(nowMs: number): void {
    // An answer that takes its time, or whose client does, is no failure of the endpoint.
    if (this.#reply.begun) return this.#cut("cancelled", "request-timeout", "gateway");
    this.#endAttempt(this.#clientOwes ? "cancelled" : "timeout", 0, nowMs);
    this.refuse("request-timeout", "");
  }

  #onIdle(): void {
    if (this.tunnel !== undefined) this.#cut("success", "idle-timeout", "gateway");
    else if (!this.#reply.begun) this.#onSilence("idle");
    else this.#cut(this.#clientOwes ? "cancelled" : "timeout", "idle-timeout", "gateway");
  }

  /** Nothing has come for too long, and nothing was answered. */
  #onSilence(detail: string): void {
    if (this.#clientOwes) this.#failRequest("body-timeout", "", "client");
    else this.#delivery!.late(detail);
  }

  /** For a reason that is not the endpoint's. `why`: what a cut is called. */
  #failRequest(refusal: Refusal, detail: string, endedBy: EndedBy, why: string = refusal): void {
    if (this.#reply.begun) return this.#cut("cancelled", why, endedBy);
    this.#endAttempt("cancelled", 0, this.#context.clock());
    this.#reply.keepAlive = false;
    this.refuse(refusal, detail, endedBy);
  }

  /** Nothing can be answered any more: a client that still listens must not take what it has for the whole. */
  #cut(kind: OutcomeKind, why: string, endedBy: EndedBy): void {
    if (this.#phase === "over") return;
    this.#endAttempt(kind, this.#notes.status, this.#context.clock());
    // A client that is still there and reads a stream of events is told in its API's own words.
    if (endedBy === "client" || this.#prompt?.breakOff(this.#reply, why) !== true) this.#reply.cut();
    this.#finish(endedBy, why);
  }

  #answerModels(text: string): void {
    this.#reply.own({ type: "application/json", text }, this.#request.whole);
    this.#notes.answered(200, this.#context.clock());
    this.#finish("gateway", "models-listed");
  }

  refuse(refusal: Refusal, detail: string, endedBy: EndedBy = "gateway", retryAfterMs?: number): void {
    if (this.#phase === "over") return;
    const body = this.#prompt?.refusalBody(refusal, detail);
    const status = this.#reply.refuse({ refusal, detail, retryAfterMs, body }, this.#request.whole);
    this.#notes.refusal = refusal;
    this.#notes.answered(status, this.#context.clock());
    this.#finish(endedBy, refusal);
  }

  // ---- settle, record ---------------------------------------------------------------------------------------------

  #complete(kind: OutcomeKind): void {
    this.#endAttempt(kind, this.#notes.status, this.#context.clock());
    this.#finish("completion", "complete");
  }

  /** Gives back the claim and the connection. Harmless where there is none. */
  #endAttempt(kind: OutcomeKind, status: number, nowMs: number): void {
    const usage = this.#prompt?.answer?.usage();
    const tunnelled = this.tunnel === undefined ? "no" : this.tunnel.finished ? "to-its-end" : "cut";
    this.#delivery?.end({ kind, status, usage }, tunnelled, nowMs);
  }

  #finish(endedBy: EndedBy, why: string): void {
    const notes = this.#notes;
    const nowMs = this.#context.clock();
    this.#phase = "over";
    try {
      this.#request.forget();
      notes.ended(endedBy, why, nowMs);
      this.#prompt?.end(notes);
      this.#context.record(notes);
    } finally {
      // Whatever went wrong: others wait for the turn, and the client for its connection.
      this.#turn?.end(notes.attempts.at(-1), nowMs);
      this.#client.onExchangeEnd(this.#reply.keepAlive && this.#request.whole);
    }
  }
}
