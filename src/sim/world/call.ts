/**
 * What moves through the simulation: calls and jobs.
 *
 * A call is what a client wants once: it lives from its first try until it has been answered or given up, through
 * tries of the client and attempts of a gateway, of which one is open at a time. A job is one attempt as the server
 * sees it; it may outlive the attempt, for a server does not learn at once, or at all, that nobody waits any more.
 *
 * Both are recycled. Whatever refers to a call for longer than an instant keeps the number of the try or attempt it meant; a number
 * that has moved on means that the matter is settled. The numbers are never set back.
 */
import type { Waiter } from "../../app/live-pool.ts";
import type { AdmissionFacts } from "../../core/admission/admission.ts";
import type { WaitTicket } from "../../core/admission/class-queue.ts";
import type { Permit } from "../../core/admission/permits.ts";
import { NO_HASH, type PickFacts } from "../../core/balance/pick-facts.ts";
import type { LoadReport } from "../../model/load-report.ts";
import type { OutcomeKind } from "../../model/outcome.ts";
import type { Ticket } from "../../model/verdict.ts";
import type { Condition } from "./condition.ts";

/** Not a status: no connection was to be had. */
export const REFUSED = -1;
/** Not a status: the connection broke before an answer. */
export const BROKEN = -2;

/** A server, as those see it who send to it. */
export interface Serving {
  readonly index: number;
  readonly zone: number;
  readonly condition: Condition;
  /** Attempts sent here that no gateway has ended: what a balancer tries to even out. */
  openAttempts: number;
  accept(job: Job): void;
  /** What it would say of its load now; undefined: it says nothing. */
  report(): LoadReport | undefined;
}

/** Where a call goes on once it has heard from admission. */
export interface CallTaker {
  enter(call: Call): void;
  refuse(call: Call): void;
}

export class Call implements PickFacts, AdmissionFacts<Waiter>, Waiter {
  /** The built-in class `interactive`. */
  readonly classIndex = 0;
  readonly tenant = "";
  readonly waiter = this;
  permit: Permit<Waiter> | undefined = undefined;
  waitTicket: WaitTicket<Waiter> | undefined = undefined;
  taker: CallTaker | undefined = undefined;
  /** How the latest attempt of the open try ended; `cancelled` before the first. */
  readonly last: { kind: OutcomeKind; status: number } = { kind: "cancelled", status: 0 };
  hash = NO_HASH;
  /** Slots tried by the open try. */
  tried: number[] = [];
  startedMs = Number.NaN;
  workMs = Number.NaN;
  gateway = 0;
  /** Counts for the figures. */
  measured = false;
  /** Tries of the client so far, and attempts of gateways in all of them. */
  tries = 0;
  attemptsInAll = 0;
  /** Number of the open try; moves on when it ends. */
  tryNumber = 0;
  /** Number of the open attempt; moves on when it ends. */
  attemptNumber = 0;
  /** Attempts of the open try. */
  attempts = 0;
  ticket: Ticket | undefined = undefined;
  /** Of the latest attempt. */
  server: Serving | undefined = undefined;
  /** A fault lay on that server when the attempt was sent. */
  faulty = false;

  granted(permit: Permit<Waiter>): void {
    this.waitTicket = undefined;
    this.permit = permit;
    this.taker!.enter(this);
  }

  refused(): void {
    this.waitTicket = undefined;
    this.taker!.refuse(this);
  }
}

export class Job {
  call: Call;
  attemptNumber = 0;
  gatewayZone = 0;
  workMs = Number.NaN;
  /** On the server's own clock. */
  finishAt = Number.NaN;
  /** When it came, and how many were inside before it. */
  arrivedMs = Number.NaN;
  found = 0;
  report: LoadReport | undefined = undefined;
  /** 0 until answered; then a status, REFUSED or BROKEN. */
  status = 0;
  server: Serving;

  constructor(call: Call, server: Serving) {
    this.call = call;
    this.server = server;
  }

  /** Somebody still waits for it. */
  get wanted(): boolean {
    return this.call.attemptNumber === this.attemptNumber;
  }
}

export class Calls {
  readonly #free: Call[] = [];

  take(startedMs: number, workMs: number): Call {
    const call = this.#free.pop() ?? new Call();
    call.startedMs = startedMs;
    call.workMs = workMs;
    call.tries = 0;
    call.attemptsInAll = 0;
    call.server = undefined;
    call.faulty = false;
    return call;
  }

  giveBack(call: Call): void {
    this.#free.push(call);
  }
}

export class Jobs {
  readonly #free: Job[] = [];

  take(call: Call, server: Serving, gatewayZone: number): Job {
    const job = this.#free.pop() ?? new Job(call, server);
    job.call = call;
    job.server = server;
    job.attemptNumber = call.attemptNumber;
    job.gatewayZone = gatewayZone;
    job.workMs = call.workMs;
    job.status = 0;
    job.report = undefined;
    return job;
  }

  giveBack(job: Job): void {
    this.#free.push(job);
  }
}
