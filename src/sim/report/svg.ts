/**
 * Pieces of an SVG plot: elements, a panel with axes, curves and bands, a legend. Coordinates are pixels.
 */
import type { Scale } from "./scales.ts";

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** One value per second, at the second's middle. */
export interface Curve {
  readonly values: readonly number[];
  readonly colour: string;
}

export interface Panel {
  readonly time: Scale;
  readonly value: Scale;
  readonly label: string;
  readonly bands: readonly { readonly from: number; readonly until: number }[];
  readonly curves: readonly Curve[];
  /** A dashed line across. */
  readonly line?: number | undefined;
}

const AXIS = "#8b949e";
const GRID = "#e4e7eb";
const BAND = "#fbe3e0";
const QUIET = "#555555";

type Attributes = Readonly<Record<string, string | number>>;

/** `text` is escaped, `inner` is markup. */
export function element(name: string, attributes: Attributes, text?: string, inner?: string): string {
  const pairs = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(attribute(value))}"`);
  const content = text === undefined ? (inner ?? "") : escaped(text);
  return content === "" ? `<${name}${pairs.join("")}/>` : `<${name}${pairs.join("")}>${content}</${name}>`;
}

export function panel(box: Box, content: Panel): string {
  const { time, value } = content;
  const x = (seconds: number): number => box.x + time.place(seconds) * box.width;
  const y = (amount: number): number => box.y + (1 - value.place(amount)) * box.height;
  const parts: string[] = [];
  for (const { from, until } of content.bands) {
    // A fault of a moment is still to be seen.
    const width = Math.max(1, x(until) - x(from));
    parts.push(element("rect", { x: x(from), y: box.y, width, height: box.height, fill: BAND }));
  }
  for (const tick of value.ticks) {
    parts.push(segment(box.x, y(tick), box.x + box.width, y(tick), GRID));
    const at = { x: box.x - 6, y: y(tick) + 4, "text-anchor": "end", "font-size": 11, fill: QUIET };
    parts.push(element("text", at, tickText(tick)));
  }
  const bottom = box.y + box.height;
  for (const tick of time.ticks) {
    parts.push(segment(x(tick), bottom, x(tick), bottom + 4, AXIS));
    const at = { x: x(tick), y: bottom + 17, "text-anchor": "middle", "font-size": 11, fill: QUIET };
    parts.push(element("text", at, tickText(tick)));
  }
  parts.push(segment(box.x, bottom, box.x + box.width, bottom, AXIS));
  parts.push(segment(box.x, box.y, box.x, bottom, AXIS));
  const middle = box.y + box.height / 2;
  const turned = { "text-anchor": "middle", fill: QUIET, transform: `rotate(-90 ${box.x - 46} ${middle})` };
  parts.push(element("text", { x: box.x - 46, y: middle, ...turned }, content.label));
  const under = { x: box.x + box.width, y: bottom + 32, "text-anchor": "end", "font-size": 11, fill: QUIET };
  parts.push(element("text", under, "time [s]"));
  if (content.line !== undefined) {
    const at = y(content.line);
    parts.push(segment(box.x, at, box.x + box.width, at, QUIET, "5 4"));
  }
  for (const { values, colour } of content.curves) parts.push(polyline(values, colour, x, y));
  return parts.join("\n");
}

export function legend(
  x: number,
  y: number,
  entries: readonly { readonly name: string; readonly colour: string; readonly dashed?: boolean }[],
): string {
  let at = x;
  return entries
    .map(({ name, colour, dashed }) => {
      const from = at;
      // Wide enough for any common sans-serif at 12 px.
      at += 40 + name.length * 7;
      const mark = segment(from, y - 4, from + 20, y - 4, colour, dashed === true ? "5 4" : "", 2);
      return mark + element("text", { x: from + 26, y }, name);
    })
    .join("\n");
}

function polyline(
  values: readonly number[],
  colour: string,
  x: (seconds: number) => number,
  y: (amount: number) => number,
): string {
  const points = values.map((value, second) => `${rounded(x(second + 0.5))},${rounded(y(value))}`);
  const attributes = { fill: "none", stroke: colour, "stroke-width": 1.6, "stroke-linejoin": "round" };
  return element("polyline", { points: points.join(" "), ...attributes });
}

function segment(
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  stroke: string,
  dashes = "",
  width = 1,
): string {
  const dashed = dashes === "" ? {} : { "stroke-dasharray": dashes };
  return element("line", { x1, y1, x2, y2, stroke, "stroke-width": width, ...dashed });
}

function tickText(tick: number): string {
  return tick >= 10_000 ? `${tick / 1000}k` : String(Number(tick.toPrecision(3)));
}

function attribute(value: string | number): string {
  return typeof value === "number" ? String(rounded(value)) : value;
}

/** A hundredth of a pixel. */
function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
