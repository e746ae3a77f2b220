/**
 * The figures for people: a line per load, medians over rounds, and what was asked of each.
 */
import { median } from "../lib/stats.ts";
import { markdownTable, number, textTable, type Column } from "../lib/table.ts";
import type { Idle, Round } from "./measure.ts";
import type { Load } from "./options.ts";

export interface Line {
  readonly load: Load;
  readonly bareP50Ms: number;
  readonly bareP99Ms: number;
  readonly addedP50Ms: number;
  readonly addedP99Ms: number;
  readonly pickerMs: number;
  /** What Envoy spends on the same request where nobody is asked: by how far this machine is slower than others, so are both. */
  readonly envoyMs: number;
  /** What Envoy spends more because it asks. */
  readonly envoyAddedMs: number;
  readonly errors: number;
  readonly shares: ReadonlyMap<string, number>;
}

/** Differences are formed within a round, between two measurements seconds apart, and the median of those is taken. */
export function lineOf(load: Load, rounds: readonly Round[], shares: ReadonlyMap<string, number>): Line {
  const of = (value: (round: Round) => number): number => median(rounds.map(value));
  return {
    load,
    bareP50Ms: of(({ bare }) => bare.firstByteP50Ms),
    bareP99Ms: of(({ bare }) => bare.firstByteP99Ms),
    addedP50Ms: of(({ bare, picked }) => picked.firstByteP50Ms - bare.firstByteP50Ms),
    addedP99Ms: of(({ bare, picked }) => picked.firstByteP99Ms - bare.firstByteP99Ms),
    pickerMs: of(({ pickerMsPerRequest }) => pickerMsPerRequest),
    envoyMs: of(({ bare }) => bare.envoyMsPerRequest),
    envoyAddedMs: of(({ bare, picked }) => picked.envoyMsPerRequest - bare.envoyMsPerRequest),
    errors: rounds.reduce((sum, { bare, picked }) => sum + bare.errors + picked.errors, 0),
    shares,
  };
}

const COLUMNS: readonly Column<Line>[] = [
  { head: "prompt", cell: ({ load }) => load.name },
  { head: "req/s", cell: ({ load }) => String(load.ratePerSec) },
  { head: "without p50", cell: ({ bareP50Ms }) => number(bareP50Ms, 2) },
  { head: "p99 ms", cell: ({ bareP99Ms }) => number(bareP99Ms, 2) },
  { head: "added p50", cell: ({ addedP50Ms }) => number(addedP50Ms, 2) },
  { head: "p99 ms", cell: ({ addedP99Ms }) => number(addedP99Ms, 2) },
  { head: "picker ms/req", cell: ({ pickerMs }) => number(pickerMs, 3) },
  { head: "Envoy alone", cell: ({ envoyMs }) => number(envoyMs, 3) },
  { head: "more ms/req", cell: ({ envoyAddedMs }) => number(envoyAddedMs, 3) },
  { head: "errors", cell: ({ errors }) => String(errors) },
];

export function textReport(lines: readonly Line[], idle: readonly Idle[]): string {
  return [
    textTable(COLUMNS, lines),
    "",
    ...idle.map(idleText),
    "",
    ...lines.map(sharesText),
    "",
    ...verdicts(lines, idle),
  ].join("\n");
}

export function markdownReport(lines: readonly Line[], idle: readonly Idle[]): string {
  const list = (texts: readonly string[]): string => texts.map((text) => `- ${text.trim()}`).join("\n");
  return [markdownTable(COLUMNS, lines), list([...idle.map(idleText), ...lines.map(sharesText)])].join(
    "\n\n",
  );
}

function idleText({ endpoints, cores, pagesPerSec }: Idle): string {
  const share = `${(cores * 100).toFixed(2)} % of a core`;
  return `idle with ${endpoints} endpoints: ${share}, ${pagesPerSec.toFixed(1)} metrics pages read a second`;
}

function sharesText({ load, pickerMs, shares }: Line): string {
  const parts = [...shares].map(([part, share]) => `${part} ${(share * pickerMs).toFixed(3)}`);
  return `${load.name}, of the picker's ms: ${parts.join(", ")}`;
}

/** What the picker must keep. A figure that was not measured has no verdict. */
export function verdicts(lines: readonly Line[], idle: readonly Idle[]): string[] {
  const line = (name: string): Line | undefined => lines.find(({ load }) => load.name === name);
  const verdict = (
    what: string,
    value: number | undefined,
    most: number,
    unit: string,
    digits: number,
  ): string[] => {
    if (value === undefined || !Number.isFinite(value)) return [];
    const mark = value <= most ? "held  " : "MISSED";
    return [`${mark} ${what}: ${value.toFixed(digits)} ${unit}, at most ${most}`];
  };
  return [
    ...verdict("processor time of a 1k-token request", line("1k")?.pickerMs, 0.5, "ms", 3),
    ...verdict("processor time of a 100k-token request", line("100k")?.pickerMs, 5, "ms", 3),
    ...verdict("added latency p50 at 200/s of 1k tokens", line("1k")?.addedP50Ms, 1, "ms", 2),
    ...verdict(
      "idle with 100 endpoints",
      idle.find(({ endpoints }) => endpoints === 100)?.cores,
      0.05,
      "core",
      4,
    ),
  ];
}
