/**
 * The brain of one pool: picks an endpoint, holds the claim, learns from how it ended.
 *
 * It joins the four questions and answers none itself: who may serve is eligible.ts, who is cheapest is the
 * policy's picker (one of each per lane, lanes.ts), who holds the claim is tickets.ts, what an end teaches is signals/learn.ts, whom it condemns is
 * health/pool-health.ts.
 *
 * Synchronous; no clock, no chance of its own: `nowMs` (monotonic, since process start, may have a fraction) is an
 * argument and the generator is given at construction, so the same seed and calls give the same decisions.
 * `pick` and `settle` allocate nothing once the pool has seen its peak of concurrent requests.
 *
 * Invariants: every claim is settled exactly once; in-flight counts are those of open claims; an endpoint's slot
 * is not reused while a claim on it is open.
 */
import type { Endpoint } from "../../model/endpoint.ts";
import type { Explanation } from "../../model/explanation.ts";
import type { LaneSpec } from "../../model/lane.ts";
import type { LoadReport } from "../../model/load-report.ts";
import type { Outcome } from "../../model/outcome.ts";
import type { PoolSpec } from "../../model/pool.ts";
import type { Ticket, Verdict } from "../../model/verdict.ts";
import { ModelServers } from "../inference/model-servers.ts";
import type { Prng } from "../../std/prng.ts";
import { PoolHealth, type HealthEvent } from "../health/pool-health.ts";
import { createColumns, type Columns } from "../signals/columns.ts";
import { begin, end, startWaiting, stopWaiting } from "../signals/in-flight.ts";
import { learnEnd, learnLatency } from "../signals/learn.ts";
import { takeReport } from "../signals/load.ts";
import { wellness } from "./eligible.ts";
import type { Chooser } from "./chooser.ts";
import type { EndpointReport, EndpointShare } from "./endpoint-report.ts";
import { explainPick } from "./explain.ts";
import { Lanes } from "./lanes.ts";
import { Members } from "./members.ts";
import { NO_HASH, type PickFacts } from "./pick-facts.ts";
import { RecentDecisions } from "./recent.ts";
import { reportEndpoints, shares } from "./report.ts";
import { Tickets, type Claim } from "./tickets.ts";
import { BY_CARRIER, BY_TRIAL } from "./trace.ts";
import { chooseWithin, fitWithin } from "./within.ts";

const NO_LANES: readonly LaneSpec[] = [];

const NOBODY = -1;

const NO_ENDPOINT: Verdict = Object.freeze({ kind: "refuse", reason: "no-endpoint" });
const POOL_FULL: Verdict = Object.freeze({ kind: "refuse", reason: "pool-full" });

export interface PoolBrainOptions {
  readonly prng: Prng;
  /** `topology.kubernetes.io/zone` of this gateway; left out: no zone is preferred. */
  readonly localZone?: string | undefined;
}

export class PoolBrain {
  readonly #prng: Prng;
  readonly #columns: Columns = createColumns();
  readonly #members = new Members(this.#columns);
  readonly #tickets = new Tickets();
  /** Told and asked of prompts; idle in a pool that has no model servers. */
  readonly servers: ModelServers;
  readonly #lanes: Lanes;
  readonly #health: PoolHealth;
  /** What was decided lately, by the number on the ticket. */
  readonly recent: RecentDecisions = new RecentDecisions();
  /** Reused by every pick; undefined before the first. */
  #send: { readonly kind: "send"; ticket: Ticket } | undefined = undefined;

  constructor(options: PoolBrainOptions) {
    this.#prng = options.prng;
    this.servers = new ModelServers(this.#columns, this.#members, options.prng);
    this.#lanes = new Lanes({
      columns: this.#columns,
      members: this.#members,
      prng: this.#prng,
      localZone: options.localZone,
      inference: () => this.servers.world,
    });
    this.#health = new PoolHealth(this.#columns, this.#lanes, this.#prng);
  }

  /**
   * Takes over membership and policy. Endpoints present before keep slot, history and health; one that left
   * keeps its slot until its last request ends. Without health checks nobody is unhealthy.
   * `lanes`: what classes of work use of the pool; a pick names one by its place in the list, counted from 1.
   */
  adopt(spec: PoolSpec, nowMs: number, lanes: readonly LaneSpec[] = NO_LANES): void {
    const { connections, healthCheck } = spec.policy;
    this.#lanes.adopt(spec.policy, lanes, nowMs);
    const running = this.#lanes.present > 0;
    this.#members.adopt(spec.endpoints, nowMs);
    this.servers.adopt(spec.inference, this.#members.bound, nowMs);
    if (healthCheck === undefined) this.#columns.healthy.fill(1);
    this.#lanes.refreshAll(this.#members.bound, connections.maxConnections, nowMs);
    this.#health.adopt(spec.policy, running, this.#members.bound, nowMs);
    // After the refresh: a leaver must be out of the lists before its slot is free.
    for (const slot of this.#members.releaseLeavers()) this.servers.released(slot);
    this.#lanes.settle(nowMs);
  }

  /** The verdict is valid until the next pick, its ticket until settled. */
  pick(facts: PickFacts, nowMs: number): Verdict {
    if (nowMs >= this.#health.due[0]!) this.#health.judge(nowMs);
    const lane = this.#lanes.at(facts.lane);
    if (lane === undefined) return NO_ENDPOINT;
    const { eligible, chooser } = lane;
    if (eligible.size === 0) return eligible.anyMayServe ? POOL_FULL : NO_ENDPOINT;
    const { within } = facts;
    let slot = NOBODY;
    if (within !== undefined) {
      const fit = fitWithin(eligible, within);
      if (fit !== "some") return fit === "full" ? POOL_FULL : NO_ENDPOINT;
      slot = chooseWithin(chooser, eligible, this.#columns, { ...facts, within }, nowMs);
    } else if (nowMs >= this.#health.trialDue[0]! && facts.tried.length === 0)
      slot = this.#trial(facts, nowMs);
    if (slot < 0) slot = chooser.choose(facts, nowMs);
    if (facts.fresh === true && facts.tried.includes(slot)) return NO_ENDPOINT;
    const ticket = this.#claim(slot, chooser, facts, nowMs, nowMs);
    if (this.#send === undefined) this.#send = { kind: "send", ticket };
    else this.#send.ticket = ticket;
    return this.#send;
  }

  /**
   * Where the request should go if those in `facts.tried` do not take it. Nothing is claimed; undefined: nobody else may
   * serve it.
   */
  alternative(facts: PickFacts, nowMs: number): Endpoint | undefined {
    const { eligible, chooser } = this.#lanes.at(facts.lane) ?? this.#lanes.main;
    const { within, tried } = facts;
    if (eligible.size === 0 || (within !== undefined && fitWithin(eligible, within) !== "some"))
      return undefined;
    const slot =
      within === undefined
        ? chooser.choose(facts, nowMs)
        : chooseWithin(chooser, eligible, this.#columns, { ...facts, within }, nowMs);
    return tried.includes(slot) ? undefined : this.#members.endpointAt(slot);
  }

  /**
   * Whoever carries the request has sent it to another endpoint than was picked: `ticket` is settled as given up, and the
   * claim is on that one, with the age of the old. Undefined: the endpoint is none of the pool's, or the one that was
   * picked, and the ticket stays as it is.
   */
  moved(ticket: Ticket, key: string, facts: PickFacts, nowMs: number): Ticket | undefined {
    const slot = this.#members.slotOf(key);
    if (slot === undefined || slot === ticket.slot) return undefined;
    const { pickedMs } = this.#tickets.open(ticket);
    const totalMs = nowMs - pickedMs;
    this.settle(ticket, { kind: "cancelled", status: 0, firstByteMs: undefined, totalMs }, nowMs);
    const { chooser } = this.#lanes.at(facts.lane) ?? this.#lanes.main;
    chooser.trace.single(slot, BY_CARRIER);
    return this.#claim(slot, chooser, facts, pickedMs, nowMs);
  }

  #claim(slot: number, chooser: Chooser, facts: PickFacts, sinceMs: number, nowMs: number): Claim {
    begin(this.#columns, slot, sinceMs);
    this.#lanes.filled(slot);
    const endpoint = this.#members.endpointAt(slot);
    const ticket = this.#tickets.issue(endpoint, slot, this.#columns.generation[slot]!, sinceMs);
    ticket.decision = this.recent.note(endpoint, chooser.trace, this.#members, facts.tried.length, nowMs);
    if (facts.prompt !== undefined) {
      this.servers.sent(ticket, facts.prompt, nowMs);
      this.recent.notePrompt(ticket.decision, facts.prompt.attempt);
    }
    return ticket;
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

  /** The first token of a prompt's answer has come. At most once, between the pick and `settle`. */
  firstToken(ticket: Ticket, nowMs: number): void {
    this.servers.firstToken(this.#tickets.open(ticket), nowMs);
  }

  /** `total`: tokens of a prompt's answer so far, the first included; as often as the caller likes. */
  tokens(ticket: Ticket, total: number, nowMs: number): void {
    this.servers.tokens(this.#tickets.open(ticket), total, nowMs);
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
    this.#lanes.ended(slot, outcome, nowMs);
    this.#health.ended(slot, outcome, claim, answered, nowMs);
    if (claim.told !== undefined) this.servers.ended(claim, outcome, nowMs);
    this.#tickets.redeem(claim);
    if (this.#members.mayRelease(slot)) {
      this.#members.release(slot);
      this.servers.released(slot);
    } else this.#lanes.drained(slot, nowMs);
  }

  /** Long-run share each endpoint would get now. Sums to 1 while somebody may serve, whatever their room. */
  weigh(nowMs: number): readonly EndpointShare[] {
    const { eligible, chooser } = this.#lanes.main;
    return shares(this.#columns, this.#members, eligible, chooser.picker, nowMs);
  }

  /** The slot of the endpoint, for those who tell `servers` of it; undefined: it is not, or no longer, a member. */
  slotOf(key: string): number | undefined {
    return this.#members.slotOf(key);
  }

  /** The verdict of active health checking. An unknown key is ignored: probes outlive endpoints. */
  setHealthy(key: string, healthy: boolean, nowMs: number): void {
    const slot = this.#members.slotOf(key);
    if (slot === undefined) return;
    const after = healthy ? 1 : 0;
    if (this.#columns.healthy[slot] === after) return;
    const before = wellness(this.#columns, slot);
    this.#columns.healthy[slot] = after;
    if (healthy) this.#health.recovered(slot, nowMs);
    this.#lanes.wellnessChanged(slot, before, nowMs);
  }

  /** One active check of the endpoint has passed: it may bring forward the trial of one who is ejected. */
  checkPassed(key: string, nowMs: number): void {
    const slot = this.#members.slotOf(key);
    if (slot !== undefined) this.#health.checkPassed(slot, nowMs);
  }

  /**
   * An endpoint has said how loaded it is: on an answer (its open ticket), to a probe or through a scrape (its key).
   * An unknown key is ignored: reports outlive endpoints.
   */
  loadReported(of: Ticket | string, report: LoadReport, nowMs: number): void {
    const slot = typeof of === "string" ? this.#members.slotOf(of) : this.#tickets.open(of).slot;
    if (slot === undefined) return;
    takeReport(this.#columns.load, slot, report, nowMs);
    this.#lanes.reported(slot, nowMs);
  }

  /**
   * Endpoints that should be asked for their load now; ask again every 10 ms or so while there is traffic. The answer to
   * a probe goes to `loadReported` under the endpoint's key; one that does not come within a second is worth nothing.
   */
  probesWanted(): readonly Endpoint[] {
    return this.#lanes.probesWanted().map((slot) => this.#members.endpointAt(slot));
  }

  /** About once a second: the policy's slower work. A pick does it if nobody has for 2 s. */
  rebalance(nowMs: number): void {
    this.#lanes.rebalance(nowMs);
  }

  /**
   * What a pick for these facts would decide now, and why. Nothing is picked, counted or drawn. `prng`: the generator
   * as it will stand by then, if others draw from it before; copied, not moved.
   */
  explain(facts: PickFacts, nowMs: number, prng: Prng = this.#prng): Explanation {
    return explainPick(
      {
        columns: this.#columns,
        ...(this.#lanes.at(facts.lane) ?? this.#lanes.main),
        members: this.#members,
        prng,
      },
      facts,
      nowMs,
    );
  }

  /** Judges endpoints by their peers, when due. `pick` does it too; ticking keeps idle pools right. */
  judge(nowMs: number): void {
    if (nowMs >= this.#health.due[0]!) this.#health.judge(nowMs);
  }

  /** Ejections, failed trials and returns since the last call, of endpoints that are still there; for logs and metrics. */
  takeHealthEvents(): readonly (HealthEvent & { readonly endpoint: Endpoint })[] {
    const { generation } = this.#columns;
    return this.#health
      .takeEvents()
      .filter(({ slot, ejection }) => generation[slot] === ejection.generation)
      .map((event) => ({ ...event, endpoint: this.#members.endpointAt(event.slot) }));
  }

  /** How many are ejected now. */
  get ejectedCount(): number {
    return this.#health.ejectedCount;
  }

  report(nowMs: number): readonly EndpointReport[] {
    const ejectionOf = (slot: number) => this.#health.ejectionOf(slot);
    const { eligible, chooser } = this.#lanes.main;
    return reportEndpoints(this.#columns, this.#members, eligible, chooser.picker, ejectionOf, nowMs);
  }

  /** Somebody who should prove itself by this request, or NOBODY. A first attempt only: one that failed before has risked enough. */
  #trial(facts: PickFacts, nowMs: number): number {
    const { eligible, chooser } = this.#lanes.at(facts.lane) ?? this.#lanes.main;
    const slot = this.#health.takeTrial(
      (each) => eligible.hasRoom(each),
      (facts.hash ?? NO_HASH) !== NO_HASH,
      nowMs,
    );
    if (slot >= 0) chooser.trace.single(slot, BY_TRIAL);
    return slot;
  }

  #stopWaiting(claim: Claim): void {
    claim.waiting = false;
    stopWaiting(this.#columns, claim);
  }

  #learnLatency(claim: Claim, nowMs: number): void {
    claim.learned = true;
    learnLatency(this.#columns, claim.slot, nowMs);
    this.#health.answered(claim.slot, claim, nowMs);
    this.#lanes.answered(claim.slot, nowMs);
  }
}
