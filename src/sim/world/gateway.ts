/**
 * A simulated gateway: the core's own pool, brain and retry rule, with virtual messages where the real one has sockets.
 *
 * It follows the request line of edge/http: pick, send, answer, perhaps again, settle exactly once. A request
 * ends answered, refused, timed out, or cancelled because its client has left.
 */
import type { LivePool } from "../../app/live-pool.ts";
import { afterAttempt } from "../../core/retry/after-attempt.ts";
import { isIdempotent } from "../../core/retry/replayable.ts";
import type { Endpoint } from "../../model/endpoint.ts";
import type { LoadReport } from "../../model/load-report.ts";
import { outcomeOfStatus, type OutcomeKind } from "../../model/outcome.ts";
import type { RetryCause } from "../../model/policy.ts";
import type { PoolSpec } from "../../model/pool.ts";
import type { Ticket } from "../../model/verdict.ts";
import { BROKEN, REFUSED, type Call, type Job, type Jobs, type Serving } from "./call.ts";
import { DeadlineLine } from "./deadline-line.ts";
import { Door } from "./door.ts";
import type { Engine } from "./engine.ts";
import type { Network } from "./network.ts";
import type { Placed } from "./fleet.ts";

/** How a try ended: with a good answer, with a bad one passed on to the client, or with none. */
export type Ending = "ok" | "timeout" | "error" | "overloaded" | "refused" | "unfinished";

export interface GatewayContext {
  readonly engine: Engine;
  readonly network: Network;
  readonly jobs: Jobs;
  readonly method: string;
  /** An attempt leaves for a server. */
  readonly sent: (call: Call, server: Serving) => void;
  readonly ended: (call: Call, ending: Ending) => void;
  /** What the answer says of its endpoint's load. */
  readonly report: (gateway: Gateway, job: Job) => void;
}

const TRY = (call: Call): number => call.tryNumber;
const ATTEMPT = (call: Call): number => call.attemptNumber;

export class Gateway {
  readonly zone: number;
  readonly pool: LivePool;
  readonly #context: GatewayContext;
  readonly #door: Door;
  readonly #requestDeadlines: DeadlineLine;
  readonly #tryDeadlines: DeadlineLine;
  readonly #connectDeadlines: DeadlineLine;

  constructor(pool: LivePool, zone: number, context: GatewayContext) {
    this.pool = pool;
    this.zone = zone;
    this.#context = context;
    const { engine } = context;
    const { timeouts, retries, connections } = pool.spec.policy;
    this.#door = new Door(pool, engine, {
      enter: (call) => this.#enter(call),
      refuse: (call) => this.#end(call, "refused"),
    });
    this.#requestDeadlines = new DeadlineLine(engine, timeouts.requestMs, TRY, (call) =>
      this.#timedOut(call),
    );
    this.#tryDeadlines = new DeadlineLine(engine, retries.perTryTimeoutMs, ATTEMPT, (call) =>
      this.#timedOut(call),
    );
    this.#connectDeadlines = new DeadlineLine(engine, connections.connectTimeoutMs, ATTEMPT, (call) =>
      this.#failed(call, "connect-failure", "connect-failure"),
    );
  }

  adopt(spec: PoolSpec): void {
    this.pool.adopt(spec, [], this.#context.engine.nowMs);
  }

  setHealthy(key: string, healthy: boolean): void {
    this.pool.brain.setHealthy(key, healthy, this.#context.engine.nowMs);
  }

  /** A health check has passed. */
  checkPassed(key: string): void {
    this.pool.brain.checkPassed(key, this.#context.engine.nowMs);
  }

  /** Once a second: judgements that must not wait for the next request. */
  tick(): void {
    const { nowMs } = this.#context.engine;
    this.pool.brain.judge(nowMs);
    this.pool.brain.rebalance(nowMs);
  }

  /** An endpoint's report of its load, under its key or an open claim. */
  hear(of: Ticket | string, report: LoadReport): void {
    this.pool.brain.loadReported(of, report, this.#context.engine.nowMs);
  }

  probesWanted(): readonly Endpoint[] {
    return this.pool.brain.probesWanted();
  }

  /** Those who wait at the door are looked at. */
  tickDoor(): void {
    this.#door.tick();
  }

  /** Without limits the door needs no looking after. */
  get hasDoor(): boolean {
    return Number.isFinite(this.pool.admission.limit);
  }

  begin(call: Call): void {
    call.attempts = 0;
    call.last.kind = "cancelled";
    call.last.status = 0;
    if (call.tried.length > 0) call.tried.length = 0;
    this.#requestDeadlines.begin(call);
    this.#door.arrive(call);
  }

  /** The client has left. */
  cancel(call: Call): void {
    this.#settle(call, "cancelled", 0);
    this.#door.leave(call);
  }

  #enter(call: Call): void {
    this.pool.budget.deposit(this.#context.engine.nowMs);
    this.#attempt(call);
  }

  /** An answer, or the news that there will be none, has reached the gateway. */
  receive(job: Job): void {
    const { call, status } = job;
    const { wanted } = job;
    if (wanted) this.#context.report(this, job);
    this.#context.jobs.giveBack(job);
    if (!wanted) return;
    if (status === REFUSED) this.#failed(call, "connect-failure", "connect-failure");
    else if (status === BROKEN) this.#failed(call, "broken", "refused-stream");
    else this.#answered(call, status);
  }

  #attempt(call: Call): void {
    const { engine, network, jobs, sent } = this.#context;
    const verdict = this.pool.brain.pick(call, engine.nowMs);
    if (verdict.kind !== "send") {
      this.#door.leave(call);
      this.#end(call, "refused");
      return;
    }
    const { server } = verdict.ticket.endpoint as Placed;
    call.ticket = verdict.ticket;
    call.server = server;
    if (++call.attempts > 1) this.pool.retries.begin();
    call.attemptsInAll++;
    call.attemptNumber++;
    server.openAttempts++;
    sent(call, server);
    this.#tryDeadlines.begin(call);
    if (server.condition.swallows) this.#connectDeadlines.begin(call);
    network.send(jobs.take(call, server, this.zone));
  }

  #answered(call: Call, status: number): void {
    const { nowMs } = this.#context.engine;
    this.pool.brain.answered(call.ticket!, status, nowMs);
    if (status === 503 && this.#mayGoOn(call, "unavailable")) {
      this.#again(call, "server-error", status);
      return;
    }
    const kind = outcomeOfStatus(status);
    if (kind === "success") this.#door.answered(call);
    this.#finish(
      call,
      kind,
      status,
      kind === "success" ? "ok" : kind === "overloaded" ? "overloaded" : "error",
    );
  }

  #failed(call: Call, kind: OutcomeKind, cause: RetryCause): void {
    if (this.#mayGoOn(call, cause)) {
      this.#again(call, kind, 0);
      return;
    }
    this.#finish(call, kind, 0, "error");
  }

  /** The budget has paid for it. */
  #again(call: Call, kind: OutcomeKind, status: number): void {
    call.tried.push(call.ticket!.slot);
    this.#settle(call, kind, status);
    this.#attempt(call);
  }

  #timedOut(call: Call): void {
    this.#finish(call, "timeout", 0, "timeout");
  }

  /** The request is over: its attempt, its place inside, its client's try, in this order. */
  #finish(call: Call, kind: OutcomeKind, status: number, ending: Ending): void {
    this.#settle(call, kind, status);
    this.#door.leave(call);
    this.#end(call, ending);
  }

  #end(call: Call, ending: Ending): void {
    this.#context.ended(call, ending);
  }

  #mayGoOn(call: Call, cause: RetryCause): boolean {
    const { method, engine } = this.#context;
    const { budget, retries, spec } = this.pool;
    const facts = {
      attempts: call.attempts,
      cause,
      answering: false,
      allowed: true,
      room: retries.hasRoom(spec.policy.circuitBreaker.maxRetries),
      idempotent: isIdempotent(method),
      bodyInHand: true,
    };
    return afterAttempt(spec.policy.retries, facts, budget, engine.nowMs).kind === "again";
  }

  #settle(call: Call, kind: OutcomeKind, status: number): void {
    const ticket = call.ticket;
    if (ticket === undefined) return;
    const { nowMs } = this.#context.engine;
    const totalMs = nowMs - ticket.pickedMs;
    call.ticket = undefined;
    call.last.kind = kind;
    call.last.status = status;
    call.attemptNumber++;
    if (call.attempts > 1) this.pool.retries.end();
    call.server!.openAttempts--;
    const firstByteMs = status > 0 ? totalMs : undefined;
    this.pool.brain.settle(ticket, { kind, status, firstByteMs, totalMs }, nowMs);
  }
}
