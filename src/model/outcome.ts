/**
 * How an attempt on an endpoint ended: what `settle` learns from.
 *
 * Failures of the world are classified into this once, at the edge.
 */
import type { TokenUsage } from "./inference-facts.ts";

export type OutcomeKind =
  /** A complete response below 500 (or a tunnel that was opened). */
  | "success"
  /** The endpoint answered 429: load, never illness. */
  | "overloaded"
  /** The endpoint answered 5xx. */
  | "server-error"
  /** No connection: refused, unreachable or timed out. Nothing was sent. */
  | "connect-failure"
  /** The endpoint closed a reused connection before it answered: the keep-alive race, or a refusal. */
  | "refused"
  /** The connection broke, or spoke nonsense, after the request was sent. */
  | "broken"
  /** No response head in the time of one attempt, or none of the whole in the time of the exchange. */
  | "timeout"
  /** The client left, or the gateway ended the exchange for its own reasons: says nothing of the endpoint. */
  | "cancelled";

export interface Outcome {
  readonly kind: OutcomeKind;
  /** Response status, or 0 where none came. */
  readonly status: number;
  /** From the pick to the response's first byte; undefined where none came. */
  readonly firstByteMs: number | undefined;
  /** From the pick to the end of the attempt. */
  readonly totalMs: number;
  /** Of a prompt that was answered, as far as the endpoint told. */
  readonly usage?: TokenUsage | undefined;
}

/** Whether the outcome speaks against the endpoint. */
export function isFailure(kind: OutcomeKind): boolean {
  switch (kind) {
    case "success":
    case "overloaded":
    case "cancelled":
      return false;
    case "server-error":
    case "connect-failure":
    case "refused":
    case "broken":
    case "timeout":
      return true;
  }
}

/** What a complete response of that status says of the endpoint. */
export function outcomeOfStatus(status: number): OutcomeKind {
  if (status === 429) return "overloaded";
  return status >= 500 ? "server-error" : "success";
}
