/**
 * The request line: what happens to one request, in order, from its head to its record.
 *
 *   route    which rule, which pool          needs the head; before all else, for the rest depends on it
 *   pick     which endpoint (core)           after routing; again for every attempt, on the pool's newest state
 *   open     a connection, idle or new       after the pick, which holds the claim on it
 *   send     head and body                   the body streams; its first 64 KiB are kept while a retry is possible
 *   answer   the response's head             here a retry is decided for the last time; after it nothing can be undone
 *   stream   the response's body             flushed as it comes, with backpressure
 *   settle   the claim, exactly once         in `Attempt.end` and nowhere else
 *   record   log and metrics, exactly once   in `#finish` and nowhere else
 *
 * Everything is synchronous between socket events. The exchange holds one connection to an endpoint at a time; who
 * ends it, and why, is decided in the methods named `on...` and `sweep`.
 */
import { ExchangeNotes, type EndedBy } from "../../app/record.ts";
import { routeRequest } from "../../app/route-request.ts";
import { outcomeOfStatus, type OutcomeKind } from "../../model/outcome.ts";
import type { RetryCause } from "../../model/policy.ts";
import { REFUSALS, type Refusal } from "../../model/refusal.ts";
import { answerForm, refusalText } from "./answer.ts";
import { AnswerStream } from "./answer-stream.ts";
import type { Parting } from "./attempt.ts";
import { Attempts } from "./attempts.ts";
import type { ResponseReceiver } from "./endpoint-connection.ts";
import type { ExchangeClient, ExchangeContext } from "./exchange-context.ts";
import { CLIENT_PROBE_MS } from "./limits.ts";
import { OutgoingRequest } from "./outgoing-request.ts";
import { Tunnel, type TunnelOwner } from "./tunnel.ts";
import { requestHeadText, responseHeadText } from "./wire/forward.ts";
import { UNTIL_CLOSE } from "./wire/framing.ts";
import type { RequestHead } from "./wire/request-head.ts";
import type { ResponseHead } from "./wire/response-head.ts";

type Phase = "routing" | "connecting" | "waiting" | "answering" | "tunnel" | "over";

export class Exchange implements ResponseReceiver, TunnelOwner {
  readonly method: string;
  /** Once the endpoint has switched protocols: where the client's bytes go. */
  tunnel: Tunnel | undefined;
  readonly #notes: ExchangeNotes;
  readonly #context: ExchangeContext;
  readonly #client: ExchangeClient;
  readonly #startedMs: number;
  readonly #minorVersion: number;
  readonly #wantsTunnel: boolean;
  readonly #request: OutgoingRequest;
  #phase: Phase = "routing";
  #keepAlive: boolean;
  #deadlineMs = Infinity;
  #lastActivityMs: number;
  /** Undefined until a pool is found. */
  #attempts: Attempts | undefined;
  #answer: AnswerStream | undefined;

  constructor(context: ExchangeContext, client: ExchangeClient, head: RequestHead, headMs: number) {
    this.#context = context;
    this.#client = client;
    this.method = head.method;
    const requestId = head.requestId === "" ? context.nextRequestId() : head.requestId;
    const { method, authority: host, path } = head;
    const { address, port } = client;
    this.#notes = new ExchangeNotes({ requestId, client: address, port, method, host, path, headMs });
    this.#startedMs = context.clock();
    this.#lastActivityMs = this.#startedMs;
    this.#minorVersion = head.minorVersion;
    this.#keepAlive = head.keepAlive;
    this.#wantsTunnel = head.upgradesToWebSocket;
    this.#request = new OutgoingRequest(head.bodyLength !== 0);
  }

  /** Something of an answer may have reached the client: it can be finished or cut, not replaced. */
  get #begun(): boolean {
    return this.tunnel !== undefined || (this.#answer?.begun ?? false);
  }

  // ---- route, pick, open ------------------------------------------------------------------------------------------

  /** `buffer` holds the head that was just parsed. */
  begin(head: RequestHead, buffer: Buffer): void {
    const { view, prng, metrics } = this.#context;
    const routed = routeRequest(view, this.#client.port, head, prng);
    this.#notes.rule = routed.rule;
    if (routed.kind === "refuse") return this.refuse(routed.reason, "");
    const { pool, requestMs, tryMs } = routed;
    this.#notes.pool = pool.key;
    if (requestMs > 0) this.#deadlineMs = this.#startedMs + requestMs;
    this.#attempts = new Attempts(pool, tryMs, this.#notes, metrics);
    const by = { clientAddress: this.#client.address, requestId: this.#notes.requestId };
    this.#request.setHead(requestHeadText(head, buffer, by));
    pool.budget.deposit(this.#startedMs);
    this.#try(this.#startedMs);
  }

  #try(nowMs: number): void {
    const attempts = this.#attempts!;
    this.#phase = "connecting";
    const verdict = attempts.begin(this.#context.upstreams, this, nowMs);
    if (verdict.kind === "refuse") return this.refuse(verdict.reason, "");
    const attempt = attempts.open!;
    if (!this.#request.whole) attempt.excuse();
    if (attempt.reused) this.#send(attempts, nowMs);
  }

  /** No read of the client is being worked off, at whose end a waiting head would go. */
  #tryAgain(nowMs: number): void {
    this.#try(nowMs);
    this.#request.flush();
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
    if (this.#request.whole) attempts.open!.requestSent(nowMs);
    this.#client.wire.resume();
  }

  /** The client's read is worked off. */
  flushRequest(): void {
    this.#request.flush();
  }

  /** Body bytes from the client, in order. */
  onRequestBytes(buffer: Buffer, start: number, end: number): void {
    if (this.#phase === "over") return;
    this.#lastActivityMs = this.#context.sweeper.nowMs;
    this.#notes.bytesIn += end - start;
    // An upload that moves is no attempt that waits.
    this.#attempts?.open?.uploading(this.#context.clock());
    if (!this.#request.body(buffer, start, end)) this.#client.wire.pause();
  }

  onRequestEnd(): void {
    this.#request.whole = true;
    if (this.#phase === "waiting") this.#attempts!.open!.requestSent(this.#context.clock());
  }

  onWritable(): void {
    this.#client.wire.resume();
  }

  // ---- answer -----------------------------------------------------------------------------------------------------

  onInterim(head: ResponseHead, buffer: Buffer): void {
    this.#lastActivityMs = this.#context.sweeper.nowMs;
    // RFC 9110 section 15.2: a server must not send 1xx to an HTTP/1.0 client.
    if (this.#minorVersion === 0) return;
    const form = { requestId: undefined, chunked: false, connection: undefined };
    this.#client.wire.text(responseHeadText(head, buffer, form));
  }

  onResponseHead(head: ResponseHead, buffer: Buffer): "verbatim" | "decoded" | undefined {
    const nowMs = this.#context.clock();
    this.#lastActivityMs = nowMs;
    this.#attempts!.open!.answered(head.status, nowMs);
    if (head.status === 503 && this.#mayGoOn("unavailable", nowMs)) {
      this.#endAttempt("server-error", head.status, nowMs);
      this.#tryAgain(nowMs);
      return undefined;
    }
    this.#phase = "answering";
    this.#request.forget();
    this.#notes.status = head.status;
    this.#notes.firstByteMs = nowMs - this.#startedMs;
    const chunksKnown = this.#minorVersion === 1;
    // Without chunks, a body of unknown length can only end with its connection.
    if (this.#client.last || (!chunksKnown && head.bodyLength < 0)) this.#keepAlive = false;
    const form = answerForm(head, this.#minorVersion, this.#notes.requestId, this.#keepAlive);
    const rechunks = head.bodyLength === UNTIL_CLOSE && chunksKnown;
    this.#answer = new AnswerStream(this.#client.wire, responseHeadText(head, buffer, form), rechunks);
    return chunksKnown ? "verbatim" : "decoded";
  }

  // ---- stream -----------------------------------------------------------------------------------------------------

  bodyBytes(buffer: Buffer, start: number, end: number): void {
    this.#lastActivityMs = this.#context.sweeper.nowMs;
    this.#notes.bytesOut += end - start;
    if (!this.#answer!.bytes(buffer, start, end)) this.#attempts!.open!.connection.wire.pause();
  }

  bodyText(text: string): void {
    this.#answer!.text(text);
  }

  onReadEnd(): void {
    if (this.#phase === "answering") this.#answer!.flush();
  }

  onResponseEnd(): void {
    this.#answer!.end();
    this.#endAttempt(outcomeOfStatus(this.#notes.status), this.#notes.status, this.#context.clock());
    this.#finish("completion", "complete");
  }

  onClientWritable(): void {
    this.#attempts?.open?.connection.wire.resume();
  }

  // ---- tunnel -----------------------------------------------------------------------------------------------------

  onSwitch(head: ResponseHead, buffer: Buffer): Tunnel | undefined {
    if (!this.#wantsTunnel) return undefined;
    const nowMs = this.#context.clock();
    const attempt = this.#attempts!.open!;
    attempt.answered(head.status, nowMs);
    this.#phase = "tunnel";
    this.tunnel = new Tunnel(this, this.#client.wire, attempt.connection.wire);
    this.#deadlineMs = Infinity;
    this.#lastActivityMs = nowMs;
    this.#keepAlive = false;
    this.#notes.status = head.status;
    this.#notes.firstByteMs = nowMs - this.#startedMs;
    const { requestId } = this.#notes;
    const form = { requestId, chunked: false, connection: "Upgrade" } as const;
    this.#client.wire.text(responseHeadText(head, buffer, form));
    this.#client.onTunnelBegin();
    return this.tunnel;
  }

  onTunnelBytes(from: "client" | "endpoint", count: number): void {
    this.#lastActivityMs = this.#context.sweeper.nowMs;
    this.#notes[from === "client" ? "bytesIn" : "bytesOut"] += count;
  }

  onTunnelFinished(): void {
    this.#endAttempt("success", this.#notes.status, this.#context.clock());
    this.#finish("completion", "complete");
  }

  // ---- early ends -------------------------------------------------------------------------------------------------

  /** The client will send no more (FIN). Whether it still listens is another question: see below. */
  onClientEnd(): void {
    if (this.tunnel !== undefined) this.tunnel.endFromClient();
    else if (!this.#request.whole) this.#cut("cancelled", "request-cut", "client");
    else {
      // A closed and a half-closed connection look alike until something is sent: the former then answers with RST,
      // and the request is cancelled; the latter ignores an interim response, as RFC 9110 section 15.2 demands.
      // Within a silent answer only the kernel can ask, and learns it a minute later.
      if (this.#phase === "answering") this.#client.wire.keepAlive(CLIENT_PROBE_MS);
      else if (this.#minorVersion === 1) this.#client.wire.text("HTTP/1.1 100 Continue\r\n\r\n");
    }
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
    if (this.#begun) this.#cut("cancelled", `malformed-body: ${fault}`, "client");
    else this.#failRequest("bad-request", fault, "client");
  }

  onUnreadable(fault: string): void {
    this.#onAttemptFailed("broken", undefined, "bad-response", fault);
  }

  onConnectionLost(error: Error | undefined): void {
    if (this.#phase === "connecting") {
      this.#onAttemptFailed("connect-failure", "connect-failure", "connect-failed", error?.message ?? "");
    } else {
      // Before an answer this is the keep-alive race of a pooled connection, or an endpoint that died. Either way
      // another attempt is as good as the first, if the request may be replayed at all.
      const kind: OutcomeKind = !this.#begun && this.#attempts!.open!.reused ? "refused" : "broken";
      this.#onAttemptFailed(kind, "refused-stream", "endpoint-reset", error?.message ?? "");
    }
  }

  /** It is for the client to send, or to take: silence is not the endpoint's. */
  get #clientOwes(): boolean {
    if (this.#begun) return this.#attempts!.open!.connection.wire.paused;
    return this.#phase === "waiting" && !this.#request.whole && !this.#client.wire.paused;
  }

  /** A bug met while working on this exchange: it alone is lost. */
  onDefect(error: unknown): void {
    this.#context.defect(error);
    if (this.#phase === "over") return;
    try {
      if (this.#begun) this.#cut("cancelled", "internal-error", "gateway");
      else this.#failRequest("internal-error", "", "gateway");
    } catch (another) {
      this.#context.defect(another);
      this.#client.wire.destroy();
    }
  }

  /** Ends whatever has taken too long. */
  sweep(nowMs: number): void {
    if (nowMs >= this.#deadlineMs) {
      // An answer that takes its time, or whose client does, is no failure of the endpoint.
      if (this.#begun) this.#cut("cancelled", "request-timeout", "gateway");
      else {
        this.#endAttempt(this.#clientOwes ? "cancelled" : "timeout", 0, nowMs);
        this.refuse("request-timeout", "");
      }
    } else if (nowMs >= (this.#attempts?.open?.deadlineMs ?? Infinity)) {
      if (this.#clientOwes) this.#failRequest("body-timeout", "", "client");
      else if (this.#phase === "connecting") {
        this.#onAttemptFailed("connect-failure", "connect-failure", "connect-timeout", "");
      } else this.#onAttemptFailed("timeout", undefined, "try-timeout", "");
    } else {
      const idleMs = this.#attempts?.pool.spec.policy.timeouts.idleMs ?? 0;
      if (idleMs > 0 && nowMs - this.#lastActivityMs >= idleMs) this.#onIdle();
    }
  }

  #onIdle(): void {
    if (this.tunnel !== undefined) this.#cut("success", "idle-timeout", "gateway");
    else if (this.#begun) this.#cut(this.#clientOwes ? "cancelled" : "timeout", "idle-timeout", "gateway");
    else if (this.#clientOwes) this.#failRequest("body-timeout", "", "client");
    else this.#onAttemptFailed("timeout", undefined, "try-timeout", "idle");
  }

  #onAttemptFailed(kind: OutcomeKind, cause: RetryCause | undefined, refusal: Refusal, detail: string): void {
    const nowMs = this.#context.clock();
    const again = this.#mayGoOn(cause, nowMs);
    if (this.#begun) {
      const why = refusal === "bad-response" ? `malformed-response: ${detail}` : "response-cut";
      this.#cut(kind, why, "endpoint");
      return;
    }
    this.#endAttempt(kind, 0, nowMs);
    if (again) this.#tryAgain(nowMs);
    else this.refuse(refusal, detail);
  }

  #mayGoOn(cause: RetryCause | undefined, nowMs: number): boolean {
    const { method } = this;
    const facts = { cause, method, bodyInHand: this.#request.inHand, answering: this.#begun };
    return this.#attempts!.mayGoOn(facts, nowMs);
  }

  #failRequest(refusal: Refusal, detail: string, endedBy: EndedBy): void {
    this.#endAttempt("cancelled", 0, this.#context.clock());
    this.#keepAlive = false;
    this.refuse(refusal, detail, endedBy);
  }

  /** Nothing can be answered any more: a client that still listens must not take what it has for the whole. */
  #cut(kind: OutcomeKind, why: string, endedBy: EndedBy): void {
    if (this.#phase === "over") return;
    this.#endAttempt(kind, this.#notes.status, this.#context.clock());
    this.#keepAlive = false;
    this.#client.wire.reset();
    this.#finish(endedBy, why);
  }

  refuse(refusal: Refusal, detail: string, endedBy: EndedBy = "gateway"): void {
    // An unread rest of the request would be taken for the next one.
    if (!this.#request.whole || this.#client.last) this.#keepAlive = false;
    this.#notes.status = REFUSALS[refusal].status;
    this.#notes.refusal = refusal;
    this.#notes.firstByteMs = this.#context.clock() - this.#startedMs;
    const { requestId, method } = this.#notes;
    const answer = { detail, requestId, headRequest: method === "HEAD", keepAlive: this.#keepAlive };
    this.#client.wire.text(refusalText(refusal, answer));
    this.#finish(endedBy, refusal);
  }

  // ---- settle, record ---------------------------------------------------------------------------------------------

  /** Gives back the claim and the connection. Harmless where there is none. */
  #endAttempt(kind: OutcomeKind, status: number, nowMs: number): void {
    this.#request.stop();
    const answered = kind === "success" || kind === "overloaded" || kind === "server-error";
    let parting: Parting = "destroy";
    if (this.tunnel !== undefined) parting = this.tunnel.finished ? "let-go" : "destroy";
    // With the request cut short on it, a connection cannot carry another.
    else if (answered && this.#request.sent) parting = "release";
    this.#attempts?.end(kind, status, parting, nowMs);
  }

  #finish(endedBy: EndedBy, why: string): void {
    this.#phase = "over";
    this.#notes.endedBy = endedBy;
    this.#notes.why = why;
    this.#notes.totalMs = this.#context.clock() - this.#startedMs;
    this.#request.forget();
    this.#context.record(this.#notes);
    this.#client.onExchangeEnd(this.#keepAlive && this.#request.whole);
  }
}
