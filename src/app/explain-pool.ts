/**
 * What one pool would do with a request now: the decision, and every endpoint with how it stood in it.
 */
import type { EndpointReport } from "../core/balance/endpoint-report.ts";
import type { PickFacts } from "../core/balance/pick-facts.ts";
import type { ModelServer } from "../model/inference-pool.ts";
import type { Explanation, FilterReason } from "../model/explanation.ts";
import type { Prng } from "../std/prng.ts";
import type { LivePool } from "./live-pool.ts";

/** `compared`: compared and not chosen. `not-drawn`: it could have been chosen, and was not looked at. */
export type Standing = "chosen" | "compared" | "not-drawn" | FilterReason;

export interface ExplainedEndpoint extends EndpointReport {
  readonly zone: string | undefined;
  readonly standing: Standing;
  /** As compared: lower wins. Of more than two that were compared, only the best two are told. */
  readonly score: number | undefined;
  /** What a model server is reserved for; undefined: nothing in particular. */
  readonly reserved: Pick<ModelServer, "stages" | "contextTokens"> | undefined;
}

export interface PoolExplanation {
  readonly decision: Explanation;
  /** In the order of the standing, the chosen one first. */
  readonly endpoints: readonly ExplainedEndpoint[];
}

/** `prng`: as it stands when the pool is asked; not moved. */
export function explainPool(pool: LivePool, facts: PickFacts, prng: Prng, nowMs: number): PoolExplanation {
  const decision = pool.brain.explain(facts, nowMs, prng);
  const zones = new Map(pool.spec.endpoints.map(({ key, zone }) => [key, zone]));
  const servers = new Map(pool.spec.inference?.servers.filter(isReserved).map((each) => [each.key, each]));
  const filters = new Map(decision.filtered.map(({ key, reason }) => [key, reason]));
  const considered = new Map(decision.considered.map((each) => [each.key, each]));
  const compared = new Set(decision.compared);
  const endpoints = pool.brain.report(nowMs).map((report): ExplainedEndpoint => {
    const { key } = report;
    const looked = considered.get(key);
    const standing =
      key === decision.chosen
        ? "chosen"
        : (filters.get(key) ?? (looked === undefined && !compared.has(key) ? "not-drawn" : "compared"));
    return {
      ...report,
      zone: zones.get(key),
      standing,
      score: looked?.score,
      reserved: reservedOf(servers.get(key)),
    };
  });
  return {
    decision,
    endpoints: endpoints.toSorted(
      (a, b) => rank(a.standing) - rank(b.standing) || order(a.score) - order(b.score),
    ),
  };
}

function isReserved({ stages, contextTokens }: ModelServer): boolean {
  return stages !== undefined || contextTokens !== undefined;
}

function reservedOf(server: ModelServer | undefined): ExplainedEndpoint["reserved"] {
  return server === undefined ? undefined : { stages: server.stages, contextTokens: server.contextTokens };
}

/** Those whose score is told stand first. */
function order(score: number | undefined): number {
  return score === undefined ? 1 : 0;
}

function rank(standing: Standing): number {
  const at = ["chosen", "compared", "not-drawn"].indexOf(standing);
  return at === -1 ? 3 : at;
}
