/**
 * The tries of one exchange: picks an endpoint for each, decides after each whether there is another, settles each.
 *
 * One attempt is open at a time, and beside it, where the class of work allows it, a hedge: a second one that may answer
 * first (hedge.ts). The two are told apart here and nowhere else; whichever answers first becomes the open one.
 *
 * Invariants: each attempt is ended, and so settled, exactly once; every attempt beyond the first is counted in the
 * pool's `retries` while it is under way.
 */
import type { AnswerProgress } from "../../app/inference/answer-reading.ts";
import type { TrafficMetrics } from "../../app/metrics/traffic.ts";
import type { ExchangeNotes } from "../../app/record.ts";
import type { PoolRouted } from "../../app/route-request.ts";
import type { PickFacts } from "../../core/balance/pick-facts.ts";
import type { InferenceRequest } from "../../core/inference/policy/inference-policy.ts";
import { afterAttempt, type AttemptFacts } from "../../core/retry/after-attempt.ts";
import { isIdempotent } from "../../core/retry/replayable.ts";
import type { LoadReport } from "../../model/load-report.ts";
import { outcomeOfStatus, type OutcomeKind } from "../../model/outcome.ts";
import type { Verdict } from "../../model/verdict.ts";
import { Attempt, type AttemptEnd, type Parting } from "./attempt.ts";
import { Prefill } from "./inference/prefill.ts";
import type { ResponseReceiver } from "./endpoint-connection.ts";
import type { Upstreams } from "./upstreams.ts";

export interface AttemptsContext {
  readonly upstreams: Upstreams;
  readonly metrics: TrafficMetrics;
  clock(): number;
}

export class Attempts implements PickFacts, AnswerProgress {
  readonly routed: PoolRouted;
  readonly hash: number;
  /** Slots tried, newest last. */
  readonly tried: number[] = [];
  /** Read from the body before the first attempt; undefined: the request is no prompt. */
  prompt: InferenceRequest | undefined;
  open: Attempt | undefined;
  hedge: Attempt | undefined;
  /** Where the open attempt's prompt is prefilled; undefined: where it is decoded. */
  prefill: Prefill | undefined;
  readonly #notes: ExchangeNotes;
  readonly #context: AttemptsContext;
  #begun = 0;

  constructor(routed: PoolRouted, notes: ExchangeNotes, context: AttemptsContext) {
    this.routed = routed;
    this.hash = routed.hash;
    this.#notes = notes;
    this.#context = context;
  }

  /** Of the request's class as the newest configuration has it. */
  get lane(): number {
    return this.routed.work.lane;
  }

  /** The policy allows no attempt after those that are open. */
  get last(): boolean {
    return this.#begun >= this.routed.pool.spec.policy.retries.attempts;
  }

  get idempotent(): boolean {
    return this.prompt !== undefined || isIdempotent(this.#notes.method);
  }

  get #roomToRetry(): boolean {
    const { retries, spec } = this.routed.pool;
    return retries.hasRoom(spec.policy.circuitBreaker.maxRetries);
  }

  begin(receiver: ResponseReceiver, nowMs: number): Verdict {
    const { pool } = this.routed;
    if (this.#begun === 0) {
      pool.budget.deposit(nowMs);
      if (pool.mayHedge) pool.hedges.sent(nowMs);
    }
    const verdict = pool.brain.pick(this, nowMs);
    if (verdict.kind === "refuse") return verdict;
    this.open = this.#attempt(verdict, receiver);
    if (this.prompt !== undefined) this.prefill = Prefill.begin(pool, this.prompt, nowMs);
    return verdict;
  }

  #attempt({ ticket }: Extract<Verdict, { readonly kind: "send" }>, receiver: ResponseReceiver): Attempt {
    const { pool, tryMs } = this.routed;
    if (++this.#begun > 1) pool.retries.begin();
    const number = this.#begun;
    try {
      const connection = this.#context.upstreams.of(pool, ticket.endpoint).take(receiver);
      return new Attempt({ pool, ticket, connection, tryMs, number });
    } catch (error) {
      // The claim must not outlive what it was made for.
      if (number > 1) pool.retries.end();
      const { pickedMs } = ticket;
      pool.brain.settle(
        ticket,
        { kind: "cancelled", status: 0, firstByteMs: undefined, totalMs: 0 },
        pickedMs,
      );
      throw error;
    }
  }

  /** Asked while the attempt is still open. True: the budget has paid for another. */
  mayGoOn(facts: Pick<AttemptFacts, "cause" | "bodyInHand" | "answering">, nowMs: number): boolean {
    const { pool, work } = this.routed;
    const allowed = work.workload.treatment.retries;
    const { idempotent } = this;
    const asked = { ...facts, idempotent, attempts: this.#begun, allowed, room: this.#roomToRetry };
    const step = afterAttempt(pool.spec.policy.retries, asked, pool.budget, nowMs);
    if (step.kind === "again") {
      this.#context.metrics.retried(facts.cause!);
      return true;
    }
    this.#notes.retryStop = step.reason;
    if (step.reason === "budget-spent") this.#context.metrics.retryWithheld();
    return false;
  }

  // ---- the hedge ------------------------------------------------------------------------------------------------------

  /** How long the open attempt may take before a hedge is thought of [ms]; below 0: never. */
  hedgeDelayMs(nowMs: number): number {
    // What a prompt costs its endpoint is reckoned for one attempt at a time.
    return this.prompt === undefined ? this.routed.pool.hedges.delayMs(nowMs) : -1;
  }

  /** Opens a second attempt at another endpoint, if that is allowed now. Undefined: it is not. */
  beginHedge(receiver: ResponseReceiver, bodyInHand: boolean, nowMs: number): Attempt | undefined {
    const { pool } = this.routed;
    const attemptsMax = pool.spec.policy.retries.attempts;
    const room = this.#roomToRetry;
    const facts = { idempotent: this.idempotent, bodyInHand, room, attempts: this.#begun, attemptsMax };
    const step = pool.hedges.step(facts, nowMs);
    if (step.kind !== "hedge") {
      this.#context.metrics.hedge(step.reason);
      return undefined;
    }
    const verdict = pool.brain.pick(
      { hash: this.hash, lane: this.lane, tried: [...this.tried, this.open!.ticket.slot], fresh: true },
      nowMs,
    );
    this.#context.metrics.hedge(verdict.kind === "send" ? "sent" : "no-other");
    if (verdict.kind !== "send") return undefined;
    this.hedge = this.#attempt(verdict, receiver);
    return this.hedge;
  }

  /** The hedge takes the open one's place, which ends as told. False: there is no hedge. */
  promoteHedge(kind: OutcomeKind, status: number, nowMs: number): boolean {
    const { hedge } = this;
    if (hedge === undefined) return false;
    this.hedge = undefined;
    this.#close(this.open!, { kind, status }, "destroy", nowMs);
    this.open = hedge;
    return true;
  }

  /** The hedge has failed, or is no longer wanted. Harmless where there is none. */
  endHedge(kind: OutcomeKind, status: number, nowMs: number): void {
    const { hedge } = this;
    if (hedge === undefined) return;
    this.hedge = undefined;
    this.#close(hedge, { kind, status }, "destroy", nowMs);
  }

  // ---- ends -----------------------------------------------------------------------------------------------------------

  /** The open attempt has its response's head, perhaps with a word on how loaded the endpoint is. */
  answered(status: number, load: LoadReport | undefined, nowMs: number): void {
    const attempt = this.open!;
    const { pool } = this.routed;
    attempt.answered(status, nowMs);
    if (load !== undefined) pool.brain.loadReported(attempt.ticket, load, nowMs);
    if (pool.mayHedge && attempt.number === 1 && outcomeOfStatus(status) === "success") {
      pool.hedges.answered(nowMs - attempt.ticket.pickedMs, nowMs);
    }
  }

  // ---- a prompt's answer ----------------------------------------------------------------------------------------------

  firstToken(): void {
    const nowMs = this.#context.clock();
    this.#notes.firstToken(nowMs);
    this.prefill?.end("success", nowMs);
    this.routed.pool.brain.firstToken(this.open!.ticket, nowMs);
  }

  tokens(total: number): void {
    this.routed.pool.brain.tokens(this.open!.ticket, total, this.#context.clock());
  }

  /** Of whatever is open. Harmless where nothing is. */
  end(end: AttemptEnd, parting: Parting, nowMs: number): void {
    this.endHedge("cancelled", 0, nowMs);
    const attempt = this.open;
    if (attempt === undefined) return;
    this.open = undefined;
    this.#close(attempt, end, parting, nowMs);
  }

  #close(attempt: Attempt, end: AttemptEnd, parting: Parting, nowMs: number): void {
    this.prefill?.end(end.kind === "success" ? "success" : "cancelled", nowMs);
    this.tried.push(attempt.ticket.slot);
    if (attempt.number > 1) this.routed.pool.retries.end();
    this.#notes.attempts.push(attempt.end(end, parting, nowMs));
  }
}
