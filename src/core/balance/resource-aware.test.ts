/** ResourceAware: both formulas by example, the times of A58, where shares come to rest, and life without reports. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_BALANCING_OPTIONS, RESOURCE_PROFILES, type ResourcePolicy } from "../../model/balancing.ts";
import type { LoadReport } from "../../model/load-report.ts";
import type { Outcome } from "../../model/outcome.ts";
import { createPrng } from "../../std/prng.ts";
import { createLoad, takeReport } from "../signals/load.ts";
import { FIRST_TRY } from "./pick-facts.ts";
import { PoolBrain } from "./pool-brain.ts";
import { utilisationOf } from "./resource-utilisation.ts";
import { resourceWeight } from "./resource-weight.ts";
import { keys, spec, VirtualPool } from "./virtual-pool.test.ts";

const OK: Outcome = { kind: "success", status: 200, firstByteMs: 10, totalMs: 10 };
const { resource: DEFAULT } = DEFAULT_BALANCING_OPTIONS;
const SOURCE: ResourcePolicy = { ...DEFAULT, formula: "source-text" };

function weightOf(report: LoadReport, policy: ResourcePolicy, ownPerSec = 0): number {
  const load = createLoad(4);
  takeReport(load, 2, report, 0);
  return resourceWeight(load, 2, policy, ownPerSec);
}

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= 1e-9 * Math.abs(expected), `${actual} is not ${expected}`);
}

test("throughput over utilisation, errors charged; what is missing is not known", () => {
  near(weightOf({ cpu: 0.5, requestsPerSec: 100 }, DEFAULT), 200);
  near(weightOf({ cpu: 0.5, requestsPerSec: 100, errorsPerSec: 50 }, DEFAULT), 100);
  near(weightOf({ application: 0.25, cpu: 0.9, requestsPerSec: 100 }, DEFAULT), 400);
  near(weightOf({ cpu: 0.5 }, DEFAULT, 30), 60);
  assert.equal(weightOf({ cpu: 0.5 }, DEFAULT), 0);
  assert.equal(weightOf({ requestsPerSec: 100 }, DEFAULT), 0);
  assert.equal(weightOf({ cpu: 0, requestsPerSec: 100 }, DEFAULT), 0);
});

test("the source text's formula, to the letter", () => {
  near(weightOf({ cpu: 0.4, memory: 0.9, networkMbitPerSec: 250 }, SOURCE), (1 / 0.5) * (1 / 1) * 0.25);
  near(weightOf({ cpu: 0, memory: 0, networkMbitPerSec: 1000 }, SOURCE), 100);
  assert.equal(weightOf({ cpu: 0.4, memory: 0.9 }, SOURCE), 0);
});

test("a profile says which resources count and how", () => {
  const load = createLoad(1);
  takeReport(load, 0, { cpu: 0.2, memory: 0.8, network: 0.4, disk: 0.6, gpu: 0.9 }, 0);
  const by = (profile: keyof typeof RESOURCE_PROFILES): number =>
    utilisationOf(load, 0, { formula: "throughput", ...RESOURCE_PROFILES[profile] });
  near(by("cpu"), 0.2);
  near(by("memory"), (0.2 * 0.5 + 0.8) / 1.5);
  near(by("io"), 0.6);
  near(by("gpu"), 0.9);
  near(by("balanced"), (0.2 + 0.4 + 0.2 + 0.3 + 0.9) / 3.5);
  const silent = createLoad(1);
  takeReport(silent, 0, { cpu: 0.2 }, 0);
  assert.ok(utilisationOf(silent, 0, { formula: "throughput", ...RESOURCE_PROFILES.gpu }) < 0);
});

function sharesOf(brain: PoolBrain, nowMs: number): readonly number[] {
  return brain.weigh(nowMs).map(({ share }) => share);
}

function brainOf(n: number, resource: ResourcePolicy = DEFAULT): PoolBrain {
  const brain = new PoolBrain({ prng: createPrng(1) });
  brain.adopt(spec(keys(n), "ResourceAware", { balancing: { resource } }), 0);
  return brain;
}

test("blackout 10 s, mean for the unknown, fading from 30 s, forgotten after 3 min, none below two", () => {
  const brain = brainOf(3);
  const report = (fromMs: number, toMs: number, who: readonly number[]): void => {
    for (let nowMs = fromMs; nowMs <= toMs; nowMs += 1000) {
      for (const i of who) {
        brain.loadReported(`e${i}`, { cpu: 0.5, requestsPerSec: i === 0 ? 300 : 100 }, nowMs);
      }
      brain.rebalance(nowMs);
    }
  };
  const even = (shares: readonly number[]): void => {
    for (const share of shares) near(share, 1 / 3);
  };
  report(0, 9000, [0, 1]);
  even(sharesOf(brain, 9000));
  report(10_000, 12_000, [0, 1]);
  // Relative weights 1.5 and 0.5 pulled by a tenth; the third has the mean.
  const known = sharesOf(brain, 12_000);
  near(known[0]!, 1.45 / 3);
  near(known[1]!, 0.55 / 3);
  near(known[2]!, 1 / 3);
  brain.rebalance(12_000 + 105_000);
  near(sharesOf(brain, 117_000)[0]!, 1.225 / 3);
  brain.rebalance(12_000 + 181_000);
  even(sharesOf(brain, 200_000));
  report(300_000, 330_000, [0]);
  even(sharesOf(brain, 330_000));
});

test("picks follow the weights", () => {
  const brain = brainOf(4, { ...DEFAULT, formula: "source-text" });
  const reports = [800, 400, 200, 200];
  for (let nowMs = 0; nowMs <= 20_000; nowMs += 1000) {
    for (const [i, networkMbitPerSec] of reports.entries()) {
      brain.loadReported(`e${i}`, { cpu: 0.4, memory: 0.4, networkMbitPerSec }, nowMs);
    }
    brain.rebalance(nowMs);
  }
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 8000; i++) {
    const verdict = brain.pick(FIRST_TRY, 20_000);
    if (verdict.kind !== "send") continue;
    counts[verdict.ticket.slot] = counts[verdict.ticket.slot]! + 1;
    brain.settle(verdict.ticket, OK, 20_000);
  }
  for (const [i, expected] of [4000, 2000, 1000, 1000].entries()) {
    assert.ok(Math.abs(counts[i]! - expected) < 20, counts.join());
  }
});

test("shares come to rest where all are equally full, and stay there", () => {
  const brain = brainOf(6);
  const capacity = [100, 100, 200, 200, 400, 400];
  const noise = createPrng(3);
  const inFlight: { readonly endMs: number; readonly settle: () => void }[] = [];
  const fullness: number[][] = [];
  for (let second = 0; second < 90; second++) {
    const sent = capacity.map(() => 0);
    for (let i = 0; i < 700; i++) {
      const nowMs = second * 1000 + (i * 1000) / 700;
      while (inFlight.length > 0 && inFlight[0]!.endMs <= nowMs) inFlight.shift()!.settle();
      const verdict = brain.pick(FIRST_TRY, nowMs);
      if (verdict.kind !== "send") continue;
      const { ticket } = verdict;
      sent[ticket.slot] = sent[ticket.slot]! + 1;
      inFlight.push({ endMs: nowMs + 20, settle: () => brain.settle(ticket, OK, nowMs + 20) });
    }
    const nowMs = (second + 1) * 1000;
    for (const [slot, count] of sent.entries()) {
      // A base utilisation, and a report that is off by up to 10 %.
      const cpu = 0.03 + (count / capacity[slot]!) * (0.9 + 0.2 * noise.float());
      brain.loadReported(`e${slot}`, { cpu, requestsPerSec: count }, nowMs);
    }
    brain.rebalance(nowMs);
    fullness.push(sent.map((count, slot) => count / capacity[slot]!));
  }
  const late = fullness.slice(-30);
  for (let slot = 0; slot < 6; slot++) {
    const mean = late.reduce((sum, each) => sum + each[slot]!, 0) / late.length;
    // All equally full would be 0.5 each; by even shares the small ones would stand at 1.17, the big ones at 0.29.
    assert.ok(mean > 0.38 && mean < 0.62, `e${slot} ${mean}`);
    for (const each of late) assert.ok(Math.abs(each[slot]! - mean) < 0.2 * mean, `e${slot} swings`);
  }
});

test("without reports it is PeakEwma over turns: one that hangs or fails is shunned", () => {
  for (const kind of ["timeout", "server-error"] as const) {
    const pool = new VirtualPool(spec(keys(10), "ResourceAware"), (key) =>
      key === "e0" ? { kind, afterMs: kind === "timeout" ? 30_000 : 1 } : { kind: "success", afterMs: 10 },
    );
    pool.run(5000, 5);
    const sent = pool.run(20_000, 5);
    assert.ok((sent.get("e0") ?? 0) < 80, `${kind} ${sent.get("e0")}`);
  }
});
