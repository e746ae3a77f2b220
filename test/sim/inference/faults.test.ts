/**
 * Faults of engines and of what they say of themselves, as gateways and clients meet them.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InferenceFault } from "../../../src/sim/inference/faults.ts";
import { runInference, type InferenceRun } from "../../../src/sim/inference/run-inference.ts";
import { ORDINARY, Spy, steady } from "./kit.ts";

function runWith(fault: InferenceFault): { readonly run: InferenceRun; readonly spy: Spy } {
  const spy = new Spy();
  const run = runInference({
    ...ORDINARY,
    signals: { ...ORDINARY.signals, cacheEvents: { everyMs: 20, delayMs: 10, lossRatio: 0 } },
    // Eleven seconds of arrivals, 27 ms apart, about 170 ms each.
    workload: steady(400, 2),
    ratePerSec: 37,
    faults: [fault],
    patienceMs: 2000,
    policy: () => spy,
  });
  assert.deepEqual(spy.faults, []);
  assert.equal(spy.open, 0);
  return { run, spy };
}

const count = ({ calls }: InferenceRun, end: string): number =>
  calls.filter((call) => call.end === end).length;

describe("faults", () => {
  it("crash: what had begun is cut, the rest is tried elsewhere, and the engine comes back", () => {
    const { run, spy } = runWith({ kind: "crash", slot: 1, from: 0.3, until: 0.4 });
    const cut = count(run, "truncated");
    assert.ok(cut >= 1 && cut <= 10, `${cut} cut`);
    assert.equal(count(run, "done"), 400 - cut);
    assert.ok((spy.ends.get("connect-failure") ?? 0) + (spy.ends.get("broken") ?? 0) > cut);
    assert.equal(spy.clears, 1);
    const back = run.calls.filter(({ arrivedMs, slot }) => arrivedMs > 9500 && slot === 1);
    assert.ok(back.length > 5, "it is used again");
    assert.ok(run.calls.every(({ tries }) => tries >= 1 && tries <= 3));
  });

  it("hang: clients leave when their patience ends, those inside go on afterwards", () => {
    const { run, spy } = runWith({ kind: "hang", slot: 0, from: 0.3, until: 0.7 });
    const left = count(run, "abandoned");
    // Four seconds, half of 37 a second, but those of the last two are served in time.
    assert.ok(left > 30 && left < 50, `${left} left`);
    assert.equal(count(run, "done"), 400 - left);
    assert.equal(spy.ends.get("cancelled"), left);
    for (const call of run.calls)
      if (call.end === "abandoned") assert.equal(Math.round(call.endedMs - call.arrivedMs), 2000);
  });

  it("slow: answers take as many times as long, while it lasts", () => {
    const { run } = runWith({ kind: "slow", slot: 0, from: 0.3, until: 0.7, factor: 3 });
    const mean = (slot: number, fromMs: number, untilMs: number): number => {
      const calls = run.calls.filter(
        (call) => call.slot === slot && call.arrivedMs > fromMs && call.endedMs < untilMs,
      );
      return calls.reduce((total, call) => total + call.tpotMs, 0) / calls.length;
    };
    assert.ok(mean(0, 4000, 7000) > 2.5 * mean(1, 4000, 7000));
    assert.ok(mean(0, 8500, 10_500) < 1.2 * mean(1, 8500, 10_500));
  });

  it("frozen metrics stay what they were, lying ones are off by the factor", () => {
    const frozen = runWith({ kind: "freeze-metrics", slot: 0, from: 0.3, until: 0.7 }).spy.reports;
    const values = (slot: number): readonly string[] =>
      frozen
        .filter((one) => one.slot === slot && one.asOfMs > 3300 && one.asOfMs < 7500)
        .map(({ running, kvUsedRatio, prefixHitRatio }) => `${running} ${kvUsedRatio} ${prefixHitRatio}`);
    assert.equal(new Set(values(0)).size, 1);
    assert.ok(new Set(values(1)).size > 1);
    const lies = runWith({ kind: "lie", slot: 0, from: 0, until: 1, factor: 10 }).spy.reports;
    assert.ok(lies.some(({ slot, running }) => slot === 0 && running! >= 10 && running! % 10 === 0));
    assert.ok(lies.every(({ slot, running }) => slot === 0 || running! < 10));
  });
});
