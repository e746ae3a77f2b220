/**
 * Runs of inference workloads: what policies are told, what becomes of requests, and that chance and arrivals are the same for all.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CONTENDERS } from "../../../src/sim/inference/contenders.ts";
import { figuresOf, quantiles } from "../../../src/sim/inference/figures.ts";
import { ttftLimitMs } from "../../../src/sim/inference/goodput.ts";
import { runInference, type InferenceRun } from "../../../src/sim/inference/run-inference.ts";
import { conversations } from "../../../src/sim/inference/workload/conversations.ts";
import { pressure } from "../../../src/sim/inference/workload/pressure.ts";
import { cacheBound, type Workload } from "../../../src/sim/inference/workload/workload.ts";
import { H100_8B } from "../../../src/sim/engine/profiles.ts";
import { assertNear } from "../kit.ts";
import { ORDINARY, Spy, steady } from "./kit.ts";

function runWith(workload: Workload, ratePerSec: number, policy: string): InferenceRun {
  return runInference({ ...ORDINARY, workload, ratePerSec, policy: CONTENDERS.get(policy)! });
}

describe("a run", () => {
  it("tells the policy each event once, in order, and answers everybody", () => {
    const spies: Spy[] = [];
    const workload = conversations({ seed: 3, requests: 600 });
    const run = runInference({
      ...ORDINARY,
      workload,
      ratePerSec: 60,
      gateways: 3,
      policy: () => {
        spies.push(new Spy());
        return spies.at(-1)!;
      },
    });
    assert.equal(spies.length, 3);
    for (const spy of spies) {
      assert.deepEqual(spy.faults, []);
      assert.equal(spy.open, 0);
      assert.ok(spy.notes > 0 && spy.chosen.length > 100);
    }
    assert.ok(run.calls.every((call) => call.end === "done" && call.generated === call.work.outputTokens));
    const generated = run.hosts.reduce((total, { engine }) => total + engine.totals.generatedTokens, 0);
    assert.equal(
      generated,
      run.calls.reduce((total, call) => total + call.work.outputTokens, 0),
    );
    for (const { engine } of run.hosts) assert.equal(engine.pool.free, engine.pool.size);
  });

  it("is the same to the last number with the same seed, and lets arrivals depend on nothing else", () => {
    const workload = conversations({ seed: 1, requests: 500 });
    const [first, again, other] = ["least-tokens", "least-tokens", "random"].map((policy) =>
      runWith(workload, 50, policy),
    );
    const times = (run: InferenceRun | undefined): readonly number[] =>
      run!.calls.flatMap(({ arrivedMs, firstMs, endedMs, slot }) => [arrivedMs, firstMs, endedMs, slot]);
    assert.deepEqual(times(first), times(again));
    assert.notDeepEqual(times(first), times(other));
    assert.deepEqual(
      first!.calls.map(({ arrivedMs }) => arrivedMs),
      other!.calls.map(({ arrivedMs }) => arrivedMs),
    );
    assert.deepEqual(
      conversations({ seed: 1, requests: 500 }).requests.slice(400),
      workload.requests.slice(400),
      "a workload depends on its seed alone",
    );
  });

  it("stretches arrivals to the rate", () => {
    const run = runWith(steady(50, 2), 40, "round-robin");
    assertNear(run.calls[49]!.arrivedMs, 49 * 25, 1e-9, "the last arrival");
  });

  it("scrapes as often as told, and metrics are old when they arrive", () => {
    const spy = new Spy();
    const run = runInference({
      ...ORDINARY,
      signals: { scrapeEveryMs: 50, scrapeDelayMs: 7, cacheEvents: undefined },
      workload: steady(100, 2),
      ratePerSec: 10,
      policy: () => spy,
    });
    assertNear(spy.reports.length, (2 * run.endMs) / 50, 0.02, "reports");
    for (const { atMs, asOfMs } of spy.reports) assertNear(atMs - asOfMs, 7, 1e-6, "age");
    assert.ok(spy.reports.some(({ running }) => running === 1));
    assert.equal(spy.reports[0]!.blocksTotal, Math.floor(H100_8B.kvTokens / 64));
  });

  it("publishes cache events from which every engine's cache can be told", () => {
    const spy = new Spy();
    const workload = pressure({ seed: 1, requests: 300 });
    const run = runInference({
      ...ORDINARY,
      signals: {
        scrapeEveryMs: Number.POSITIVE_INFINITY,
        scrapeDelayMs: 0,
        cacheEvents: { everyMs: 20, delayMs: 10, lossRatio: 0 },
      },
      workload: { ...workload, requests: workload.requests.map((one) => ({ ...one, outputTokens: 8 })) },
      ratePerSec: 20,
      policy: () => spy,
    });
    let cached = 0;
    for (const { slot, engine } of run.hosts) {
      // Those of the last twentieth of a second are still on their way.
      assertNear(spy.cached.get(slot)!.size, engine.pool.remembered, 0.06, `blocks of engine ${slot}`);
      cached += engine.pool.remembered;
    }
    assert.ok(cached > 10_000);
    assert.equal(spy.reports.length, 0);
  });

  it("loses the share of cache events it is told to", () => {
    const stored = (lossRatio: number): number => {
      const spy = new Spy();
      runInference({
        ...ORDINARY,
        signals: { ...ORDINARY.signals, cacheEvents: { everyMs: 20, delayMs: 10, lossRatio } },
        workload: steady(600, 2),
        ratePerSec: 20,
        policy: () => spy,
      });
      return spy.cached.get(0)!.size + spy.cached.get(1)!.size;
    };
    assertNear(stored(0.3) / stored(0), 0.7, 0.1, "what arrives");
  });

  it("ends early once too many have failed, and not before", () => {
    const workload = pressure({ seed: 1, requests: 600 });
    const policy = CONTENDERS.get("round-robin")!;
    const lost = runInference({ ...ORDINARY, workload, ratePerSec: 40, policy, stopBelow: 0.9 });
    assert.ok(lost.stopped && lost.calls.some(({ end }) => end === "open"));
    const held = runInference({ ...ORDINARY, workload, ratePerSec: 4, policy, stopBelow: 0.9 });
    assert.equal(held.stopped, false);
    assert.ok(figuresOf(held).goodput > 0.9);
  });

  it("hits at most what an endless cache would, and nearly that with a single engine of much memory", () => {
    const workload = conversations({ seed: 2, requests: 800 });
    const bound = cacheBound(workload);
    const one = { ...workload, fleet: [{ ...H100_8B, kvTokens: 1e7 }] };
    const { hitShare } = figuresOf(runWith(one, 8, "round-robin"));
    // Answers that overlap in time can make it miss what came before in order, and blocks of system prompts hit a little more.
    assert.ok(hitShare <= bound + 1e-9 && hitShare > 0.95 * bound, `${hitShare} of ${bound}`);
    const spread = figuresOf(runWith(workload, 8, "round-robin")).hitShare;
    assert.ok(spread < 0.8 * hitShare, `${spread} where nobody looks for the cache`);
  });
});

describe("figures", () => {
  it("takes quantiles by nearest rank", () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    assert.deepEqual(quantiles(values), { p50: 50, p90: 90, p99: 99 });
    assert.deepEqual(quantiles([]), { p50: 0, p90: 0, p99: 0 });
    assert.equal(quantiles([1, Number.POSITIVE_INFINITY]).p99, Number.POSITIVE_INFINITY);
  });

  it("allows a second and two prefills to the first token", () => {
    // H100 and 8B, 8,192 tokens: measured kernels take 201 ms, this fit 194, and one of the host's.
    assertNear(ttftLimitMs(8192, H100_8B), 1000 + 2 * 194, 0.01, "limit of a full step");
    assert.ok(ttftLimitMs(16_384, H100_8B) > 1000 + 4 * 194, "later chunks see more context");
  });
});
