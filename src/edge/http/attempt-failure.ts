/**
 * The ways an attempt fails of itself: classified once, here, into what the estimators learn, whether a policy may retry, and
 * what the client is told if nobody does.
 */
import type { OutcomeKind } from "../../model/outcome.ts";
import type { RetryCause } from "../../model/policy.ts";
import type { Refusal } from "../../model/refusal.ts";

export interface AttemptFailure {
  readonly kind: OutcomeKind;
  /** Undefined: never retried. */
  readonly cause: RetryCause | undefined;
  readonly refusal: Refusal;
}

const CONNECT_FAILED = {
  kind: "connect-failure",
  cause: "connect-failure",
  refusal: "connect-failed",
} as const;

const BROKEN = { kind: "broken", cause: "refused-stream", refusal: "endpoint-reset" } as const;

/** What the loss of an attempt's connection means. `answering`: something of an answer may have reached the client. */
export function lostAs(attempt: LostAttempt, answering: boolean): AttemptFailure {
  if (!attempt.isConnected) return FAILED.toConnect;
  return attempt.reused && !answering ? FAILED.toTakeIt : FAILED.toStay;
}

export interface LostAttempt {
  readonly isConnected: boolean;
  /** Its connection was idle in the pool, not opened for it. */
  readonly reused: boolean;
}

export const FAILED = {
  toConnect: CONNECT_FAILED,
  toConnectInTime: { ...CONNECT_FAILED, refusal: "connect-timeout" },
  toAnswerInTime: { kind: "timeout", cause: undefined, refusal: "try-timeout" },
  /** It has answered 503; that answer is what the client gets if there is no other attempt. */
  toServe: { kind: "server-error", cause: "unavailable", refusal: "endpoint-reset" },
  toMakeSense: { kind: "broken", cause: undefined, refusal: "bad-response" },
  /** An endpoint that died, or broke off its answer. */
  toStay: BROKEN,
  /**
   * A pooled connection that ended before an answer: the keep-alive race, most likely. Another attempt is as good as
   * the first, if the request may be replayed at all.
   */
  toTakeIt: { ...BROKEN, kind: "refused" },
} as const satisfies Record<string, AttemptFailure>;
