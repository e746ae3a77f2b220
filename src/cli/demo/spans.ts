/**
 * Lines of styled text for a terminal: laid out and cut as plain characters first, coloured last, so that colour
 * codes never count as width. All characters used by the demo are one column wide.
 */
export type Style = "plain" | "bold" | "dim" | "good" | "warn" | "bad" | "accent";

export interface Span {
  readonly text: string;
  readonly style: Style;
}

export type Line = readonly Span[];

/** SGR codes of the eight basic colours: they follow the terminal's own theme. */
const CODES: Readonly<Record<Style, string>> = {
  plain: "",
  bold: "1",
  dim: "2",
  good: "32",
  warn: "33",
  bad: "31",
  accent: "36",
};

export function span(text: string, style: Style = "plain"): Span {
  return { text, style };
}

export function widthOf(line: Line): number {
  return line.reduce((sum, { text }) => sum + text.length, 0);
}

/** The line cut to `width` columns; what is cut off is marked by an ellipsis. */
export function cut(line: Line, width: number): Line {
  if (widthOf(line) <= width) return line;
  const kept: Span[] = [];
  let left = Math.max(0, width - 1);
  for (const { text, style } of line) {
    if (left === 0) break;
    const part = text.slice(0, left);
    kept.push({ text: part, style });
    left -= part.length;
  }
  if (width > 0) kept.push(span("…", "dim"));
  return kept;
}

export function paint(line: Line, colour: boolean): string {
  if (!colour) return line.map(({ text }) => text).join("");
  return line
    .map(({ text, style }) => (CODES[style] === "" ? text : `\u001B[${CODES[style]}m${text}\u001B[0m`))
    .join("");
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar of `fraction` (0 to 1) of `width` columns, to an eighth of a column, padded to the width. */
export function bar(fraction: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, fraction)) * width * 8);
  const full = "█".repeat(eighths >> 3);
  return (full + (EIGHTHS[eighths & 7] ?? "")).padEnd(width);
}
