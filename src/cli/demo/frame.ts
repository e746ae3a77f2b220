/**
 * The demo's picture of one moment, as styled lines for a terminal of a given width, or as one plain line.
 *
 * Pure. Narrow terminals lose columns in the order of their use to a newcomer; the bar takes what is left over.
 */
import { bar, cut, type Line, span, type Span, type Style } from "./spans.ts";
import type { Caption } from "./narrator.ts";
import type { ReportedEndpoint } from "./pool-report.ts";
import type { Condition } from "./story.ts";
import { type EndpointTraffic, NO_TRAFFIC, type Traffic } from "./traffic-window.ts";

export interface EndpointPicture {
  readonly name: string;
  readonly condition: Condition;
  readonly reported: ReportedEndpoint | undefined;
}

export interface Picture {
  readonly elapsedMs: number;
  readonly windowMs: number;
  readonly endpoints: readonly EndpointPicture[];
  readonly traffic: Traffic;
  readonly requestsTotal: number;
  readonly failuresTotal: number;
  /** Oldest first. */
  readonly captions: readonly TimedCaption[];
}

export interface TimedCaption extends Caption {
  readonly atMs: number;
}

/** So many captions are shown: one cycle of the story. */
const CAPTIONS_SHOWN = 8;
/** Beyond this a longer bar tells nothing more. */
const BAR_COLUMNS_MAX = 40;
const BAR_COLUMNS_MIN = 6;

interface Column {
  readonly head: string;
  readonly width: number;
  /** 0 stays always; the highest goes first where there is no room. */
  readonly dispensable: number;
  readonly align: "left" | "right";
  readonly cell: (endpoint: EndpointPicture, traffic: EndpointTraffic) => Span;
}

const COLUMNS: readonly Column[] = [
  {
    head: "endpoint",
    width: 10,
    dispensable: 0,
    align: "left",
    cell: (endpoint) => span(endpoint.name, endpoint.condition === "well" ? "plain" : "bold"),
  },
  {
    head: "it is",
    width: 7,
    dispensable: 1,
    align: "left",
    cell: ({ condition }) => span(condition, conditionStyle(condition)),
  },
  {
    head: "share",
    width: 6,
    dispensable: 0,
    align: "right",
    cell: (_, traffic) => span(`${(traffic.share * 100).toFixed(0)} %`),
  },
  { head: "p50 ms", width: 7, dispensable: 3, align: "right", cell: (_, traffic) => span(ms(traffic.p50Ms)) },
  { head: "p99 ms", width: 7, dispensable: 2, align: "right", cell: (_, traffic) => span(ms(traffic.p99Ms)) },
  {
    head: "in flight",
    width: 9,
    dispensable: 4,
    align: "right",
    cell: ({ reported }) => span(reported === undefined ? "-" : String(reported.inFlight)),
  },
  {
    head: "gateway says",
    width: 12,
    dispensable: 0,
    align: "left",
    cell: ({ reported }) => span(reported?.state ?? "-", stateStyle(reported?.state)),
  },
];

const GAP = "  ";

/** `width` in columns; no line is longer. */
export function drawFrame(picture: Picture, width: number): readonly Line[] {
  const columns = fitting(width);
  const fixed = columns.reduce((sum, column) => sum + column.width + GAP.length, 0);
  const barWidth = width - fixed >= BAR_COLUMNS_MIN ? Math.min(BAR_COLUMNS_MAX, width - fixed) : 0;
  const lines: Line[] = [totals(picture), [], heads(columns, barWidth)];
  // The longest bar is the largest share rather than 100 %: five endpoints would all have short ones otherwise.
  const largest = Math.max(0.4, ...[...picture.traffic.endpoints.values()].map(({ share }) => share));
  for (const endpoint of picture.endpoints) {
    const traffic = picture.traffic.endpoints.get(endpoint.name) ?? NO_TRAFFIC;
    const line: Span[] = columns.flatMap((column) => [
      fill(column.cell(endpoint, traffic), column),
      span(GAP),
    ]);
    if (barWidth > 0)
      line.push(span(bar(traffic.share / largest, barWidth), conditionBar(endpoint.condition)));
    lines.push(line);
  }
  lines.push([]);
  for (const caption of picture.captions.slice(-CAPTIONS_SHOWN)) lines.push(captionLine(caption));
  for (let i = picture.captions.length; i < CAPTIONS_SHOWN; i += 1) lines.push([]);
  lines.push([], ...FOOTER);
  return lines.map((line) => cut(line, width));
}

const FOOTER: readonly Line[] = [
  [span("Try in another terminal: ", "dim"), span("curl localhost:8080", "accent")],
  [
    span("                         ", "dim"),
    span("curl localhost:9900/debug/pools", "accent"),
    span("   curl localhost:9900/metrics", "accent"),
  ],
  [span("Ctrl-C stops everything.", "dim")],
];

export function captionLine({ atMs, by, text }: TimedCaption): Line {
  const clock = `${(atMs / 1000).toFixed(0)} s`.padStart(6);
  return [span(`${clock}  `, "dim"), by === "story" ? span(text, "bold") : span(`-> ${text}`, "accent")];
}

/** One line for those without a terminal: totals, each endpoint's share and what is unusual about it. */
export function plainLine(picture: Picture): string {
  const { traffic } = picture;
  const shares = picture.endpoints.map(({ name, condition, reported }) => {
    const share = `${((traffic.endpoints.get(name)?.share ?? 0) * 100).toFixed(0)}%`.padStart(4);
    const remarks = [
      condition === "well" ? "" : condition,
      reported?.state === "healthy" ? "" : (reported?.state ?? "?"),
    ];
    const remark = remarks.filter((word) => word !== "").join(", ");
    return `${name.replace("endpoint-", "#")}${share}${remark === "" ? "" : ` (${remark})`}`;
  });
  const clock = `${(picture.elapsedMs / 1000).toFixed(0)} s`.padStart(6);
  return `${clock}  ${traffic.ratePerSec.toFixed(0)} req/s  p99 ${ms(traffic.p99Ms)} ms  ${picture.failuresTotal} failed  ${shares.join("  ")}`;
}

function totals(picture: Picture): Line {
  const { traffic, failuresTotal } = picture;
  return [
    span("Plimsoll demo", "bold"),
    span(`${GAP}${traffic.ratePerSec.toFixed(0)} req/s${GAP}p99 ${ms(traffic.p99Ms)} ms${GAP}`),
    span(`${failuresTotal} of ${picture.requestsTotal} failed`, traffic.failures > 0 ? "bad" : "plain"),
    span(`${GAP}last ${(picture.windowMs / 1000).toFixed(0)} s, as the clients see it`, "dim"),
  ];
}

function fitting(width: number): readonly Column[] {
  let columns = COLUMNS;
  const needed = (): number =>
    columns.reduce((sum, column) => sum + column.width + GAP.length, BAR_COLUMNS_MIN);
  for (let level = 4; level > 0 && needed() > width; level -= 1) {
    const current = level;
    columns = columns.filter(({ dispensable }) => dispensable !== current);
  }
  return columns;
}

function heads(columns: readonly Column[], barWidth: number): Line {
  const line = columns.flatMap((column) => [fill(span(column.head, "dim"), column), span(GAP)]);
  return barWidth > 0 ? [...line, span("traffic".slice(0, barWidth), "dim")] : line;
}

function fill({ text, style }: Span, { width, align }: Column): Span {
  const short = text.slice(0, width);
  return { text: align === "left" ? short.padEnd(width) : short.padStart(width), style };
}

function ms(value: number | undefined): string {
  return value === undefined ? "-" : value.toFixed(value < 10 ? 1 : 0);
}

function conditionStyle(condition: Condition): Style {
  return condition === "well" ? "dim" : condition === "slow" ? "warn" : "bad";
}

function conditionBar(condition: Condition): Style {
  return condition === "well" ? "good" : conditionStyle(condition);
}

function stateStyle(state: string | undefined): Style {
  return state === "healthy" ? "good" : state === "unhealthy" ? "bad" : "warn";
}
