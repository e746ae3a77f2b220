/**
 * Why an endpoint was chosen, as plain data: for `plimsoll explain`, the admin interface and tests.
 *
 * Made only when asked for. Every number names its unit; every reason is from a closed list with a public name.
 */

/** How the decision fell. The order is part of the record kept on the hot path: append only. */
export const DECISION_REASONS = [
  /** No decision recorded. */
  "none",
  /** Nobody else was there, or drawn, to compare with. */
  "only-candidate",
  /** Its turn. */
  "turn",
  /** Drawn by chance alone. */
  "random",
  /** Of two, the one with fewer requests in flight for its weight. */
  "fewer-in-flight",
  /** Of those that were compared, the one where the next request costs less. */
  "lower-cost",
  /** Seldom measured, so that its estimate stays true. */
  "explored",
  /** The key's own endpoint. */
  "key",
  /** The key's own endpoint may not serve or is above the bound; the next place the key leads to. */
  "key-moved",
  /** Prequal: the fastest of those that are not hot. */
  "cold-fastest",
  /** Prequal: all are hot; the one with the fewest requests in flight. */
  "all-hot",
  /** Prequal: fewer than two probes. */
  "few-probes",
  /** Ejected or failing its checks until now: sent one request to prove itself. */
  "trial",
  /** Who carries the request has sent it there, and not where it was picked to go. */
  "moved",
  /** A prompt: several cost practically the same, and its beginning, or its session, belongs to this one of them. */
  "alike",
] as const;
export type DecisionReason = (typeof DECISION_REASONS)[number];

/** Why an endpoint did not stand for choice. */
export type FilterReason =
  | "leaving"
  | "draining"
  | "unhealthy"
  | "ejected"
  | "full"
  | "tried"
  | "other-group"
  | "other-class"
  /** Model servers: reserved for another stage of prompts, or for prompts of another length. */
  | "other-stage"
  | "other-length";

/** So many candidates for a prompt are told with their scores. */
export const CANDIDATES_TOLD = 8;

/** A number that went into a score. */
export interface Factor {
  readonly name: string;
  readonly value: number;
  /** `ms`, `requests`, `tokens`, `1/s`, or empty for a plain number. */
  readonly unit: string;
}

export interface ExplainedCandidate {
  readonly key: string;
  readonly displayName: string | undefined;
  readonly zone: string | undefined;
  /** As compared: lower wins. Undefined where the policy compared nothing. */
  readonly score: number | undefined;
  readonly factors: readonly Factor[];
}

export interface FilteredEndpoint {
  readonly key: string;
  readonly reason: FilterReason;
}

export interface Explanation {
  readonly policy: string;
  /** What carries the policy out where that is not the policy itself, and why; undefined otherwise. */
  readonly carriedOutBy: { readonly policy: string; readonly because: string } | undefined;
  /** Health is ignored because too few are healthy. */
  readonly panic: boolean;
  /** Zone and priority the choice was made in; undefined where the pool is not divided. */
  readonly group: { readonly priority: number; readonly zone: string; readonly share: number } | undefined;
  /** How many stood for choice. */
  readonly eligible: number;
  readonly filtered: readonly FilteredEndpoint[];
  /**
   * Whose scores are told: the chosen one, and the other of two or the next best of more. Of a prompt: the CANDIDATES_TOLD best, best
   * first, and the chosen one should it not be among them.
   */
  readonly considered: readonly ExplainedCandidate[];
  /** Keys of all that were compared; empty: nobody was. */
  readonly compared: readonly string[];
  /** Undefined: the pick is refused. */
  readonly chosen: string | undefined;
  readonly refused: "no-endpoint" | "pool-full" | undefined;
  readonly reason: DecisionReason;
  /** The next numbers of the generator: what the draws were made from. */
  readonly chance: readonly number[];
}

/** A decision of the past, as far as the record tells. */
export interface RecordedDecision {
  /** As on the ticket. */
  readonly id: number;
  readonly atMs: number;
  /** Attempts of the same request before this one. */
  readonly tried: number;
  readonly chosen: string;
  readonly reason: DecisionReason;
  /** As in an explanation. */
  readonly considered: readonly { readonly key: string; readonly score: number | undefined }[];
  /** How many were compared; 0: nobody was. */
  readonly compared: number;
  /** Undefined: the request was no prompt. */
  readonly prompt: RecordedPrompt | undefined;
}

/** A prompt as it was expected to fare where it was sent. */
export interface RecordedPrompt {
  readonly promptTokens: number;
  /** Of them, thought to be in the endpoint's cache. */
  readonly cachedTokens: number;
  /** Time to the first token. */
  readonly ttftMs: number;
}
