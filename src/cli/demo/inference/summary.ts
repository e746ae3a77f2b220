/**
 * What it came to: both sides, over the whole run and scene by scene, as plain lines. Pure.
 */
import { ms, percent } from "./picture.ts";
import type { Figures, Tally } from "./tally.ts";

export interface SummedSide {
  readonly title: string;
  readonly tally: Tally;
}

type Measure = readonly [head: string, cell: (figures: Figures) => string];

const MEASURES: readonly Measure[] = [
  ["requests", ({ requests }) => String(requests)],
  ["failed", ({ failures }) => String(failures)],
  ["TTFT p50, ms", ({ ttftP50Ms }) => ms(ttftP50Ms)],
  ["TTFT p99, ms", ({ ttftP99Ms }) => ms(ttftP99Ms)],
  ["TPOT p50, ms", ({ tpotP50Ms }) => ms(tpotP50Ms)],
  ["TPOT p99, ms", ({ tpotP99Ms }) => ms(tpotP99Ms)],
  ["prompt tokens cached", ({ cachedRatio }) => percent(cachedRatio)],
];

/** `scenes`: titles, in order; those in which nothing came are left out. */
export function summaryLines(
  sides: readonly SummedSide[],
  scenes: readonly string[],
  elapsedMs: number,
): readonly string[] {
  const titles = sides.map(({ title }) => title.padStart(12)).join("");
  const all = sides.map(({ tally }) => tally.all());
  const lines = [
    `In all, ${(elapsedMs / 1000).toFixed(0)} s, the same conversations with both fleets:`,
    "",
    `${"".padEnd(24)}${titles}`,
    ...MEASURES.map(
      ([head, cell]) => `${head.padEnd(24)}${all.map((figures) => cell(figures).padStart(12)).join("")}`,
    ),
    "",
    `${"TTFT p50 / p99, ms".padEnd(24)}${titles}    failed`,
  ];
  for (const scene of scenes) {
    const figures = sides.map(({ tally }) => tally.inScene(scene));
    if (figures.every(({ requests, ttftP50Ms }) => requests === 0 && ttftP50Ms === undefined)) continue;
    const cells = figures.map(({ ttftP50Ms, ttftP99Ms }) => `${ms(ttftP50Ms)}/${ms(ttftP99Ms)}`.padStart(12));
    const failed = figures.map(({ failures }) => failures).join("/");
    lines.push(`${scene.padEnd(24)}${cells.join("")}${failed.padStart(10)}`);
  }
  return lines;
}

/** One scene that has just ended, in one line. */
export function sceneLine(sides: readonly SummedSide[], sinceMs: number): string {
  const parts = sides.map(({ title, tally }) => {
    const { ttftP50Ms, ttftP99Ms, failures } = tally.since(sinceMs);
    return `${title} TTFT ${ms(ttftP50Ms)} / ${ms(ttftP99Ms)} ms${failures === 0 ? "" : `, ${failures} failed`}`;
  });
  return `meanwhile (p50 / p99) ${parts.join("; ")}`;
}
