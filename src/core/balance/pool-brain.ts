/**
 * The brain of one pool: picks an endpoint, holds the claim, learns from how it ended.
 *
 * It joins the four questions and answers none itself: who may serve is eligible.ts, who is cheapest is the
 * policy's picker, who holds the claim is tickets.ts, what an end teaches is signals/learn.ts.
 *
 * Synchronous; no clock, no chance of its own: `nowMs` (monotonic, since process start, may have a fraction) is an
 * argument and the generator is given at construction, so the same seed and calls give the same decisions.
 * `pick` and `settle` allocate nothing once the pool has seen its peak of concurrent requests.
 *
 * Invariants: every claim is settled exactly once; in-flight counts are those of open claims; an endpoint's slot
 * is not reused while a claim on it is open.
 */
import type { Outcome } from "../../model/outcome.ts";
import type { BalancingPolicy } from "../../model/policy.ts";
import type { PoolSpec } from "../../model/pool.ts";
import type { Ticket, Verdict } from "../../model/verdict.ts";
import type { Prng } from "../../std/prng.ts";
import { createColumns, type Columns } from "../signals/columns.ts";
import { begin, end, startWaiting, stopWaiting } from "../signals/in-flight.ts";
import { learnEnd, learnLatency } from "../signals/learn.ts";
import { createPicker } from "./create-picker.ts";
import { Eligible } from "./eligible.ts";
import type { EndpointReport, EndpointShare } from "./endpoint-report.ts";
import { Members } from "./members.ts";
import type { Picker } from "./picker.ts";
import { reportEndpoints, shares } from "./report.ts";
import { Tickets, type Claim } from "./tickets.ts";

export interface PickFacts {
  /** Slots tried before by the same exchange, newest last. */
  readonly tried: readonly number[];
}

export const FIRST_TRY: PickFacts = Object.freeze({ tried: Object.freeze([]) as readonly number[] });

const NO_ENDPOINT: Verdict = Object.freeze({ kind: "refuse", reason: "no-endpoint" });
const POOL_FULL: Verdict = Object.freeze({ kind: "refuse", reason: "pool-full" });

export class PoolBrain {
  readonly #prng: Prng;
  readonly #columns: Columns = createColumns();
  readonly #members = new Members(this.#columns);
  readonly #tickets = new Tickets();
  readonly #eligible: Eligible;
  #policy: BalancingPolicy = "Auto";
  #picker: Picker;
  /** Reused by every pick; undefined before the first. */
  #send: { readonly kind: "send"; ticket: Ticket } | undefined = undefined;

  constructor(options: { readonly prng: Prng }) {
    this.#prng = options.prng;
    this.#eligible = new Eligible(this.#columns, { entered() {}, left() {} });
    this.#picker = createPicker(this.#policy, this.#columns, this.#eligible, this.#prng);
    this.#eligible.listen(this.#picker, 0);
  }

  /**
   * Takes over membership and policy. Endpoints present before keep slot, history and health; one that left
   * keeps its slot until its last request ends. Without health checks nobody is unhealthy.
   */
  adopt(spec: PoolSpec, nowMs: number): void {
    const { balancing, connections, healthCheck } = spec.policy;
    if (balancing !== this.#policy) {
      this.#policy = balancing;
      this.#picker = createPicker(balancing, this.#columns, this.#eligible, this.#prng);
      this.#eligible.listen(this.#picker, nowMs);
    }
    this.#members.adopt(spec.endpoints, nowMs);
    if (healthCheck === undefined) this.#columns.healthy.fill(1);
    this.#eligible.refreshAll(this.#members.bound, connections.maxConnections, nowMs);
    // After the refresh: a leaver must be out of the list before its slot is free.
    this.#members.releaseLeavers();
  }

  /** The verdict is valid until the next pick, its ticket until settled. */
  pick(facts: PickFacts, nowMs: number): Verdict {
    const eligible = this.#eligible;
    if (eligible.size === 0) return eligible.anyMayServe ? POOL_FULL : NO_ENDPOINT;
    const slot = this.#picker.choose(facts.tried, nowMs);
    begin(this.#columns, slot, nowMs);
    eligible.filled(slot);
    const endpoint = this.#members.endpointAt(slot);
    const ticket = this.#tickets.issue(endpoint, slot, this.#columns.generation[slot]!, nowMs);
    if (this.#send === undefined) this.#send = { kind: "send", ticket };
    else this.#send.ticket = ticket;
    return this.#send;
  }

  /**
   * The head of the response has come, with this status. Optional, at most once, before `settle`: it ends the
   * request's ageing and teaches its latency at once. Without it a stream or tunnel that lives for minutes
   * is taken, until it ends, for an endpoint that does not answer.
   */
  answered(ticket: Ticket, status: number, nowMs: number): void {
    const claim = this.#tickets.open(ticket);
    claim.answered = true;
    if (!claim.waiting) return;
    this.#stopWaiting(claim);
    // 5xx and 429 come fast from the sick and the overloaded; what they mean is for `settle` to say.
    if (status >= 500 || status === 429) return;
    this.#columns.latencySampleMs[claim.slot] = nowMs - claim.sinceMs;
    this.#learnLatency(claim, nowMs);
  }

  /**
   * The client still owes part of the request: until `expect`, silence is not the endpoint's. Optional, after the
   * pick; without it a slow upload looks like an endpoint that does not answer.
   */
  excuse(ticket: Ticket): void {
    const claim = this.#tickets.open(ticket);
    if (claim.waiting) this.#stopWaiting(claim);
  }

  /** After `excuse`: the request has gone out whole, and the endpoint owes the answer from now on. */
  expect(ticket: Ticket, nowMs: number): void {
    const claim = this.#tickets.open(ticket);
    if (claim.waiting || claim.answered) return;
    claim.sinceMs = nowMs;
    claim.waiting = true;
    startWaiting(this.#columns, claim.slot, nowMs);
  }

  /** Exactly once per ticket; a second time throws. */
  settle(ticket: Ticket, outcome: Outcome, nowMs: number): void {
    const claim = this.#tickets.open(ticket);
    const columns = this.#columns;
    const slot = claim.slot;
    if (columns.generation[slot] !== claim.generation)
      throw new Error(`slot ${slot} changed hands under a claim`);
    const answered = !claim.waiting || outcome.firstByteMs !== undefined;
    if (claim.waiting) this.#stopWaiting(claim);
    if (outcome.kind === "success" && !claim.learned) {
      columns.latencySampleMs[slot] = outcome.firstByteMs ?? outcome.totalMs;
      this.#learnLatency(claim, nowMs);
    }
    end(columns, slot);
    learnEnd(columns, slot, outcome, answered, nowMs);
    this.#picker.ended(slot, outcome, nowMs);
    this.#tickets.redeem(claim);
    if (this.#members.mayRelease(slot)) this.#members.release(slot);
    else this.#eligible.drained(slot, nowMs);
  }

  /** Long-run share each endpoint would get now. Sums to 1 while somebody may serve, whatever their room. */
  weigh(nowMs: number): readonly EndpointShare[] {
    return shares(this.#columns, this.#members, this.#eligible, this.#picker, nowMs);
  }

  /** The verdict of active health checking. An unknown key is ignored: probes outlive endpoints. */
  setHealthy(key: string, healthy: boolean, nowMs: number): void {
    const slot = this.#members.slotOf(key);
    if (slot === undefined) return;
    const before = this.#columns.healthy[slot]!;
    const after = healthy ? 1 : 0;
    if (before === after) return;
    this.#columns.healthy[slot] = after;
    this.#eligible.healthChanged(slot, this.#members.bound, before, nowMs);
  }

  report(nowMs: number): readonly EndpointReport[] {
    return reportEndpoints(this.#columns, this.#members, this.#eligible, this.#picker, nowMs);
  }

  #stopWaiting(claim: Claim): void {
    claim.waiting = false;
    stopWaiting(this.#columns, claim);
  }

  #learnLatency(claim: Claim, nowMs: number): void {
    claim.learned = true;
    learnLatency(this.#columns, claim.slot, nowMs);
    this.#picker.answered(claim.slot, nowMs);
  }
}
