/**
 * A request on its way to an endpoint that answers it: pick and connect, send, and again elsewhere while that is allowed.
 *
 * It hears of the connections and tells its owner, the exchange, only how it comes out: there is an answer, nobody would take
 * it, or it has failed. From the answer's head on it hands on what it hears. `attempts.ts` holds what is open; `hedge.ts` opens
 * a second attempt past a slow first one; what may be tried again is core/retry's to say.
 */
import type { OutcomeKind } from "../../model/outcome.ts";
import { loadReportIn } from "./answer.ts";
import { FAILED, lostAs, type AttemptFailure } from "./attempt-failure.ts";
import type { AttemptEnd, Parting } from "./attempt.ts";
import type { Attempts } from "./attempts.ts";
import type { AnswerSink, ResponseReceiver } from "./endpoint-connection.ts";
import type { ExchangeContext } from "./exchange-context.ts";
import { Hedge } from "./hedge.ts";
import type { OutgoingRequest } from "./outgoing-request.ts";
import type { Tunnel } from "./tunnel.ts";
import type { ResponseHead } from "./wire/response-head.ts";
import type { Wire } from "./wire/wire.ts";

/** The exchange, as its delivery sees it. */
export interface DeliveryOwner {
  readonly method: string;
  /** A second attempt beside the first is harmless: the request asks for no tunnel. */
  readonly mayBeHedged: boolean;
  /** Something of an answer may have reached the client. */
  readonly hasBegunToAnswer: boolean;
  /** The request goes to the endpoint now; what has come of it is still in hand. */
  onSending(endpointKey: string): void;
  /** An endpoint was picked; the request goes there next. */
  onPicked(): void;
  onInterim(head: ResponseHead, buffer: Buffer): void;
  onSwitch(head: ResponseHead, buffer: Buffer): Tunnel | undefined;
  /** The answer that counts begins; where its body goes. */
  onAnswer(head: ResponseHead, buffer: Buffer, nowMs: number): AnswerSink;
  onAnswerEnd(): void;
  /** There is room for more of the request. */
  onWritable(): void;
  /** Nobody may serve it now. */
  onNobody(reason: "no-endpoint" | "pool-full", nowMs: number): void;
  /** The last attempt, which is still open, has failed. */
  onFailed(failure: AttemptFailure, detail: string, nowMs: number): void;
  onDefect(error: unknown): void;
}

/** Whether the connection became a tunnel, and how that ended. */
export type Tunnelled = "no" | "to-its-end" | "cut";

export class Delivery implements ResponseReceiver {
  readonly method: string;
  readonly #owner: DeliveryOwner;
  readonly #context: ExchangeContext;
  readonly #attempts: Attempts;
  readonly #request: OutgoingRequest;
  /** Undefined: the request's class of work is not hedged. */
  readonly #hedge: Hedge | undefined;
  /** The open attempt has a connection, and the request goes out on it. */
  #sending = false;

  constructor(owner: DeliveryOwner, context: ExchangeContext, attempts: Attempts, request: OutgoingRequest) {
    this.method = owner.method;
    this.#owner = owner;
    this.#context = context;
    this.#attempts = attempts;
    this.#request = request;
    const { hedging } = attempts.routed.work.workload.treatment;
    this.#hedge = hedging && owner.mayBeHedged ? new Hedge(this, context, attempts, request) : undefined;
  }

  /** Of the attempt that is open. */
  get wire(): Wire | undefined {
    return this.#attempts.open?.connection.wire;
  }

  /** An endpoint has the request, as far as it has come, and owes the answer or the rest of it. */
  get isSending(): boolean {
    return this.#sending;
  }

  try(nowMs: number): void {
    const attempts = this.#attempts;
    this.#sending = false;
    const verdict = attempts.begin(this, nowMs);
    if (verdict.kind === "refuse") return this.#owner.onNobody(verdict.reason, nowMs);
    const attempt = attempts.open!;
    this.#owner.onPicked();
    if (!this.#request.whole) attempt.excuse();
    if (attempt.reused) this.#send(nowMs);
  }

  onConnect(): void {
    const nowMs = this.#context.clock();
    this.#attempts.open!.connected(nowMs);
    this.#send(nowMs);
    this.#request.flush();
  }

  #send(nowMs: number): void {
    const attempts = this.#attempts;
    const { connection, ticket } = attempts.open!;
    this.#sending = true;
    this.#owner.onSending(ticket.endpoint.key);
    this.#request.start(connection.wire, attempts.last);
    if (this.#request.whole) this.requestSent(nowMs);
    this.#owner.onWritable();
  }

  /** The last byte of the request has come from the client. */
  requestSent(nowMs: number): void {
    if (!this.#sending) return;
    this.#attempts.open!.requestSent(nowMs);
    this.#hedge?.arm(nowMs);
  }

  /** More of the request comes: an upload that moves is no attempt that waits. */
  uploading(): void {
    this.#attempts.open?.uploading(this.#context.clock());
  }

  // ---- what the connection tells ----------------------------------------------------------------------------------

  onInterim(head: ResponseHead, buffer: Buffer): void {
    this.#owner.onInterim(head, buffer);
  }

  onSwitch(head: ResponseHead, buffer: Buffer): Tunnel | undefined {
    return this.#owner.onSwitch(head, buffer);
  }

  onResponseHead(head: ResponseHead, buffer: Buffer): AnswerSink | undefined {
    const nowMs = this.#context.clock();
    this.#attempts.answered(head.status, loadReportIn(head, buffer), nowMs);
    // The last moment for another attempt: once the answer goes out it cannot be taken back.
    if (head.status === 503 && this.#goesOn(FAILED.toServe, 503, nowMs)) return undefined;
    this.#hedge?.end(nowMs);
    this.#request.forget();
    return this.#owner.onAnswer(head, buffer, nowMs);
  }

  onResponseEnd(): void {
    this.#owner.onAnswerEnd();
  }

  onWritable(): void {
    this.#owner.onWritable();
  }

  onUnreadable(fault: string): void {
    this.#failed(FAILED.toMakeSense, fault);
  }

  onConnectionLost(error: Error | undefined): void {
    const failure = lostAs(this.#attempts.open!, this.#owner.hasBegunToAnswer);
    this.#failed(failure, error?.message ?? "");
  }

  onDefect(error: unknown): void {
    this.#owner.onDefect(error);
  }

  // ---- failures and ends ------------------------------------------------------------------------------------------

  /** When the open attempt is late. */
  get deadlineMs(): number {
    return this.#attempts.open?.deadlineMs ?? Infinity;
  }

  /** Nothing has come from the endpoint for too long. */
  late(detail: string): void {
    this.#failed(this.#sending ? FAILED.toAnswerInTime : FAILED.toConnectInTime, detail);
  }

  #failed(failure: AttemptFailure, detail: string): void {
    const nowMs = this.#context.clock();
    if (!this.#goesOn(failure, 0, nowMs)) this.#owner.onFailed(failure, detail, nowMs);
  }

  /** The hedge is the attempt from now on, or there is another, or neither. */
  #goesOn({ kind, cause }: AttemptFailure, status: number, nowMs: number): boolean {
    const attempts = this.#attempts;
    if (this.#hedge?.takeOver(kind, status, nowMs) === true) {
      this.#sending = attempts.open!.isConnected;
      return true;
    }
    const { inHand: bodyInHand } = this.#request;
    const answering = this.#owner.hasBegunToAnswer;
    if (!attempts.mayGoOn({ cause, bodyInHand, answering }, nowMs)) return false;
    this.end({ kind, status }, "no", nowMs);
    this.try(nowMs);
    // No read of the client is being worked off, at whose end a waiting head would go.
    this.#request.flush();
    return true;
  }

  /** Settles what is open and parts with its connection. Harmless where nothing is. */
  end(end: AttemptEnd, tunnelled: Tunnelled, nowMs: number): void {
    this.#hedge?.end(nowMs);
    this.#request.stop();
    // With the request cut short on it, a connection cannot carry another; nor can what was a tunnel.
    const isReusable = tunnelled === "no" && isAnswered(end.kind) && this.#request.sent;
    const parting: Parting = isReusable ? "release" : tunnelled === "to-its-end" ? "let-go" : "destroy";
    this.#attempts.end(end, parting, nowMs);
  }
}

function isAnswered(kind: OutcomeKind): boolean {
  return kind === "success" || kind === "overloaded" || kind === "server-error";
}
