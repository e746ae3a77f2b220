/**
 * The claim of a request that somebody else carries: the endpoint it was picked for, and what that endpoint is seen to do.
 *
 * There is one attempt: whether there is another, and where, the gateway decides, and says where the answer came from.
 * Invariant: a claim that was picked is settled exactly once, by `end`.
 */
import type { PickFacts } from "../core/balance/pick-facts.ts";
import type { InferenceRequest } from "../core/inference/policy/inference-policy.ts";
import type { TokenUsage } from "../model/inference-facts.ts";
import type { LoadReport } from "../model/load-report.ts";
import type { OutcomeKind } from "../model/outcome.ts";
import type { Ticket, Verdict } from "../model/verdict.ts";
import type { AnswerProgress } from "./inference/answer-reading.ts";
import type { LivePool } from "./live-pool.ts";
import type { AttemptRecord } from "./record.ts";

const NONE_TRIED: readonly number[] = Object.freeze([]);

export class CarriedClaim implements PickFacts, AnswerProgress {
  readonly tried = NONE_TRIED;
  readonly hash: number;
  readonly lane: number;
  prompt: InferenceRequest | undefined;
  within: readonly number[] | undefined;
  readonly #pool: LivePool;
  readonly #clock: () => number;
  #ticket: Ticket | undefined;
  /** On the endpoint that was picked first; since then the ticket may be another. */
  #hasMoved = false;
  #isExcused = false;
  #firstByteMs: number | undefined;
  /** Undefined before the first token. */
  firstTokenAtMs: number | undefined;

  constructor(pool: LivePool, hash: number, lane: number, clock: () => number) {
    this.#pool = pool;
    this.hash = hash;
    this.lane = lane;
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.#ticket !== undefined;
  }

  /** Only these may be picked, as `address:port` or as an address alone, which stands for all its ports. */
  confine(addresses: readonly string[]): void {
    const allowed = new Set(addresses);
    const within: number[] = [];
    for (const { key, address } of this.#pool.spec.endpoints) {
      if (!allowed.has(key) && !allowed.has(address) && !allowed.has(`[${address}]`)) continue;
      const slot = this.#pool.brain.slotOf(key);
      if (slot !== undefined) within.push(slot);
    }
    this.within = within;
  }

  /** `isWhole`: all of the request is on its way; otherwise its silence is not the endpoint's until `requestSent`. */
  pick(isWhole: boolean, nowMs: number): Verdict {
    const { brain } = this.#pool;
    const verdict = brain.pick(this, nowMs);
    if (verdict.kind !== "send") return verdict;
    this.#ticket = verdict.ticket;
    if (!isWhole) {
      this.#isExcused = true;
      brain.excuse(verdict.ticket);
    }
    return verdict;
  }

  /** After the pick: up to so many other endpoints, in the order in which they should be tried, as `address:port`. */
  fallbacks(count: number, nowMs: number): readonly string[] {
    const { brain } = this.#pool;
    const found: string[] = [];
    const tried = [this.#ticket!.slot];
    while (found.length < count) {
      const { hash, lane, prompt, within } = this;
      const next = brain.alternative({ hash, lane, prompt, within, tried }, nowMs);
      if (next === undefined) break;
      found.push(next.key);
      tried.push(brain.slotOf(next.key)!);
    }
    return found;
  }

  requestSent(): void {
    if (!this.#isExcused || this.#ticket === undefined) return;
    this.#isExcused = false;
    this.#pool.brain.expect(this.#ticket, this.#clock());
  }

  /** The endpoint that has really served the request, as `address:port`. */
  servedBy(key: string): void {
    const ticket = this.#ticket;
    if (ticket === undefined || ticket.endpoint.key === key) return;
    const moved = this.#pool.brain.moved(ticket, key, this, this.#clock());
    if (moved === undefined) return;
    this.#ticket = moved;
    this.#hasMoved = true;
  }

  answered(status: number, load: LoadReport | undefined, nowMs: number): void {
    const ticket = this.#ticket;
    if (ticket === undefined) return;
    this.#firstByteMs = nowMs - ticket.pickedMs;
    this.#pool.brain.answered(ticket, status, nowMs);
    if (load !== undefined) this.#pool.brain.loadReported(ticket, load, nowMs);
  }

  firstToken(): void {
    const nowMs = this.#clock();
    this.firstTokenAtMs = nowMs;
    // To a policy, a claim that has moved began when that became known, and its first token would seem to come at once.
    if (this.#ticket !== undefined && !this.#hasMoved) this.#pool.brain.firstToken(this.#ticket, nowMs);
  }

  tokens(total: number): void {
    if (this.#ticket !== undefined && !this.#hasMoved)
      this.#pool.brain.tokens(this.#ticket, total, this.#clock());
  }

  /** Settles. Undefined: there is nothing to settle, or no longer. */
  end(
    kind: OutcomeKind,
    status: number,
    usage: TokenUsage | undefined,
    nowMs: number,
  ): AttemptRecord | undefined {
    const ticket = this.#ticket;
    if (ticket === undefined) return undefined;
    this.#ticket = undefined;
    const firstByteMs = this.#firstByteMs;
    const totalMs = nowMs - ticket.pickedMs;
    const { endpoint, decision } = ticket;
    this.#pool.brain.settle(ticket, { kind, status, firstByteMs, totalMs, usage }, nowMs);
    return {
      endpoint: endpoint.key,
      decision,
      outcome: kind,
      status,
      reused: false,
      connectMs: undefined,
      firstByteMs,
      totalMs,
    };
  }
}
