/**
 * The promises about Auto, held against the best of nginx, HAProxy and Envoy in the same run: half their p99 where the fleet
 * is uneven, within 5 % of it where it is not, and never more errors. A miss is said and fails nothing.
 *
 * "The best" is whoever has the least median p99 in that scenario: chosen after the fact from several, so noise is on the
 * peers' side.
 */
import { type Ratio, ratioByRound } from "../lib/stats.ts";
import type { Scenario, ScenarioName } from "./scenarios.ts";
import type { Line } from "./summary.ts";

export const OURS = "plimsoll Auto";

const LIMIT = { half: 0.5, even: 1.05 } as const;

export interface BalanceVerdict {
  readonly scenario: ScenarioName;
  readonly result: "met" | "missed" | "not measured";
  readonly against: string | undefined;
  readonly limit: number;
  /** Our p99 over theirs. */
  readonly ratio: Ratio | undefined;
  /** Share of requests that failed, ours and the least of the peers'. */
  readonly errors: readonly [number, number] | undefined;
}

export function verdictOf({ name, target }: Scenario, lines: readonly Line[]): BalanceVerdict {
  const limit = LIMIT[target];
  const ours = lines.find(({ proxy }) => proxy === OURS);
  const peers = lines.filter(({ proxy }) => !proxy.startsWith("plimsoll "));
  const best = peers.toSorted((a, b) => a.p99Ms - b.p99Ms)[0];
  const ratio = ours && best && ratioByRound(ours.p99ByRoundMs, best.p99ByRoundMs);
  if (ours === undefined || best === undefined || ratio === undefined) {
    return {
      scenario: name,
      result: "not measured",
      against: undefined,
      limit,
      ratio: undefined,
      errors: undefined,
    };
  }
  const failed = ({ errors, requests }: Line): number => errors / requests;
  const errors = [failed(ours), Math.min(...peers.map(failed))] as const;
  const met = ratio.median <= limit && errors[0] <= errors[1];
  return { scenario: name, result: met ? "met" : "missed", against: best.proxy, limit, ratio, errors };
}

export function verdictLine({ scenario, result, against, limit, ratio, errors }: BalanceVerdict): string {
  if (ratio === undefined || errors === undefined) return `${result}: ${scenario}`;
  const [least, middle, most] = [ratio.least, ratio.median, ratio.most].map((value) => value.toFixed(2));
  const failed = errors.map((share) => `${(share * 100).toFixed(2)} %`).join(" against ");
  return `${result}: ${scenario}: p99 of Auto is ${middle} times that of ${against} (${least}-${most}), at most ${limit} wanted; errors ${failed}`;
}
