/**
 * The targets of the data path, each held against what was measured in this run. A miss is said, never hidden, and
 * never fails the process: the figures depend on the machine's other work, the promise is about ratios.
 */
import type { Cell } from "./measure.ts";
import type { RowName } from "./rows.ts";
import type { Ratio } from "../lib/stats.ts";
import { BASE_PEER, cost, rate, ratio } from "./summary.ts";

const OURS = "plimsoll";

interface Target {
  readonly says: string;
  readonly row: RowName;
  readonly of: string;
  readonly against: string;
  readonly read: (figures: Cell["figures"]) => number;
  readonly bound: "at most" | "at least";
  readonly limit: number;
}

const TARGETS: readonly Target[] = [
  {
    says: "processor time per small request against nginx",
    row: "small",
    of: OURS,
    against: BASE_PEER,
    read: cost,
    bound: "at most",
    limit: 1.6,
  },
  {
    says: "processor time per small request of http-proxy-3 against ours",
    row: "small",
    of: "http-proxy-3",
    against: OURS,
    read: cost,
    bound: "at least",
    limit: 4,
  },
  {
    says: "processor time per SSE chunk against nginx",
    row: "sse",
    of: OURS,
    against: BASE_PEER,
    read: cost,
    bound: "at most",
    limit: 1.6,
  },
  {
    says: "1 MB throughput against nginx",
    row: "1m",
    of: OURS,
    against: BASE_PEER,
    read: rate,
    bound: "at least",
    limit: 0.7,
  },
];

export interface Verdict {
  readonly says: string;
  readonly result: "met" | "missed" | "not measured";
  readonly bound: string;
  readonly ratio: Ratio | undefined;
}

export function verdicts(cells: readonly Cell[]): readonly Verdict[] {
  return TARGETS.map((target) => {
    const measured = ratio(cells, target.row, target.of, target.against, target.read);
    const met =
      measured !== undefined &&
      (target.bound === "at most" ? measured.median <= target.limit : measured.median >= target.limit);
    return {
      says: target.says,
      result: measured === undefined ? "not measured" : met ? "met" : "missed",
      bound: `${target.bound} ${target.limit} x`,
      ratio: measured,
    };
  });
}

export function verdictLine({ says, result, bound, ratio: measured }: Verdict): string {
  const figure =
    measured === undefined
      ? ""
      : `: ${measured.median.toFixed(2)} x (rounds ${measured.least.toFixed(2)} to ${measured.most.toFixed(2)})`;
  return `${result.padEnd(12)} ${says}, target ${bound}${figure}`;
}
