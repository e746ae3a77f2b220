/**
 * One try at one endpoint: the claim, the connection that serves it, and its own clock.
 *
 * Invariant: `end` gives back claim and connection exactly once; the brain throws on a second settlement.
 */
import type { AttemptRecord } from "../../app/record.ts";
import type { LivePool } from "../../app/live-pool.ts";
import type { TokenUsage } from "../../model/inference-facts.ts";
import type { OutcomeKind } from "../../model/outcome.ts";
import type { Ticket } from "../../model/verdict.ts";
import type { EndpointConnection } from "./endpoint-connection.ts";

/** What becomes of the connection: back to its pool, ended at once, or ended when what is queued has gone. */
export type Parting = "release" | "destroy" | "let-go";

export interface AttemptEnd {
  readonly kind: OutcomeKind;
  readonly status: number;
  /** Of a prompt's answer. */
  readonly usage?: TokenUsage | undefined;
}

export interface AttemptPlan {
  readonly pool: LivePool;
  readonly ticket: Ticket;
  /** Has begun for whoever is to hear of the answer. */
  readonly connection: EndpointConnection;
  /** Time to the response's head, connecting included; 0 = no limit. */
  readonly tryMs: number;
  /** Counted from 1 within the exchange. */
  readonly number: number;
}

export class Attempt {
  readonly ticket: Ticket;
  readonly connection: EndpointConnection;
  readonly number: number;
  /** The connection was idle in the pool, not opened for this. */
  readonly reused: boolean;
  /** When it fails for want of a connection, and later for want of a response head. */
  deadlineMs: number;
  readonly #pool: LivePool;
  readonly #tryMs: number;
  #connectMs: number | undefined;
  #firstByteMs: number | undefined;
  /** The client still owes part of the request. */
  #excused = false;

  constructor({ pool, ticket, connection, tryMs, number }: AttemptPlan) {
    this.#pool = pool;
    this.#tryMs = tryMs;
    this.ticket = ticket;
    this.connection = connection;
    this.number = number;
    this.reused = this.connection.connected;
    this.deadlineMs = Infinity;
    if (this.reused) this.connected(ticket.pickedMs);
    else {
      const { connectTimeoutMs } = pool.spec.policy.connections;
      this.deadlineMs = ticket.pickedMs + (tryMs > 0 ? Math.min(tryMs, connectTimeoutMs) : connectTimeoutMs);
    }
  }

  /** The client has more of the request to send: until `requestSent`, silence is not the endpoint's. */
  excuse(): void {
    this.#excused = true;
    this.#pool.brain.excuse(this.ticket);
  }

  /** The request has gone out whole; the endpoint owes the answer. */
  requestSent(nowMs: number): void {
    if (!this.#excused) return;
    this.#excused = false;
    this.#pool.brain.expect(this.ticket, nowMs);
    this.uploading(nowMs);
  }

  /** A connection is there, so the endpoint has the request or gets it now. */
  get isConnected(): boolean {
    return this.#connectMs !== undefined;
  }

  connected(nowMs: number): void {
    this.#connectMs = nowMs - this.ticket.pickedMs;
    this.deadlineMs = this.#tryMs > 0 ? this.ticket.pickedMs + this.#tryMs : Infinity;
  }

  /** Body bytes of the request come: the time to the response's head counts from the last of them. */
  uploading(nowMs: number): void {
    if (this.#connectMs !== undefined && this.#firstByteMs === undefined && this.#tryMs > 0) {
      this.deadlineMs = nowMs + this.#tryMs;
    }
  }

  /** The response's head is here. */
  answered(status: number, nowMs: number): void {
    this.#pool.brain.answered(this.ticket, status, nowMs);
    this.#firstByteMs = nowMs - this.ticket.pickedMs;
    this.deadlineMs = Infinity;
  }

  /** Settles the claim and parts with the connection as `parting` says. */
  end({ kind, status, usage }: AttemptEnd, parting: Parting, nowMs: number): AttemptRecord {
    const { ticket, connection, reused } = this;
    const record: AttemptRecord = {
      endpoint: ticket.endpoint.key,
      decision: ticket.decision,
      outcome: kind,
      status,
      reused,
      connectMs: this.#connectMs,
      firstByteMs: this.#firstByteMs,
      totalMs: nowMs - ticket.pickedMs,
    };
    const { firstByteMs, totalMs } = record;
    try {
      this.#pool.brain.settle(ticket, { kind, status, firstByteMs, totalMs, usage }, nowMs);
    } finally {
      if (parting === "release") connection.release();
      else if (parting === "let-go") connection.letGo();
      else connection.destroy();
    }
    return record;
  }
}
