/**
 * The promises about Auto, held against the best of nginx, HAProxy and Envoy in the same run: half their p99 where the fleet
 * is uneven, within 5 % of it where it is not, and never more errors. A miss is said and fails nothing.
 *
 * "The best" is whoever has the least median p99 in that scenario: chosen after the fact from several, so noise is on the
 * peers' side. The least possible is said with it: work alone has a p99 of its own, and no choice of endpoints makes it less.
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
  /** What the ratio would be if every request met a free slot of a sound endpoint at once. */
  readonly floor: number;
}

/** Rounds that a line lacks are holes. */
function byRound({ p99ByRoundMs, rounds }: Line): readonly (number | undefined)[] {
  const values: (number | undefined)[] = [];
  for (const [index, round] of rounds.entries()) values[round] = p99ByRoundMs[index];
  return values;
}

export function verdictOf(
  { name, target }: Scenario,
  lines: readonly Line[],
  floorMs: number,
): BalanceVerdict {
  const limit = LIMIT[target];
  const ours = lines.find(({ proxy }) => proxy === OURS);
  const peers = lines.filter(({ proxy }) => !proxy.startsWith("plimsoll "));
  const best = peers.toSorted((a, b) => a.p99Ms - b.p99Ms)[0];
  const ratio = ours && best && ratioByRound(byRound(ours), byRound(best));
  if (ours === undefined || best === undefined || ratio === undefined) {
    const nothing = { against: undefined, ratio: undefined, errors: undefined, floor: Number.NaN };
    return { scenario: name, result: "not measured", limit, ...nothing };
  }
  const failed = ({ errors, requests }: Line): number => errors / requests;
  const errors = [failed(ours), Math.min(...peers.map(failed))] as const;
  const met = ratio.median <= limit && errors[0] <= errors[1];
  const result = met ? "met" : "missed";
  return { scenario: name, result, against: best.proxy, limit, ratio, errors, floor: floorMs / best.p99Ms };
}

export function verdictLine({
  scenario,
  result,
  against,
  limit,
  ratio,
  errors,
  floor,
}: BalanceVerdict): string {
  if (ratio === undefined || errors === undefined) return `${result}: ${scenario}`;
  const [least, middle, most] = [ratio.least, ratio.median, ratio.most].map((value) => value.toFixed(2));
  const failed = errors.map((share) => `${(share * 100).toFixed(2)} %`).join(" against ");
  return `${result}: ${scenario}: p99 of Auto is ${middle} times that of ${against} (${least}-${most}), at most ${limit} wanted, ${floor.toFixed(2)} the least possible; errors ${failed}`;
}
