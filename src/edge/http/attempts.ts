/**
 * The tries of one exchange: picks an endpoint for each, decides after each whether there is another, settles each.
 *
 * Invariants: at most one attempt is open; each is ended, and so settled, exactly once.
 */
import type { LivePool } from "../../app/live-pool.ts";
import type { TrafficMetrics } from "../../app/metrics/traffic.ts";
import type { ExchangeNotes } from "../../app/record.ts";
import type { PickFacts } from "../../core/balance/pool-brain.ts";
import { afterAttempt, type AttemptFacts } from "../../core/retry/after-attempt.ts";
import type { OutcomeKind } from "../../model/outcome.ts";
import type { Verdict } from "../../model/verdict.ts";
import { Attempt, type Parting } from "./attempt.ts";
import type { ResponseReceiver } from "./endpoint-connection.ts";
import type { Upstreams } from "./upstreams.ts";

export class Attempts implements PickFacts {
  readonly pool: LivePool;
  /** Slots tried, newest last. */
  readonly tried: number[] = [];
  open: Attempt | undefined;
  readonly #notes: ExchangeNotes;
  readonly #metrics: TrafficMetrics;
  readonly #tryMs: number;

  /** `tryMs`: to a response's head, 0 = no limit. */
  constructor(pool: LivePool, tryMs: number, notes: ExchangeNotes, metrics: TrafficMetrics) {
    this.pool = pool;
    this.#tryMs = tryMs;
    this.#notes = notes;
    this.#metrics = metrics;
  }

  /** The policy allows no attempt after the one that is open. */
  get last(): boolean {
    return this.#notes.attempts.length + 1 >= this.pool.spec.policy.retries.attempts;
  }

  begin(upstreams: Upstreams, receiver: ResponseReceiver, nowMs: number): Verdict {
    const verdict = this.pool.brain.pick(this, nowMs);
    if (verdict.kind === "send") {
      this.open = new Attempt(this.pool, verdict.ticket, this.#tryMs, upstreams, receiver);
    }
    return verdict;
  }

  /** Asked while the attempt is still open. True: the budget has paid for another. */
  mayGoOn(facts: Omit<AttemptFacts, "attempts">, nowMs: number): boolean {
    const { budget, spec } = this.pool;
    const attempts = this.#notes.attempts.length + 1;
    const step = afterAttempt(spec.policy.retries, { ...facts, attempts }, budget, nowMs);
    if (step.kind === "again") {
      this.#metrics.retried(facts.cause!);
      return true;
    }
    this.#notes.retryStop = step.reason;
    if (step.reason === "budget-spent") this.#metrics.retryWithheld();
    return false;
  }

  /** Harmless where none is open. */
  end(kind: OutcomeKind, status: number, parting: Parting, nowMs: number): void {
    const attempt = this.open;
    if (attempt === undefined) return;
    this.open = undefined;
    this.tried.push(attempt.ticket.slot);
    this.#notes.attempts.push(attempt.end(kind, status, nowMs, parting));
  }
}
