/**
 * The inference demo's picture of one moment, side by side: as styled lines for a terminal, or as one plain line. Pure.
 */
import { cut, type Line, span, type Span, type Style } from "../spans.ts";
import type { Condition } from "./story.ts";
import type { Figures } from "./tally.ts";

export interface EngineView {
  readonly condition: Condition;
  /** As the engine says; undefined: it does not answer. */
  readonly running: number | undefined;
  readonly waiting: number | undefined;
  /** As the gateway says. */
  readonly state: string | undefined;
}

export interface SideView {
  /** The policy's name. */
  readonly title: string;
  readonly figures: Figures;
  readonly failuresTotal: number;
  readonly engines: ReadonlyMap<string, EngineView>;
}

export interface InferencePicture {
  readonly elapsedMs: number;
  readonly windowMs: number;
  readonly sides: readonly SideView[];
  /** Oldest first. */
  readonly captions: readonly StoryCaption[];
}

export interface StoryCaption {
  readonly atMs: number;
  readonly by: "story" | "measured";
  readonly text: string;
}

const CAPTIONS_SHOWN = 8;
const HEAD_COLUMNS = 20;
const SIDE_COLUMNS = 27;

export function drawPicture(picture: InferencePicture, width: number): readonly Line[] {
  const { sides, captions } = picture;
  const lines: Line[] = [
    [
      span("Plimsoll inference demo", "bold"),
      span(`  same conversations, two fleets; last ${picture.windowMs / 1000} s as clients see it`, "dim"),
    ],
    [],
    row(
      "",
      sides.map(({ title }) => span(title, "bold")),
    ),
    ...ROWS.map(({ head, cell }) =>
      row(
        head,
        sides.map((side) => span(cell(side, picture.windowMs, picture.elapsedMs))),
      ),
    ),
    [],
    row(
      "",
      sides.map(() => span("share run wait  says", "dim")),
    ),
    ...engineNames(sides).map((name) => engineRow(name, sides)),
    [],
  ];
  for (const caption of captions.slice(-CAPTIONS_SHOWN)) lines.push(captionLine(caption));
  for (let shown = captions.length; shown < CAPTIONS_SHOWN; shown++) lines.push([]);
  lines.push([], [span("Ctrl-C stops everything and sums up.", "dim")]);
  return lines.map((line) => cut(line, width));
}

export function captionLine({ atMs, by, text }: StoryCaption): Line {
  const clock = `${(atMs / 1000).toFixed(0)} s`.padStart(6);
  return [span(`${clock}  `, "dim"), by === "story" ? span(text, "bold") : span(`-> ${text}`, "accent")];
}

/** One line for those without a terminal. */
export function plainPicture({ sides, windowMs, elapsedMs }: InferencePicture): string {
  const parts = sides.map((side) => {
    const { figures, title, failuresTotal } = side;
    const shares = engineNames([side]).map((name) => percent(figures.engines.get(name)?.share ?? 0));
    return (
      `${title} ${rate(figures, windowMs, elapsedMs)} req/s TTFT p50 ${ms(figures.ttftP50Ms)} p99 ${ms(figures.ttftP99Ms)} ms ` +
      `TPOT ${ms(figures.tpotP50Ms)} ms cached ${percent(figures.cachedRatio)} waiting ${waiting(side)} ` +
      `failed ${failuresTotal} shares ${shares.join("/")}`
    );
  });
  return `${`${(elapsedMs / 1000).toFixed(0)} s`.padStart(6)}  ${parts.join("  |  ")}`;
}

interface Row {
  readonly head: string;
  readonly cell: (side: SideView, windowMs: number, elapsedMs: number) => string;
}

const ROWS: readonly Row[] = [
  { head: "requests/s", cell: ({ figures }, windowMs, elapsedMs) => rate(figures, windowMs, elapsedMs) },
  { head: "TTFT p50 ms", cell: ({ figures }) => ms(figures.ttftP50Ms) },
  { head: "TTFT p99 ms", cell: ({ figures }) => ms(figures.ttftP99Ms) },
  { head: "TPOT p50 ms", cell: ({ figures }) => ms(figures.tpotP50Ms) },
  { head: "prompt cached", cell: ({ figures }) => percent(figures.cachedRatio) },
  { head: "waiting in engines", cell: (side) => waiting(side) },
  { head: "failed, in all", cell: ({ failuresTotal }) => String(failuresTotal) },
];

function row(head: string, cells: readonly Span[]): Line {
  return [
    span(head.padEnd(HEAD_COLUMNS), "dim"),
    ...cells.map(({ text, style }) => span(text.padEnd(SIDE_COLUMNS), style)),
  ];
}

function engineNames(sides: readonly SideView[]): readonly string[] {
  return [...(sides[0]?.engines.keys() ?? [])];
}

function engineRow(name: string, sides: readonly SideView[]): Line {
  const condition = sides[0]?.engines.get(name)?.condition ?? "well";
  const line: Span[] = [
    span(name.padEnd(10), condition === "well" ? "plain" : "bold"),
    span(condition.padEnd(HEAD_COLUMNS - 10), conditionStyle(condition)),
  ];
  for (const { figures, engines } of sides) {
    const engine = engines.get(name);
    const share = percent(figures.engines.get(name)?.share ?? 0).padStart(5);
    const counts = `${count(engine?.running).padStart(4)}${count(engine?.waiting).padStart(5)}`;
    const state = engine?.state ?? "-";
    line.push(
      span(`${share}${counts}  `),
      span(state.padEnd(SIDE_COLUMNS - 16), state === "healthy" ? "good" : "warn"),
    );
  }
  return line;
}

function conditionStyle(condition: Condition): Style {
  switch (condition) {
    case "well":
      return "dim";
    case "slow":
      return "warn";
    case "down":
      return "bad";
  }
}

function rate({ requests }: Figures, windowMs: number, elapsedMs: number): string {
  const spanMs = Math.min(windowMs, elapsedMs);
  return spanMs < 500 ? "-" : ((1000 * requests) / spanMs).toFixed(1);
}

function waiting({ engines }: SideView): string {
  let sum = 0;
  for (const engine of engines.values()) sum += engine.waiting ?? 0;
  return String(sum);
}

export function ms(value: number | undefined): string {
  return value === undefined ? "-" : value.toFixed(value < 10 ? 1 : 0);
}

export function percent(ratio: number | undefined): string {
  return ratio === undefined ? "-" : `${(100 * ratio).toFixed(0)}%`;
}

function count(value: number | undefined): string {
  return value === undefined ? "-" : String(value);
}
