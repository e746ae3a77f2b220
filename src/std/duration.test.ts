/** Durations: the grammar's edges, and that what is written is what is read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatDurationMs, parseDurationMs } from "./duration.ts";

test("reads every unit and adds the parts", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["0s", 0],
    ["500ms", 500],
    ["30s", 30_000],
    ["300s", 300_000],
    ["10m", 600_000],
    ["1h30m", 5_400_000],
    ["1h1m1s1ms", 3_661_001],
    ["30m1h", 5_400_000],
    ["5s5s", 10_000],
    ["99999h", 359_996_400_000],
  ];
  for (const [text, expectedMs] of cases) assert.equal(parseDurationMs(text), expectedMs, text);
});

test("refuses what the grammar does not hold", () => {
  const wrong = [
    "",
    "30",
    "s",
    "-1s",
    "+1s",
    "1.5s",
    "1d",
    "1 s",
    " 1s",
    "1s ",
    "100000s",
    "1h1m1s1ms1s",
    "1S",
    "1us",
  ];
  for (const text of wrong) assert.equal(parseDurationMs(text), undefined, JSON.stringify(text));
});

test("what is formatted parses back to the same number", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 99_999 * 3_600_000 }), (durationMs) => {
      assert.equal(parseDurationMs(formatDurationMs(durationMs)), durationMs);
    }),
  );
});
