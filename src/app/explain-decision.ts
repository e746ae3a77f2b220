/**
 * Decisions of the past, from the rings of the pools: one by its id, or the newest.
 *
 * An id is `namespace/service:port/number`: the pool, and the number that the pool gave the decision (the log's
 * `decision`). Numbers count from 1 for each pool and begin again with the process, so the answer says when it was.
 */
import { DECISIONS_KEPT } from "../core/balance/recent.ts";
import type { DecisionReason, RecordedDecision, RecordedPrompt } from "../model/explanation.ts";
import { becauseOf } from "./explain-reason.ts";
import type { LivePool } from "./live-pool.ts";
import type { View } from "./view.ts";

export interface PastDecision {
  readonly id: string;
  readonly pool: string;
  /** ISO 8601. */
  readonly at: string;
  readonly ageMs: number;
  /** Attempts of the same request before this one. */
  readonly tried: number;
  readonly chosen: string;
  readonly reason: DecisionReason;
  readonly because: string;
  readonly considered: readonly ConsideredThen[];
  /** Undefined: it was none. */
  readonly prompt: RecordedPrompt | undefined;
}

export interface ConsideredThen {
  readonly key: string;
  /** As it is called now; undefined where it has left, or has no name. */
  readonly displayName: string | undefined;
  readonly score: number | undefined;
}

/** The same moment on the gateway's clock and on the wall. */
export interface Moment {
  readonly nowMs: number;
  readonly dateMs: number;
}

export type FoundDecision =
  | { readonly kind: "found"; readonly decision: PastDecision }
  | { readonly kind: "malformed" | "unknown"; readonly error: string; readonly expected: string };

export const DECISION_ID_FORM = "NAMESPACE/SERVICE:PORT/NUMBER";

function decisionId(pool: string, number: number): string {
  return `${pool}/${number}`;
}

export function findDecision(view: View, id: string, moment: Moment): FoundDecision {
  const match = /^(.+)\/([0-9]{1,10})$/.exec(id);
  if (match === null) {
    return { kind: "malformed", error: `${id} is not the id of a decision`, expected: DECISION_ID_FORM };
  }
  const pool = view.pools.get(match[1]!);
  if (pool === undefined) {
    const expected = `one of ${[...view.pools.keys()].join(", ")}`;
    return { kind: "unknown", error: `there is no pool ${match[1]}`, expected };
  }
  const number = Number(match[2]);
  const decision = pool.brain.recent.find(number);
  if (decision !== undefined) return { kind: "found", decision: told(pool, decision, moment) };
  return { kind: "unknown", ...whyUnknown(pool, number) };
}

/** Newest first, of one pool or of all. */
export function newestDecisions(
  pools: Iterable<LivePool>,
  count: number,
  moment: Moment,
): readonly PastDecision[] {
  return [...pools]
    .flatMap((pool) => pool.brain.recent.newest(count).map((decision) => ({ pool, decision })))
    .toSorted((a, b) => b.decision.atMs - a.decision.atMs)
    .slice(0, count)
    .map(({ pool, decision }) => told(pool, decision, moment));
}

function whyUnknown(pool: LivePool, number: number): { readonly error: string; readonly expected: string } {
  const newest = pool.brain.recent.newest(1)[0]?.id ?? 0;
  if (newest === 0)
    return { error: `${pool.key} has decided nothing yet`, expected: "a decision that was made" };
  const from = Math.max(1, newest - DECISIONS_KEPT + 1);
  return {
    error:
      number > newest || number < 1
        ? `${pool.key} has made no decision ${number}`
        : `decision ${number} of ${pool.key} is no longer kept: ${DECISIONS_KEPT} later ones have taken its place`,
    expected: `a number from ${from} to ${newest}`,
  };
}

function told(pool: LivePool, decision: RecordedDecision, { nowMs, dateMs }: Moment): PastDecision {
  const { id, atMs, tried, chosen, reason, prompt } = decision;
  const names = new Map(pool.spec.endpoints.map(({ key, displayName }) => [key, displayName]));
  return {
    id: decisionId(pool.key, id),
    pool: pool.key,
    at: new Date(dateMs - (nowMs - atMs)).toISOString(),
    ageMs: nowMs - atMs,
    tried,
    chosen,
    reason,
    because: becauseOf(decision),
    considered: decision.considered.map(({ key, score }) => ({ key, displayName: names.get(key), score })),
    prompt,
  };
}
