/**
 * Durations as people write them: `30s`, `1h30m`, `500ms`.
 *
 * The grammar is that of Gateway API durations (GEP-2257): one to four parts, each of one to five digits and a unit
 * of h, m, s or ms; parts add up, in any order. No sign, no fraction, no blank. Everything inside Plimsoll is
 * milliseconds; only the edge of the configuration speaks this form.
 */
const SHAPE = /^(?:[0-9]{1,5}(?:h|ms|m|s)){1,4}$/;
const PART = /([0-9]+)(h|ms|m|s)/g;

const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/**
 * The longest delay a Node timer keeps (2^31 - 1 ms, about 24.8 days). A longer one fires at once, so whoever hands
 * a duration to a timer refuses or clamps anything above.
 */
export const TIMER_MS_MAX = 2_147_483_647;

/** Milliseconds, or undefined where the text is not a duration. Never above 4 x 99999 h, so always a safe integer. */
export function parseDurationMs(text: string): number | undefined {
  if (!SHAPE.test(text)) return undefined;
  let totalMs = 0;
  for (const [, digits, unit] of text.matchAll(PART)) {
    totalMs += Number(digits) * (UNIT_MS[unit ?? ""] ?? 0);
  }
  return totalMs;
}

const UNITS_DOWN: readonly (readonly [string, number])[] = [
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
];

/** The shortest text that parses back to the same number; takes whole, non-negative milliseconds. */
export function formatDurationMs(durationMs: number): string {
  if (durationMs === 0) return "0s";
  let rest = durationMs;
  let text = "";
  for (const [unit, unitMs] of UNITS_DOWN) {
    const count = Math.floor(rest / unitMs);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * unitMs;
  }
  return text;
}
