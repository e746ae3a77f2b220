/**
 * The request line: what happens to one request, in order, from its head to its record.
 *
 *   route    which rule, pool and class      needs the head; before all else, for the rest depends on it
 *   admit    now, later or not at all        before the pick, for who waits must not hold a claim on an endpoint
 *   pick     which endpoint (core)           after its turn came; again for every attempt, on the pool's newest state
 *   open     a connection, idle or new       after the pick, which holds the claim on it
 *   send     head and body                   the body streams; its first 64 KiB are kept while a retry is possible
 *   answer   the response's head             here a retry is decided for the last time; after it nothing can be undone
 *   stream   the response's body             flushed as it comes, with backpressure
 *   settle   the claim, exactly once         in `Attempt.end` and nowhere else
 *   record   turn given back, log, metrics   in `#finish` and nowhere else, exactly once
 *
 * Everything is synchronous between socket events. The exchange speaks with one endpoint at a time (a hedge stays in
 * hedge.ts until it answers); who ends it, and why, is decided in the methods named `on...` and `sweep`.
 */
import { PROMPT_BYTES_MAX } from "../../app/inference/prompt-intake.ts";
import { ExchangeNotes, type EndedBy } from "../../app/record.ts";
import { routeRequest } from "../../app/route-request.ts";
import { Turn, type TurnTaker } from "../../app/turn.ts";
import type { Refused } from "../../core/admission/admission.ts";
import { outcomeOfStatus, type OutcomeKind } from "../../model/outcome.ts";
import type { Refusal } from "../../model/refusal.ts";
import { loadReportIn } from "./answer.ts";
import type { AnswerPath } from "./answer-stream.ts";
import { FAILED, type AttemptFailure } from "./attempt-failure.ts";
import type { Parting } from "./attempt.ts";
import { Attempts } from "./attempts.ts";
import type { AnswerSink, ResponseReceiver } from "./endpoint-connection.ts";
import type { ExchangeClient, ExchangeContext } from "./exchange-context.ts";
import { Hedge } from "./hedge.ts";
import { promptOf, type BeginAnswer, type PromptRequest } from "./inference/prompt-request.ts";
import { OutgoingRequest } from "./outgoing-request.ts";
import { Reply } from "./reply.ts";
import { Tunnel, type TunnelOwner } from "./tunnel.ts";
import { requestHeadText } from "./wire/forward.ts";
import type { RequestHead } from "./wire/request-head.ts";
import type { ResponseHead } from "./wire/response-head.ts";

type Phase = "routing" | "reading" | "queued" | "connecting" | "waiting" | "answering" | "tunnel" | "over";

export class Exchange implements ResponseReceiver, TunnelOwner, TurnTaker {
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
  #turn: Turn | undefined;
  /** Undefined: the request is no prompt, or its pool has no model servers. */
  #prompt: PromptRequest | undefined;
  /** Undefined: its class of work is not hedged. */
  #hedge: Hedge | undefined;

  constructor(context: ExchangeContext, client: ExchangeClient, head: RequestHead, headMs: number) {
    this.#context = context;
    this.#client = client;
    this.method = head.method;
    const requestId = head.requestId === "" ? context.nextRequestId() : head.requestId;
    this.#notes = new ExchangeNotes({ requestId, from: client, head, headMs }, context.clock());
    this.#request = new OutgoingRequest(head.bodyLength !== 0);
    this.#reply = new Reply(client, head, requestId);
  }

  // ---- route, admit, pick, open -----------------------------------------------------------------------------------

  /** `buffer` holds the head that was just parsed. */
  begin(head: RequestHead, buffer: Buffer): void {
    const context = this.#context;
    const routed = routeRequest(context.view, this.#client, head, context.prng);
    this.#notes.took(routed);
    if (routed.kind === "refuse") return this.refuse(routed.reason, "");
    const { pool, work, requestMs } = routed;
    const { startedMs } = this.#notes;
    if (requestMs > 0) this.#deadlineMs = startedMs + requestMs;
    this.#attempts = new Attempts(routed, this.#notes, context);
    const { hedging } = work.workload.treatment;
    if (hedging) this.#hedge = new Hedge(this, context, this.#attempts, this.#request);
    this.#prompt = promptOf(pool.desk, head, buffer, this.#notes);
    if (this.#prompt === undefined) {
      this.#request.setHead(requestHeadText(head, buffer, this.#notes));
      return this.#admit(routed.tenant, startedMs);
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
    this.#attempts!.prompt = request;
    this.#admit(facts.tenant ?? this.#attempts!.routed.tenant, this.#context.clock());
  }

  #admit(tenant: string, nowMs: number): void {
    this.#phase = "queued";
    const { pool, work } = this.#attempts!.routed;
    this.#turn = new Turn(pool, work, tenant, this);
    this.#turn.ask(nowMs);
  }

  onTurn(nowMs: number): void {
    this.#notes.waitedMs = this.#turn!.waitedMs;
    this.#try(nowMs);
    // After a wait no read of the client is being worked off, at whose end a waiting head would go.
    if (this.#notes.waitedMs > 0) this.#request.flush();
  }

  onTurnRefused({ reason, retryAfterMs }: Refused): void {
    this.refuse(reason, "", "gateway", retryAfterMs);
  }

  #try(nowMs: number): void {
    const attempts = this.#attempts!;
    this.#phase = "connecting";
    const verdict = attempts.begin(this, nowMs);
    if (verdict.kind === "refuse") return this.refuse(verdict.reason, "");
    const attempt = attempts.open!;
    if (!this.#request.whole) attempt.excuse();
    if (attempt.reused) this.#send(attempts, nowMs);
  }

  onConnect(): void {
    const attempts = this.#attempts!;
    const nowMs = this.#context.clock();
    attempts.open!.connected(nowMs);
    this.#send(attempts, nowMs);
    this.#request.flush();
  }

  // ---- send -------------------------------------------------------------------------------------------------------

  #send(attempts: Attempts, nowMs: number): void {
    this.#phase = "waiting";
    this.#request.start(attempts.open!.connection.wire, attempts.last);
    if (this.#request.whole) this.#requestSent(nowMs);
    this.#client.wire.resume();
  }

  #requestSent(nowMs: number): void {
    this.#attempts!.open!.requestSent(nowMs);
    this.#hedge?.arm(nowMs);
  }

  /** The client's read is worked off. */
  flushRequest(): void {
    this.#request.flush();
  }

  /** Body bytes from the client, in order. */
  onRequestBytes(buffer: Buffer, start: number, end: number): void {
    if (this.#phase === "over") return;
    this.#notes.moved("bytesIn", end - start, this.#context.sweeper.nowMs);
    if (this.#phase === "reading" && !this.#prompt!.feed(buffer, start, end)) return this.#promptRead();
    // An upload that moves is no attempt that waits.
    this.#attempts?.open?.uploading(this.#context.clock());
    if (!this.#request.body(buffer, start, end)) this.#client.wire.pause();
  }

  onRequestEnd(): void {
    this.#request.whole = true;
    if (this.#phase === "reading") this.#promptRead();
    else if (this.#phase === "waiting") this.#requestSent(this.#context.clock());
  }

  onWritable(): void {
    this.#client.wire.resume();
  }

  // ---- answer, stream or tunnel -----------------------------------------------------------------------------------------------------

  onInterim(head: ResponseHead, buffer: Buffer): void {
    this.#notes.activeMs = this.#context.sweeper.nowMs;
    this.#reply.interim(head, buffer);
  }

  onResponseHead(head: ResponseHead, buffer: Buffer): AnswerSink | undefined {
    const nowMs = this.#context.clock();
    this.#attempts!.answered(head.status, loadReportIn(head, buffer), nowMs);
    if (head.status === 503 && this.#goesOn(FAILED.toServe, 503, nowMs)) return undefined;
    this.#hedge?.end(nowMs);
    this.#turn!.answered(head.status, nowMs);
    this.#phase = "answering";
    this.#request.forget();
    this.#notes.answered(head.status, nowMs);
    const begin: BeginAnswer = (form) => this.#reply.begin(head, buffer, this.#path, form);
    return this.#prompt?.answerBegins(head, buffer, begin, this.#attempts!) ?? begin("as-it-comes");
  }

  onResponseEnd(): void {
    const answer = this.#prompt?.answerEnds();
    if (answer?.isUnfinished === true) return this.#cut("broken", "stream-unfinished", "endpoint");
    this.#reply.end();
    this.#complete(outcomeOfStatus(this.#notes.status));
  }

  onClientWritable(): void {
    this.#attempts?.open?.connection.wire.resume();
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

  onUnreadable(fault: string): void {
    this.#onAttemptFailed(FAILED.toMakeSense, fault);
  }

  onConnectionLost(error: Error | undefined): void {
    const pooled = !this.#reply.begun && this.#attempts!.open!.reused;
    const failure = pooled ? FAILED.toTakeIt : FAILED.toStay;
    this.#onAttemptFailed(this.#phase === "connecting" ? FAILED.toConnect : failure, error?.message ?? "");
  }

  get #path(): AnswerPath {
    const endpoint = this.#attempts!.open!.connection.wire;
    return { client: this.#client.wire, endpoint, notes: this.#notes, sweeper: this.#context.sweeper };
  }

  /** It is for the client to send, or to take: silence is not the endpoint's. */
  get #clientOwes(): boolean {
    if (this.#reply.begun) return this.#attempts!.open!.connection.wire.paused;
    if (this.#phase === "reading") return true;
    return this.#phase === "waiting" && !this.#request.whole && !this.#client.wire.paused;
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
    if (nowMs >= this.#deadlineMs) {
      // An answer that takes its time, or whose client does, is no failure of the endpoint.
      if (this.#reply.begun) this.#cut("cancelled", "request-timeout", "gateway");
      else {
        this.#endAttempt(this.#clientOwes ? "cancelled" : "timeout", 0, nowMs);
        this.refuse("request-timeout", "");
      }
    } else if (this.#phase === "queued") this.#turn!.tend(nowMs);
    else if (nowMs >= (this.#attempts?.open?.deadlineMs ?? Infinity)) this.#onSilence("");
    else {
      const idleMs = this.#attempts?.routed.pool.spec.policy.timeouts.idleMs ?? 0;
      if (idleMs > 0 && nowMs - this.#notes.activeMs >= idleMs) this.#onIdle();
    }
  }

  #onIdle(): void {
    if (this.tunnel !== undefined) this.#cut("success", "idle-timeout", "gateway");
    else if (!this.#reply.begun) this.#onSilence("idle");
    else this.#cut(this.#clientOwes ? "cancelled" : "timeout", "idle-timeout", "gateway");
  }

  /** Nothing has come for too long, and nothing was answered. */
  #onSilence(detail: string): void {
    if (this.#clientOwes) this.#failRequest("body-timeout", "", "client");
    else if (this.#phase === "connecting") this.#onAttemptFailed(FAILED.toConnectInTime, detail);
    else this.#onAttemptFailed(FAILED.toAnswerInTime, detail);
  }

  #onAttemptFailed(failure: AttemptFailure, detail: string): void {
    const nowMs = this.#context.clock();
    if (this.#goesOn(failure, 0, nowMs)) return;
    const { kind, refusal } = failure;
    if (this.#reply.begun) {
      this.#cut(
        kind,
        refusal === "bad-response" ? `malformed-response: ${detail}` : "response-cut",
        "endpoint",
      );
      return;
    }
    this.#endAttempt(kind, 0, nowMs);
    this.refuse(refusal, detail);
  }

  /** The attempt has failed as told: the hedge beside it is the attempt from now on, or there is another, or neither. */
  #goesOn({ kind, cause }: AttemptFailure, status: number, nowMs: number): boolean {
    const attempts = this.#attempts!;
    if (this.#hedge?.takeOver(kind, status, nowMs) === true) {
      this.#phase = attempts.open!.isConnected ? "waiting" : "connecting";
      return true;
    }
    const { inHand: bodyInHand } = this.#request;
    const facts = { cause, method: this.method, bodyInHand, answering: this.#reply.begun };
    if (!attempts.mayGoOn(facts, nowMs)) return false;
    this.#endAttempt(kind, status, nowMs);
    this.#try(nowMs);
    this.#request.flush();
    return true;
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
    // Its client, if it is still there, is told in the words of the API.
    if (endedBy === "client" || this.#prompt?.breakOff(this.#reply, why) !== true) this.#reply.cut();
    this.#finish(endedBy, why);
  }

  refuse(refusal: Refusal, detail: string, endedBy: EndedBy = "gateway", retryAfterMs?: number): void {
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
    this.#request.stop();
    const answered = kind === "success" || kind === "overloaded" || kind === "server-error";
    // With the request cut short on it, a connection cannot carry another.
    let parting: Parting = answered && this.#request.sent ? "release" : "destroy";
    if (this.tunnel !== undefined) parting = this.tunnel.finished ? "let-go" : "destroy";
    this.#attempts?.end({ kind, status, usage: this.#prompt?.answer?.usage() }, parting, nowMs);
  }

  #finish(endedBy: EndedBy, why: string): void {
    const notes = this.#notes;
    const nowMs = this.#context.clock();
    this.#phase = "over";
    this.#hedge?.end(nowMs);
    this.#request.forget();
    notes.ended(endedBy, why, nowMs);
    this.#prompt?.end(notes);
    this.#context.record(notes);
    this.#turn?.end(notes.attempts.at(-1), notes.status, nowMs);
    this.#client.onExchangeEnd(this.#reply.keepAlive && this.#request.whole);
  }
}
