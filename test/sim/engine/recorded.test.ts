/**
 * The simulated model server against a real one: 300 ShareGPT requests on vLLM 0.19, an RTX 4090 and Llama-3.1-8B, short of memory.
 *
 * The kernels' constants come from profile tables of the machine alone; nothing is fitted to the run. Skipped where the
 * recordings are not at hand.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fitKernels } from "../../../src/sim/engine/fit-kernels.ts";
import type { KernelTimes } from "../../../src/sim/engine/kernel-times.ts";
import { RTX4090_8B } from "../../../src/sim/engine/profiles.ts";
import { assertNear } from "../kit.ts";
import { play } from "./kit.ts";
import { readRun, readTables } from "./recorded-run.ts";

const tables = readTables();
const run = readRun();
const absent = tables === undefined || run === undefined ? "no recordings at hand (PLIMSOLL_DATA)" : false;

describe("the model server against a recorded one", { skip: absent }, () => {
  it("has the constants that its profile tables give", () => {
    const fitted = fitKernels(tables!);
    for (const [name, value] of Object.entries(fitted) as [keyof KernelTimes, number][])
      assertNear(RTX4090_8B.kernels[name], value, 0.002, name);
  });

  it("meets times to the first token within 10 %, between tokens within 5 %", () => {
    const { witness, engine } = play(RTX4090_8B, run!.arrivals);
    const lives = run!.arrivals.map(({ id }) => witness.life(id));
    const ttftMs = lives.map((life) => life.firstMs - life.arrivedMs);
    const tpotMs = lives.map((life) => (life.lastMs - life.firstMs) / Math.max(1, life.tokens - 1));
    const latencyMs = lives.map((life) => life.lastMs - life.arrivedMs);
    for (const [what, figure] of FIGURES) {
      assertNear(figure(ttftMs), figure(run!.ttftMs), 0.1, `TTFT ${what}`);
      assertNear(figure(tpotMs), figure(run!.tpotMs), 0.05, `TPOT ${what}`);
      assertNear(figure(latencyMs), figure(run!.latencyMs), 0.1, `latency ${what}`);
    }
    assert.ok(engine.totals.preemptions > 100, "it is short of memory, as the real one was");
  });

  it("would not meet them with steps a tenth slower: the test can fail", () => {
    const slower = { ...RTX4090_8B, hostMs: 2.5 };
    const { witness } = play(slower, run!.arrivals);
    const tpotMs = run!.arrivals.map(({ id }) => {
      const life = witness.life(id);
      return (life.lastMs - life.firstMs) / Math.max(1, life.tokens - 1);
    });
    assert.ok(mean(tpotMs) > 1.05 * mean(run!.tpotMs));
  });
});

const FIGURES: readonly (readonly [string, (values: readonly number[]) => number])[] = [
  ["mean", mean],
  ["p90", (values) => quantile(values, 0.9)],
  ["p99", (values) => quantile(values, 0.99)],
];

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1]!;
}
