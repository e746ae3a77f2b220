/** The live table: complete where there is room, never wider than the terminal, plain without colour. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { drawFrame, type Picture, plainLine } from "./frame.ts";
import { Screen } from "./screen.ts";
import { bar, cut, paint, span, widthOf } from "./spans.ts";
import { ENDPOINTS, PATIENT } from "./story.ts";

const PICTURE: Picture = {
  elapsedMs: 23_400,
  windowMs: 3000,
  endpoints: ENDPOINTS.map(({ name }) => ({
    name,
    condition: name === PATIENT ? "failing" : "well",
    reported: { state: name === PATIENT ? "unhealthy" : "healthy", inFlight: 3 },
  })),
  traffic: {
    ratePerSec: 149.6,
    failures: 2,
    p50Ms: 6.21,
    p99Ms: 31.4,
    endpoints: new Map(
      ENDPOINTS.filter(({ name }) => name !== PATIENT).map(({ name }) => [
        name,
        { requests: 100, failures: 0, share: 0.25, p50Ms: 5.44, p99Ms: 123.4 },
      ]),
    ),
  },
  requestsTotal: 3456,
  failuresTotal: 12,
  captions: [
    { by: "story", text: "something was done", atMs: 10_000 },
    { by: "measured", text: "something was seen", atMs: 12_000 },
  ],
};

function textOf(width: number): readonly string[] {
  return drawFrame(PICTURE, width).map((line) => paint(line, false));
}

test("at 100 columns everything is there", () => {
  const lines = textOf(100);
  const all = lines.join("\n");
  for (const word of ["150 req/s", "12 of 3456 failed", "p99 31 ms", "in flight", "gateway says"]) {
    assert.ok(all.includes(word), word);
  }
  const row = lines.find((line) => line.startsWith("endpoint-1"));
  assert.match(row ?? "", /^endpoint-1 +well +25 % +5\.4 +123 +3 +healthy +█+/);
  const patient = lines.find((line) => line.startsWith(PATIENT));
  assert.match(patient ?? "", /failing +0 % +- +- +3 +unhealthy/);
  assert.ok(all.includes("  10 s  something was done"));
  assert.ok(all.includes("  12 s  -> something was seen"));
  for (const address of [
    "localhost:8080",
    "localhost:9900/debug/pools",
    "localhost:9900/metrics",
    "Ctrl-C",
  ]) {
    assert.ok(all.includes(address), address);
  }
});

test("no line is wider than the terminal, and name, share and state stay to the last", () => {
  for (let width = 1; width <= 200; width += 1) {
    for (const line of drawFrame(PICTURE, width)) assert.ok(widthOf(line) <= width, `at ${width}`);
  }
  const narrow = textOf(40).find((line) => line.startsWith(PATIENT)) ?? "";
  assert.match(narrow, /^endpoint-3 +0 % +unhealthy/);
});

test("the frame has the same height whatever has happened, so that it is redrawn in place", () => {
  const height = drawFrame(PICTURE, 80).length;
  const many = Array.from({ length: 20 }, (_, i) => ({ by: "story" as const, text: `line ${i}`, atMs: i }));
  assert.equal(drawFrame({ ...PICTURE, captions: [] }, 80).length, height);
  assert.equal(drawFrame({ ...PICTURE, captions: many }, 80).length, height);
  assert.ok(height < 24, "fits a terminal of 24 rows");
});

test("before anything is known there are dashes", () => {
  const nothing = { ratePerSec: 0, failures: 0, p50Ms: undefined, p99Ms: undefined, endpoints: new Map() };
  const blank = PICTURE.endpoints.map((endpoint) => ({ ...endpoint, reported: undefined }));
  const lines = drawFrame({ ...PICTURE, traffic: nothing, endpoints: blank }, 100).map((line) =>
    paint(line, false),
  );
  assert.match(lines.find((line) => line.startsWith("endpoint-1")) ?? "", /0 % +- +- +- +-/);
});

test("the plain line names what is unusual and nothing else", () => {
  const line = plainLine(PICTURE);
  assert.match(
    line,
    /^ +23 s {2}150 req\/s {2}p99 31 ms {2}12 failed {2}#1 25% {2}#2 25% {2}#3 {2}0% \(failing, unhealthy\)/,
  );
  assert.equal(line.match(/\(/g)?.length, 1);
});

test("bars grow by eighths and are always as wide as their column", () => {
  assert.equal(bar(0, 4), "    ");
  assert.equal(bar(1, 4), "████");
  assert.equal(bar(0.5, 4), "██  ");
  assert.equal(bar(1 / 32, 4), "▏   ");
  assert.equal(bar(7, 3), "███");
  for (let i = 0; i <= 100; i += 1) assert.equal(bar(i / 100, 7).length, 7);
});

test("colour is added after cutting, and only where it is wanted", () => {
  const line = [span("abc", "bad"), span("def")];
  assert.equal(paint(line, true), "\u001B[31mabc\u001B[0mdef");
  assert.equal(paint(cut(line, 5), false), "abcd…");
  assert.equal(widthOf(cut(line, 6)), 6);
});

test("the screen overwrites the frame before, never draws beyond the rows, and gives the cursor back", () => {
  let written = "";
  const terminal = { columns: 81, rows: 5, write: (text: string) => (written += text) };
  const screen = new Screen(terminal, false);
  const lines = Array.from({ length: 9 }, (_, i) => [span(`line ${i}`)]);
  assert.equal(screen.width, 80);
  screen.draw(lines);
  assert.ok(written.includes("\u001B[?25l") && written.includes("line 3") && !written.includes("line 4"));
  written = "";
  screen.draw(lines);
  assert.ok(written.includes("\u001B[4A\r") && !written.includes("\u001B[2J"));
  written = "";
  terminal.columns = 60;
  screen.draw(lines);
  assert.ok(written.includes("\u001B[2J"), "a change of width clears");
  written = "";
  screen.end();
  assert.ok(written.endsWith("\u001B[?25h"));
});
