/**
 * One request's leave to be under way at its pool: asked for once, perhaps waited for, given back exactly once.
 *
 * Invariant: a permit that was granted is released, whatever becomes of the request; one that is no longer wanted is
 * cancelled and does not come.
 */
import type { AdmissionFacts, Refused } from "../core/admission/admission.ts";
import type { WaitTicket } from "../core/admission/class-queue.ts";
import type { Permit } from "../core/admission/permits.ts";
import type { AttemptRecord } from "./record.ts";
import type { LiveClass } from "./followed-classes.ts";
import type { LivePool, Waiter } from "./live-pool.ts";

/** Whose turn it is to be. */
export interface TurnTaker {
  onTurn(nowMs: number): void;
  onTurnRefused(refused: Refused, nowMs: number): void;
  /** Taking the turn has thrown. The end of another request led there, and must not be blamed. */
  onDefect(error: unknown): void;
}

const UNTRIED = { kind: "cancelled", status: 0 } as const;

export class Turn implements AdmissionFacts<Waiter>, Waiter {
  readonly classIndex: number;
  readonly tenant: string;
  readonly #pool: LivePool;
  readonly #taker: TurnTaker;
  #permit: Permit<Waiter> | undefined;
  #ticket: WaitTicket<Waiter> | undefined;

  constructor(pool: LivePool, work: LiveClass, tenant: string, taker: TurnTaker) {
    this.classIndex = work.index;
    this.tenant = tenant;
    this.#pool = pool;
    this.#taker = taker;
  }

  get waiter(): Turn {
    return this;
  }

  /** What the request waited [ms]; 0 before its turn. */
  get waitedMs(): number {
    return this.#permit?.waitedMs ?? 0;
  }

  /** The taker hears of its turn, or of a refusal: now or later. */
  ask(nowMs: number): void {
    const admitted = this.#pool.admit(this, nowMs);
    switch (admitted.kind) {
      case "go":
        this.#permit = admitted.permit;
        return this.#taker.onTurn(nowMs);
      case "wait":
        // Its turn may have come, or its place have been lost, before the pool answered.
        if (!admitted.ticket.over) this.#ticket = admitted.ticket;
        return;
      case "refuse":
        return this.#taker.onTurnRefused(admitted, nowMs);
    }
  }

  /** From the pool. */
  granted(permit: Permit<Waiter>, nowMs: number): void {
    this.#ticket = undefined;
    this.#permit = permit;
    try {
      this.#taker.onTurn(nowMs);
    } catch (error) {
      this.#taker.onDefect(error);
    }
  }

  /** From the pool. */
  refused(refused: Refused, nowMs: number): void {
    this.#ticket = undefined;
    try {
      this.#taker.onTurnRefused(refused, nowMs);
    } catch (error) {
      this.#taker.onDefect(error);
    }
  }

  /** The answer has begun. Errors come fast for reasons of their own and teach no latency. */
  answered(status: number, nowMs: number): void {
    if (this.#permit !== undefined && status < 500 && status !== 429)
      this.#pool.admission.answered(this.#permit, nowMs);
  }

  /** Asks the pool to see to those who wait too long. */
  tend(nowMs: number): void {
    this.#pool.handOut(nowMs);
  }

  /**
   * The request is over, or no longer wanted. `last`: its last attempt, if there was one. Only what an endpoint said counts
   * as its load: a refusal of the gateway's own, whatever its status, is none.
   */
  end(last: Pick<AttemptRecord, "outcome" | "status"> | undefined, nowMs: number): void {
    const permit = this.#permit;
    const ticket = this.#ticket;
    this.#permit = undefined;
    this.#ticket = undefined;
    if (permit !== undefined) {
      const outcome = last === undefined ? UNTRIED : { kind: last.outcome, status: last.status };
      this.#pool.admission.release(permit, outcome, nowMs);
    }
    if (ticket !== undefined) this.#pool.admission.cancel(ticket, nowMs);
    if (permit !== undefined || ticket !== undefined) this.#pool.handOut(nowMs);
  }
}
