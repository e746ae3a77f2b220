/**
 * A hedge: a second attempt at another endpoint while the first is still unanswered (core/retry/hedge.ts says when).
 *
 * Thought of once per request, by a timer of its own: the sweep's 50 ms would be most of what a hedge can save. Until
 * it answers, the second connection speaks to the hedge; from a good answer on, or when the first attempt has failed, to
 * the exchange, as after a retry. Whatever else goes wrong ends the hedge and nothing more, for the first
 * attempt is still under way.
 */
import { outcomeOfStatus, type OutcomeKind } from "../../model/outcome.ts";
import { FAILED, lostAs } from "./attempt-failure.ts";
import type { Attempts } from "./attempts.ts";
import type { AnswerSink, ResponseReceiver } from "./endpoint-connection.ts";
import type { ExchangeContext } from "./exchange-context.ts";
import type { OutgoingRequest } from "./outgoing-request.ts";
import type { Tunnel } from "./tunnel.ts";
import type { ResponseHead } from "./wire/response-head.ts";

export class Hedge implements ResponseReceiver {
  readonly method: string;
  readonly #exchange: ResponseReceiver;
  readonly #context: ExchangeContext;
  readonly #attempts: Attempts;
  readonly #request: OutgoingRequest;
  #timer: NodeJS.Timeout | undefined;
  #asked = false;

  constructor(
    exchange: ResponseReceiver,
    context: ExchangeContext,
    attempts: Attempts,
    request: OutgoingRequest,
  ) {
    this.method = exchange.method;
    this.#exchange = exchange;
    this.#context = context;
    this.#attempts = attempts;
    this.#request = request;
  }

  /** The request has gone out whole to the first endpoint. */
  arm(nowMs: number): void {
    const delayMs = this.#asked ? -1 : this.#attempts.hedgeDelayMs(nowMs);
    if (delayMs < 0) return;
    this.#timer = setTimeout(() => this.#begin(), delayMs).unref();
  }

  #begin(): void {
    this.#asked = true;
    try {
      const attempt = this.#attempts.beginHedge(this, this.#request.inHand, this.#context.clock());
      if (attempt?.reused === true) this.#request.repeat(attempt.connection.wire);
    } catch (error) {
      this.#exchange.onDefect(error);
    }
  }

  /** No longer wanted: there is an answer, or the request is over. */
  end(nowMs: number): void {
    clearTimeout(this.#timer);
    this.#attempts.endHedge("cancelled", 0, nowMs);
  }

  /** The first attempt ends as told, and the hedge is the exchange's own from now on. False: there is no hedge. */
  takeOver(kind: OutcomeKind, status: number, nowMs: number): boolean {
    clearTimeout(this.#timer);
    if (!this.#attempts.promoteHedge(kind, status, nowMs)) return false;
    this.#attempts.open!.connection.handTo(this.#exchange);
    return true;
  }

  onConnect(): void {
    const { connection } = this.#attempts.hedge!;
    this.#attempts.hedge!.connected(this.#context.clock());
    this.#request.repeat(connection.wire);
  }

  onResponseHead(head: ResponseHead, buffer: Buffer): AnswerSink | undefined {
    const kind = outcomeOfStatus(head.status);
    if (kind !== "success") {
      this.#fail(kind, head.status);
      return undefined;
    }
    this.#context.metrics.hedge("won");
    this.takeOver("cancelled", 0, this.#context.clock());
    return this.#exchange.onResponseHead(head, buffer);
  }

  onUnreadable(): void {
    this.#fail(FAILED.toMakeSense.kind, 0);
  }

  onConnectionLost(): void {
    this.#fail(lostAs(this.#attempts.hedge!, false).kind, 0);
  }

  onDefect(error: unknown): void {
    this.#exchange.onDefect(error);
  }

  /** An early answer to one of two is not told: the other may answer without one. */
  onInterim(): void {}

  onSwitch(): Tunnel | undefined {
    return undefined;
  }

  // After a good head the exchange listens, and after any other nobody does.
  onResponseEnd(): void {}
  onWritable(): void {}

  #fail(kind: OutcomeKind, status: number): void {
    this.#attempts.endHedge(kind, status, this.#context.clock());
  }
}
