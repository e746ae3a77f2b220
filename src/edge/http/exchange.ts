/**
 * The request line: what happens to one request, in order, from its head to its record.
 *
 *   route    which rule, which pool          needs the head; before all else, for the rest depends on it
 *   pick     which endpoint (core)           after routing; again for every attempt, on the pool's newest state
 *   open     a connection, idle or new       after the pick, which holds the claim on it
 *   send     head and body                   the body streams; its first 64 KiB are kept while a retry is possible
 *   answer   the response's head             here a retry is decided for the last time; after it nothing can be undone
 *   stream   the response's body             flushed as it comes, with backpressure
 *   settle   the claim, exactly once         in `#endAttempt` and nowhere else
 *   record   log and metrics, exactly once   in `#finish` and nowhere else
 *
 * Everything is synchronous between socket events. The exchange holds one connection to an endpoint at a time; who
 * ends it, and why, is decided in the methods named `on...` and `sweep`.
 */
import type { AttemptRecord, EndedBy, ExchangeRecord } from "../../app/record.ts";
import type { LivePool } from "../../app/live-pool.ts";
import type { LiveRule } from "../../app/view.ts";
import type { PickFacts } from "../../core/balance/pool-brain.ts";
import { afterAttempt } from "../../core/retry/after-attempt.ts";
import { matchRoute } from "../../core/route/table.ts";
import { splitBackend } from "../../core/route/split.ts";
import type { OutcomeKind } from "../../model/outcome.ts";
import type { RetryCause } from "../../model/policy.ts";
import { REFUSALS, type Refusal } from "../../model/refusal.ts";
import { refusalText } from "./answer.ts";
import { Attempt } from "./attempt.ts";
import type { ResponseReceiver } from "./endpoint-connection.ts";
import type { ExchangeContext } from "./exchange-context.ts";
import { NO_BODY, RequestBody } from "./request-body.ts";
import { requestHeadText, responseHeadText } from "./wire/forward.ts";
import { CHUNKED, UNTIL_CLOSE } from "./wire/framing.ts";
import type { RequestHead } from "./wire/request-head.ts";
import type { ResponseHead } from "./wire/response-head.ts";
import type { Wire } from "./wire/wire.ts";

/** The client's connection, as the exchange sees it. */
export interface ExchangeClient {
  readonly wire: Wire;
  readonly address: string;
  readonly port: number;
  /** The exchange is over. `keepAlive`: the connection may carry another. */
  onExchangeEnd(keepAlive: boolean): void;
}

type Phase = "routing" | "connecting" | "waiting" | "answering" | "tunnel" | "over";

export class Exchange implements ExchangeRecord, PickFacts, ResponseReceiver {
  readonly requestId: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly attempts: AttemptRecord[] = [];
  readonly tried: number[] = [];
  readonly headMs: number;
  rule: LiveRule | undefined;
  status = 0;
  refusal: Refusal | undefined;
  endedBy: EndedBy = "completion";
  why = "complete";
  retryStop = "";
  firstByteMs: number | undefined;
  totalMs = 0;
  bytesIn = 0;
  bytesOut = 0;

  readonly #context: ExchangeContext;
  readonly #client: ExchangeClient;
  readonly #startedMs: number;
  readonly #minorVersion: number;
  readonly #wantsTunnel: boolean;
  readonly #body: RequestBody;
  #phase: Phase = "routing";
  #keepAlive: boolean;
  #headText = "";
  #pool: LivePool | undefined;
  #deadlineMs = Infinity;
  #lastActivityMs: number;

  #attempt: Attempt | undefined;
  /** The request's head is still to be sent, together with the body's first bytes. */
  #headUnsent = false;

  /** The response's head waits for the first bytes of its body, to go in one packet. */
  #answerHead = "";
  /** The body came until close and goes on in chunks. */
  #rechunks = false;
  #tunnelEnds = 0;

  constructor(context: ExchangeContext, client: ExchangeClient, head: RequestHead, headMs: number) {
    this.#context = context;
    this.#client = client;
    this.requestId = requestIdOf(head) ?? context.nextRequestId();
    this.method = head.method;
    this.host = head.authority;
    this.path = head.path;
    this.headMs = headMs;
    this.#startedMs = context.clock();
    this.#lastActivityMs = this.#startedMs;
    this.#minorVersion = head.minorVersion;
    this.#keepAlive = head.keepAlive;
    this.#wantsTunnel = head.upgradesToWebSocket;
    this.#body = head.bodyLength === 0 ? NO_BODY : new RequestBody(false);
  }

  get client(): string {
    return this.#client.address;
  }

  get port(): number {
    return this.#client.port;
  }

  get pool(): string | undefined {
    return this.#pool?.key;
  }

  get tunnelling(): boolean {
    return this.#phase === "tunnel";
  }

  // ---- route, pick, open ------------------------------------------------------------------------------------------

  /** `buffer` holds the head that was just parsed. */
  begin(head: RequestHead, buffer: Buffer): void {
    const { view, prng } = this.#context;
    const table = view.ports.get(this.#client.port);
    this.rule = table === undefined ? undefined : matchRoute(table, head);
    if (this.rule === undefined) return this.refuse("no-route", "");
    const pool = splitBackend(this.rule.backends, prng.float())?.pool;
    if (pool === undefined) return this.refuse("bad-backend", "");
    this.#pool = pool;
    const { policy } = pool.spec;
    const requestMs = this.rule.rule.requestTimeoutMs ?? policy.timeouts.requestMs;
    if (requestMs > 0) this.#deadlineMs = this.#startedMs + requestMs;
    this.#headText = requestHeadText(head, buffer, { clientAddress: this.client, requestId: this.requestId });
    if (policy.retries.attempts <= 1 && this.#body.whole) this.#body.forget();
    pool.budget.deposit(this.#startedMs);
    this.#try(pool, this.#startedMs);
  }

  #try(pool: LivePool, nowMs: number): void {
    const verdict = pool.brain.pick(this, nowMs);
    if (verdict.kind === "refuse") return this.refuse(verdict.reason, "");
    const tryMs = this.rule!.rule.backendRequestTimeoutMs ?? pool.spec.policy.retries.perTryTimeoutMs;
    this.#attempt = new Attempt(pool, verdict.ticket, tryMs, this.#context.upstreams, this);
    this.#headUnsent = true;
    this.#phase = "connecting";
    if (this.#attempt.reused) this.#send();
  }

  onConnect(): void {
    this.#attempt!.connected(this.#context.clock());
    this.#send();
    this.flushRequest();
    this.#client.wire.resume();
  }

  // ---- send -------------------------------------------------------------------------------------------------------

  #send(): void {
    this.#phase = "waiting";
    const { wire } = this.#attempt!.connection;
    const kept = this.#body.chunks();
    // A head without its body waits for the body's first bytes, which are probably in the read being worked on.
    if (kept.length === 0 && !this.#body.whole) return;
    this.#headUnsent = false;
    if (kept.length === 0) {
      wire.text(this.#headText);
      return;
    }
    for (let i = 0; i < kept.length; i++) {
      wire.bytes(i === 0 ? this.#headText : "", kept[i]!, 0, kept[i]!.length);
    }
    if (!this.#mayReplay()) this.#body.forget();
  }

  /** The client's read is worked off: what was waiting for company goes now. */
  flushRequest(): void {
    if (!this.#headUnsent || this.#phase !== "waiting") return;
    this.#headUnsent = false;
    this.#attempt!.connection.wire.text(this.#headText);
  }

  /** Body bytes from the client, in order. */
  onRequestBytes(buffer: Buffer, start: number, end: number): void {
    this.#lastActivityMs = this.#context.sweeper.nowMs;
    this.bytesIn += end - start;
    const sendable = this.#phase === "waiting" || this.#phase === "answering";
    if (this.#phase === "over") return;
    const room = this.#body.keep(buffer, start, end, !sendable);
    if (!sendable) {
      if (!room) this.#client.wire.pause();
      return;
    }
    const prefix = this.#headUnsent ? this.#headText : "";
    this.#headUnsent = false;
    if (!this.#attempt!.connection.wire.bytes(prefix, buffer, start, end)) this.#client.wire.pause();
  }

  onRequestEnd(): void {
    this.#body.whole = true;
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
    this.#attempt!.answered(head.status, nowMs);
    if (head.status === 503 && this.#mayTryAgain("unavailable", nowMs)) {
      this.#endAttempt("server-error", head.status, nowMs);
      this.#try(this.#pool!, nowMs);
      return undefined;
    }
    this.#phase = "answering";
    this.#body.forget();
    this.status = head.status;
    this.firstByteMs = nowMs - this.#startedMs;
    const chunkless = this.#minorVersion === 0;
    this.#rechunks = head.bodyLength === UNTIL_CLOSE && !chunkless;
    // Without chunks, a body of unknown length can only end with its connection.
    if (chunkless && head.bodyLength < 0) this.#keepAlive = false;
    if (this.#context.draining) this.#keepAlive = false;
    this.#answerHead = responseHeadText(head, buffer, {
      requestId: head.hasRequestId ? undefined : this.requestId,
      chunked: !chunkless && (this.#rechunks || head.bodyLength === CHUNKED),
      connection: this.#keepAlive ? (chunkless ? "keep-alive" : undefined) : "close",
    });
    return chunkless ? "decoded" : "verbatim";
  }

  // ---- stream -----------------------------------------------------------------------------------------------------

  bodyBytes(buffer: Buffer, start: number, end: number): void {
    this.#lastActivityMs = this.#context.sweeper.nowMs;
    this.bytesOut += end - start;
    const { wire } = this.#client;
    let prefix = this.#answerHead;
    this.#answerHead = "";
    if (this.#rechunks) prefix += `${(end - start).toString(16)}\r\n`;
    let more = wire.bytes(prefix, buffer, start, end);
    if (this.#rechunks) more = wire.text("\r\n");
    if (!more) this.#attempt?.connection.wire.pause();
  }

  bodyText(text: string): void {
    this.#client.wire.text(this.#answerHead + text);
    this.#answerHead = "";
  }

  onReadEnd(): void {
    if (this.#answerHead === "" || this.#phase === "over") return;
    this.#client.wire.text(this.#answerHead);
    this.#answerHead = "";
  }

  onResponseEnd(): void {
    if (this.#rechunks) this.bodyText("0\r\n\r\n");
    else this.onReadEnd();
    this.#endAttempt(outcomeOf(this.status), this.status, this.#context.clock());
    this.#finish("completion", "complete");
  }

  /** The client takes bytes again. */
  onClientWritable(): void {
    this.#attempt?.connection.wire.resume();
  }

  // ---- tunnel -----------------------------------------------------------------------------------------------------

  onSwitch(head: ResponseHead, buffer: Buffer): boolean {
    if (!this.#wantsTunnel) return false;
    const nowMs = this.#context.clock();
    this.#phase = "tunnel";
    this.#deadlineMs = Infinity;
    this.#attempt!.answered(head.status, nowMs);
    this.firstByteMs = nowMs - this.#startedMs;
    this.#lastActivityMs = nowMs;
    this.#keepAlive = false;
    this.status = 101;
    const form = { requestId: this.requestId, chunked: false, connection: "Upgrade" } as const;
    this.#client.wire.text(responseHeadText(head, buffer, form));
    return true;
  }

  onTunnelBytes(buffer: Buffer, start: number, end: number): void {
    this.#lastActivityMs = this.#context.sweeper.nowMs;
    this.bytesOut += end - start;
    if (!this.#client.wire.bytes("", buffer, start, end)) this.#attempt!.connection.wire.pause();
  }

  onClientTunnelBytes(buffer: Buffer, start: number, end: number): void {
    this.#lastActivityMs = this.#context.sweeper.nowMs;
    this.bytesIn += end - start;
    if (!this.#attempt!.connection.wire.bytes("", buffer, start, end)) this.#client.wire.pause();
  }

  onTunnelEnd(): void {
    this.#client.wire.end();
    this.#onTunnelHalf();
  }

  #onTunnelHalf(): void {
    if (++this.#tunnelEnds < 2) return;
    this.#endAttempt("success", this.status, this.#context.clock());
    this.#finish("completion", "complete");
  }

  // ---- early ends -------------------------------------------------------------------------------------------------

  /** The client will send no more (FIN). Whether it still listens is another question: see below. */
  onClientEnd(): void {
    if (this.#phase === "tunnel") {
      this.#attempt!.connection.wire.end();
      this.#onTunnelHalf();
    } else if (!this.#body.whole) {
      this.#cancel("client", "request-cut");
    } else {
      this.#keepAlive = false;
      // A closed and a half-closed connection look alike until something is sent: the former then answers with RST,
      // and the request is cancelled; the latter ignores an interim response, as RFC 9110 section 15.2 demands.
      if (this.#phase !== "answering" && this.#minorVersion === 1) {
        this.#client.wire.text("HTTP/1.1 100 Continue\r\n\r\n");
      }
    }
  }

  onClientGone(): void {
    if (this.#phase === "tunnel") this.#cancel("client", "tunnel-cut");
    else this.#cancel("client", "client-gone");
  }

  /** The request's body broke the rules after its head was taken. */
  onRequestMalformed(fault: string): void {
    if (this.#phase === "answering" || this.#phase === "tunnel")
      this.#cancel("client", `malformed-body: ${fault}`);
    else this.#failRequest("bad-request", fault, "client");
  }

  onUnreadable(fault: string): void {
    this.#onAttemptFailed("broken", undefined, "bad-response", fault);
  }

  onConnectionLost(error: Error | undefined): void {
    if (this.#phase === "connecting") {
      this.#onAttemptFailed("connect-failure", "connect-failure", "connect-failed", error?.message ?? "");
    } else {
      // No byte of an answer came: for a pooled connection the keep-alive race, else an endpoint that died. Either way
      // another attempt is as good as the first, if the request may be replayed at all.
      const kind: OutcomeKind = this.#attempt!.reused ? "refused" : "broken";
      this.#onAttemptFailed(kind, "refused-stream", "endpoint-reset", error?.message ?? "");
    }
  }

  /** Ends whatever has taken too long. */
  sweep(nowMs: number): void {
    if (nowMs >= this.#deadlineMs) {
      if (this.#phase === "answering") this.#cut("timeout", "request-timeout", "gateway");
      else {
        this.#endAttempt("timeout", 0, nowMs);
        this.refuse("request-timeout", "");
      }
    } else if (this.#attempt !== undefined && nowMs >= this.#attempt.deadlineMs) {
      if (this.#phase === "connecting") {
        this.#onAttemptFailed("connect-failure", "connect-failure", "connect-timeout", "");
      } else this.#onAttemptFailed("timeout", undefined, "try-timeout", "");
    } else {
      const idleMs = this.#pool?.spec.policy.timeouts.idleMs ?? 0;
      if (idleMs > 0 && nowMs - this.#lastActivityMs >= idleMs) this.#onIdle();
    }
  }

  #onIdle(): void {
    if (this.#phase === "tunnel" || this.#phase === "answering") {
      this.#cut(this.#phase === "tunnel" ? "success" : "timeout", "idle-timeout", "gateway");
    } else if (this.#body.whole) this.#onAttemptFailed("timeout", undefined, "try-timeout", "idle");
    else this.#failRequest("body-timeout", "", "client");
  }

  #onAttemptFailed(kind: OutcomeKind, cause: RetryCause | undefined, refusal: Refusal, detail: string): void {
    const nowMs = this.#context.clock();
    if (this.#phase === "answering" || this.#phase === "tunnel") {
      this.#cut(
        kind,
        refusal === "bad-response" ? `malformed-response: ${detail}` : "response-cut",
        "endpoint",
      );
      return;
    }
    const again = this.#mayTryAgain(cause, nowMs);
    this.#endAttempt(kind, 0, nowMs);
    if (again) this.#try(this.#pool!, nowMs);
    else this.refuse(refusal, detail);
  }

  #mayTryAgain(cause: RetryCause | undefined, nowMs: number): boolean {
    const { budget, spec } = this.#pool!;
    const facts = {
      attempts: this.attempts.length + 1,
      cause,
      answering: this.#phase === "answering",
      method: this.method,
      bodyInHand: this.#body.kept,
    };
    const decision = afterAttempt(spec.policy.retries, facts, budget, nowMs);
    if (decision.kind === "again") {
      this.#context.metrics.retried(cause!);
      return true;
    }
    this.retryStop = decision.reason;
    if (decision.reason === "budget-spent") this.#context.metrics.retryWithheld();
    return false;
  }

  #mayReplay(): boolean {
    return this.#pool!.spec.policy.retries.attempts > this.attempts.length + 1;
  }

  /** The client's fault, or its absence: says nothing of the endpoint. */
  #cancel(endedBy: EndedBy, why: string): void {
    if (this.#phase === "over") return;
    this.#keepAlive = false;
    this.#endAttempt("cancelled", 0, this.#context.clock());
    this.#client.wire.destroy();
    this.#finish(endedBy, why);
  }

  #failRequest(refusal: Refusal, detail: string, endedBy: EndedBy): void {
    this.#endAttempt("cancelled", 0, this.#context.clock());
    this.#keepAlive = false;
    this.refuse(refusal, detail, endedBy);
  }

  /** The answer has begun and cannot be finished: the client must not take what it has for the whole. */
  #cut(kind: OutcomeKind, why: string, endedBy: EndedBy): void {
    this.#endAttempt(kind, this.status, this.#context.clock());
    this.#keepAlive = false;
    this.#client.wire.reset();
    this.#finish(endedBy, why);
  }

  refuse(refusal: Refusal, detail: string, endedBy: EndedBy = "gateway"): void {
    // An unread rest of the request would be taken for the next one.
    if (!this.#body.whole || this.#context.draining) this.#keepAlive = false;
    this.status = REFUSALS[refusal].status;
    this.refusal = refusal;
    this.firstByteMs = this.#context.clock() - this.#startedMs;
    const { requestId } = this;
    const headRequest = this.method === "HEAD";
    this.#client.wire.text(
      refusalText(refusal, { detail, requestId, headRequest, keepAlive: this.#keepAlive }),
    );
    this.#finish(endedBy, refusal);
  }

  // ---- settle, record ---------------------------------------------------------------------------------------------

  /** Gives back the claim and the connection. Harmless where there is none. */
  #endAttempt(kind: OutcomeKind, status: number, nowMs: number): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    this.#attempt = undefined;
    const answered = kind === "success" || kind === "overloaded" || kind === "server-error";
    let parting: "release" | "destroy" | "let-go" = "destroy";
    if (this.#phase === "tunnel") parting = this.#tunnelEnds === 2 ? "let-go" : "destroy";
    // With the request cut short on it, a connection cannot carry another.
    else if (answered && this.#body.whole && !this.#headUnsent) parting = "release";
    this.tried.push(attempt.ticket.slot);
    this.attempts.push(attempt.end(kind, status, nowMs, parting));
  }

  #finish(endedBy: EndedBy, why: string): void {
    this.#phase = "over";
    this.endedBy = endedBy;
    this.why = why;
    this.totalMs = this.#context.clock() - this.#startedMs;
    this.#body.forget();
    this.#context.record(this);
    this.#client.onExchangeEnd(this.#keepAlive && this.#body.whole);
  }
}

function outcomeOf(status: number): OutcomeKind {
  if (status === 429) return "overloaded";
  return status >= 500 ? "server-error" : "success";
}

/** The client's own request id, if it is one that can be logged and forwarded without harm. */
function requestIdOf(head: RequestHead): string | undefined {
  const id = head.requestId;
  return id !== "" && id.length <= 128 && /^[\w.:+/=-]+$/.test(id) ? id : undefined;
}
