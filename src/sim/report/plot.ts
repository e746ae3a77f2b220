/**
 * Figures as a picture: per policy, latency over time (median and 99th percentile, logarithmic) and, beside it, the share of
 * the sick endpoints over time, or goodput where no fault was planned. All policies have the same scales, and shaded bands
 * are the times of faults, so rows compare by eye. SVG, dark on light, without scripts or fonts of its own.
 */
import type { Figures } from "../measure/figures.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { linearScale, logScale, timeScale, type Scale } from "./scales.ts";
import { element, legend, panel, type Box, type Curve } from "./svg.ts";

const WIDTH = 1180;
const TOP = 84;
const PANEL_HEIGHT = 150;
const ROW_HEIGHT = PANEL_HEIGHT + 62;
const LEFT_BOX = { x: 70, width: 480 };
const RIGHT_BOX = { x: 660, width: 480 };

const MEDIAN = "#1d5fa8";
const TAIL = "#c2410c";
const SHARE = "#6d28d9";
const GOOD = "#15803d";

export function plotText(scenario: Scenario, all: readonly Figures[]): string {
  const height = TOP + all.length * ROW_HEIGHT + 10;
  const sick = all.some(({ episodes }) => episodes.length > 0);
  const scales = scalesOf(scenario, all, sick);
  const title = [
    element("text", { x: 20, y: 30, "font-size": 18, "font-weight": 600 }, scenario.name),
    element("text", { x: 20, y: 50, fill: "#555555" }, subtitle(scenario)),
    legend(LEFT_BOX.x, 72, [
      { name: "p50", colour: MEDIAN },
      { name: "p99", colour: TAIL },
    ]),
    legend(RIGHT_BOX.x, 72, [
      sick ? { name: "share of faulty endpoints", colour: SHARE } : { name: "goodput", colour: GOOD },
      ...(sick ? [{ name: "fair share", colour: "#555555", dashed: true }] : []),
    ]),
  ];
  const rows = all.map((figures, index) => rowOf(figures, TOP + index * ROW_HEIGHT, scales, sick));
  const frame = element("rect", { width: WIDTH, height, fill: "#ffffff" });
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: `0 0 ${WIDTH} ${height}`,
    width: WIDTH,
    height,
    "font-family": "Helvetica, Arial, sans-serif",
    "font-size": 12,
    fill: "#1f2328",
  };
  const svg = element("svg", attributes, undefined, [frame, ...title, ...rows].join("\n"));
  return `${svg}\n`;
}

interface Scales {
  readonly time: Scale;
  readonly latency: Scale;
  readonly ratio: Scale;
}

function scalesOf(scenario: Scenario, all: readonly Figures[], sick: boolean): Scales {
  const tails = all.flatMap(({ series }) => series.p99Ms).filter((value) => value > 0);
  const medians = all.flatMap(({ series }) => series.p50Ms).filter((value) => value > 0);
  const shares = all.flatMap(({ series, episodes }) => [
    ...series.sickShare,
    ...episodes.map(({ fairShare }) => fairShare),
  ]);
  return {
    time: timeScale(scenario.durationMs / 1000),
    latency: logScale(least(medians, 1), most(tails, 10)),
    ratio: linearScale(sick ? most(shares, 0.01) * 100 : 100),
  };
}

function rowOf(figures: Figures, top: number, scales: Scales, sick: boolean): string {
  const { series, episodes, policy } = figures;
  const bands = episodes.map(({ fromMs, untilMs }) => ({ from: fromMs / 1000, until: untilMs / 1000 }));
  const percent = (ratios: readonly number[]): readonly number[] => ratios.map((each) => each * 100);
  const left: Box = { ...LEFT_BOX, y: top + 18, height: PANEL_HEIGHT };
  const right: Box = { ...RIGHT_BOX, y: top + 18, height: PANEL_HEIGHT };
  const latency: readonly Curve[] = [
    { values: series.p99Ms, colour: TAIL },
    { values: series.p50Ms, colour: MEDIAN },
  ];
  const ratios: readonly Curve[] = sick
    ? [{ values: percent(series.sickShare), colour: SHARE }]
    : [{ values: percent(series.goodRatio), colour: GOOD }];
  const fair = sick ? episodes[0]!.fairShare * 100 : undefined;
  const rightLabel = sick ? "share of attempts [%]" : "answered well [%]";
  return [
    element("text", { x: left.x, y: top + 10, "font-weight": 600, "font-size": 13 }, policy),
    panel(left, { time: scales.time, value: scales.latency, label: "latency [ms]", bands, curves: latency }),
    panel(right, {
      time: scales.time,
      value: scales.ratio,
      label: rightLabel,
      bands,
      curves: ratios,
      line: fair,
    }),
  ].join("\n");
}

function subtitle({ seed, groups, gateways, description }: Scenario): string {
  const servers = groups.reduce((sum, { count }) => sum + count, 0);
  const first = description.split(/(?<=\.)\s/)[0] ?? "";
  return `${counted(servers, "endpoint")}, ${counted(gateways.count, "gateway")}, seed ${seed}. ${first}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function most(values: readonly number[], fallback: number): number {
  return values.reduce((best, value) => Math.max(best, value), 0) || fallback;
}

function least(values: readonly number[], fallback: number): number {
  return values.length === 0 ? fallback : values.reduce((best, value) => Math.min(best, value));
}
