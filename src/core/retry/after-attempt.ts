/**
 * After an attempt: once more, or done? A pure decision but for the budget, which is asked last and only if all else
 * allows, so that it is charged for retries that happen. A retry after a failed connection is free: the budget protects
 * endpoints from more work than they were asked for, and nothing was asked of the one that could not be reached.
 *
 * What may be sent again (the body wholly in hand in every case):
 * - connect-failure: always. Nothing was sent.
 * - refused-stream (a connection closed before any byte of the response): what is idempotent, RFC 9110
 *   section 9.2.2. The endpoint may have acted before it closed.
 * - unavailable (503): what is idempotent. A 503 does not promise that nothing was done.
 * Once a byte of the response has gone to the client nothing can be taken back.
 */
import type { RetryCause, RetryPolicy } from "../../model/policy.ts";

export interface AttemptFacts {
  /** Attempts made so far, the one that just ended included. */
  readonly attempts: number;
  /** Why the attempt ended, if it is one of the causes that a policy can name. */
  readonly cause: RetryCause | undefined;
  /** A byte of the response has been forwarded to the client. */
  readonly answering: boolean;
  /** Doing it twice is as good as once (replayable.ts). */
  readonly idempotent: boolean;
  /** The request's class of work permits another attempt. */
  readonly allowed: boolean;
  /** The pool may have another retry under way: see concurrency.ts. */
  readonly room: boolean;
  /** Every byte of the request's body is still held (or there is none) and can be sent again. */
  readonly bodyInHand: boolean;
}

/** Public names: they stand in the access log. */
export type DoneReason =
  /** The attempt ended in a way that the policy does not retry; success too. */
  | "not-retriable"
  | "already-answering"
  | "not-allowed"
  | "attempts-spent"
  | "not-replayable"
  /** As many retries as the pool may have are under way. */
  | "retries-full"
  | "budget-spent";

export type NextStep = { readonly kind: "again" } | { readonly kind: "done"; readonly reason: DoneReason };

/** What is asked of a budget. */
export interface Withdrawable {
  tryWithdraw(nowMs: number): boolean;
}

const AGAIN: NextStep = { kind: "again" };
const NOT_RETRIABLE: NextStep = { kind: "done", reason: "not-retriable" };
const ALREADY_ANSWERING: NextStep = { kind: "done", reason: "already-answering" };
const NOT_ALLOWED: NextStep = { kind: "done", reason: "not-allowed" };
const ATTEMPTS_SPENT: NextStep = { kind: "done", reason: "attempts-spent" };
const NOT_REPLAYABLE: NextStep = { kind: "done", reason: "not-replayable" };
const RETRIES_FULL: NextStep = { kind: "done", reason: "retries-full" };
const BUDGET_SPENT: NextStep = { kind: "done", reason: "budget-spent" };

export function afterAttempt(
  policy: RetryPolicy,
  facts: AttemptFacts,
  budget: Withdrawable,
  nowMs: number,
): NextStep {
  const { cause } = facts;
  if (cause === undefined || !policy.retryOn.includes(cause)) return NOT_RETRIABLE;
  if (facts.answering) return ALREADY_ANSWERING;
  if (!facts.allowed) return NOT_ALLOWED;
  if (facts.attempts >= policy.attempts) return ATTEMPTS_SPENT;
  if (!facts.bodyInHand || !safeAgain(cause, facts.idempotent)) return NOT_REPLAYABLE;
  if (!facts.room) return RETRIES_FULL;
  if (cause === "connect-failure") return AGAIN;
  return budget.tryWithdraw(nowMs) ? AGAIN : BUDGET_SPENT;
}

function safeAgain(cause: RetryCause, idempotent: boolean): boolean {
  switch (cause) {
    case "connect-failure":
      return true;
    case "refused-stream":
    case "unavailable":
      return idempotent;
  }
}
