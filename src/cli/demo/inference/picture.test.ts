/** What is shown: counted from what clients saw, within the terminal's width, and summed up scene by scene. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { paint, widthOf } from "../spans.ts";
import { drawPicture, plainPicture, type EngineView, type InferencePicture } from "./picture.ts";
import { sceneLine, summaryLines } from "./summary.ts";
import { Tally } from "./tally.ts";

/** Ten answers by two engines, one of which fails. */
function tally(slower: number): Tally {
  const counted = new Tally();
  for (let index = 1; index <= 10; index++) {
    const scene = index <= 5 ? "all well" : "one slow";
    counted.first(slower * index, scene, 100 * index);
    const seen = {
      ok: index < 10,
      endpoint: index % 2 === 0 ? "engine-1" : "engine-2",
      tpotMs: index < 10 ? 20 : undefined,
      promptTokens: index < 10 ? 100 : 0,
      cachedTokens: index < 10 ? 75 : 0,
      answer: "text",
    };
    counted.add(seen, scene, 100 * index);
  }
  return counted;
}

function picture(): InferencePicture {
  const engine: EngineView = { condition: "well", running: 3, waiting: 2, state: "healthy" };
  const down: EngineView = { condition: "down", running: undefined, waiting: undefined, state: "unhealthy" };
  const engines = new Map([
    ["engine-1", engine],
    ["engine-2", down],
  ]);
  return {
    elapsedMs: 5000,
    windowMs: 10_000,
    sides: ["Inference", "RoundRobin"].map((title, index) => ({
      title,
      figures: tally(index + 1).all(),
      failuresTotal: 1,
      engines,
    })),
    captions: [
      { atMs: 1000, by: "story", text: "all engines are well" },
      { atMs: 4000, by: "measured", text: "meanwhile" },
    ],
  };
}

test("figures are those of the answers", () => {
  const figures = tally(1).all();
  assert.equal(figures.requests, 10);
  assert.equal(figures.failures, 1);
  assert.equal(figures.ttftP50Ms, 5);
  assert.equal(figures.ttftP99Ms, 10);
  assert.equal(figures.tpotP50Ms, 20);
  assert.equal(figures.cachedRatio, 0.75);
  assert.equal(figures.engines.get("engine-1")?.share, 0.5);
});

test("a window and a scene hold what belongs to them", () => {
  const counted = tally(1);
  assert.equal(counted.since(901).requests, 1);
  assert.equal(counted.since(2000).ttftP50Ms, undefined);
  assert.equal(counted.inScene("one slow").ttftP50Ms, 8);
  assert.equal(counted.inScene("nothing").requests, 0);
});

test("both sides stand in every row, and no line is wider than the terminal", () => {
  const lines = drawPicture(picture(), 200).map((line) => paint(line, false));
  assert.ok(
    lines.some((line) => /^TTFT p50 ms +5\.0 +10 *$/.test(line)),
    lines.join("\n"),
  );
  assert.ok(lines.some((line) => /^engine-1 +well +50% +3 +2 +healthy +50% +3 +2 +healthy/.test(line)));
  assert.ok(lines.some((line) => /^engine-2 +down +50% +- +- +unhealthy/.test(line)));
  for (const width of [40, 79, 120]) {
    for (const line of drawPicture(picture(), width)) assert.ok(widthOf(line) <= width);
  }
  const fixed = drawPicture(picture(), 200).length;
  assert.equal(drawPicture({ ...picture(), captions: [] }, 200).length, fixed);
});

test("the plain line has the same figures", () => {
  const line = plainPicture(picture());
  assert.match(line, /^ {3}5 s {2}Inference 2\.0 req\/s TTFT p50 5\.0 p99 10 ms TPOT 20 ms cached 75%/);
  assert.match(line, /\| {2}RoundRobin .* failed 1 shares 50%\/50%$/);
});

test("the summary compares in all and by scene", () => {
  const sides = [
    { title: "Inference", tally: tally(1) },
    { title: "RoundRobin", tally: tally(2) },
  ];
  const lines = summaryLines(sides, ["all well", "nothing", "one slow"], 60_000);
  assert.ok(
    lines.some((line) => /^TTFT p99, ms +10 +20$/.test(line)),
    lines.join("\n"),
  );
  assert.ok(
    lines.some((line) => /^one slow +8\.0\/10 +16\/20 +1\/1$/.test(line)),
    lines.join("\n"),
  );
  assert.ok(!lines.some((line) => line.startsWith("nothing")));
  assert.equal(
    sceneLine(sides, 601),
    "meanwhile (p50 / p99) Inference TTFT 8.0 / 10 ms, 1 failed; RoundRobin TTFT 16 / 20 ms, 1 failed",
  );
});
