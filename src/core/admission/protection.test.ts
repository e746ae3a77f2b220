/** What admission is for, in virtual time: floods, overload, fairness, starvation. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_ADAPTIVE_LIMIT } from "../../model/policy.ts";
import type { ClassPolicy } from "./class-queue.ts";
import {
  BATCH,
  BUILT_IN,
  INTERACTIVE,
  policyOf,
  VirtualService,
  type Stream,
} from "./virtual-service.test.ts";

const PATIENT_MS = 60_000;

function steady(classIndex: number, perSec: number, serviceMs: number, more: Partial<Stream> = {}): Stream {
  return { classIndex, perSec: () => perSec, serviceMs, patienceMs: PATIENT_MS, ...more };
}

test("the tail of interactive work does not move when batch floods, and batch fills what is left", () => {
  // 64 slots; interactive needs 20 of them on average; batch wants 200 at a second each.
  const interactive = steady(INTERACTIVE, 1000, 20);
  const alone = new VirtualService(policyOf({ maxRequests: 64 }), 64, [interactive]);
  alone.run(120_000);
  const flooded = new VirtualService(policyOf({ maxRequests: 64 }), 64, [
    interactive,
    steady(BATCH, 200, 1000),
  ]);
  flooded.run(120_000);
  const from = 20_000;
  for (const q of [0.5, 0.99, 0.999]) {
    const before = alone.tookMs(0, q, from);
    const after = flooded.tookMs(0, q, from);
    assert.ok(after <= before * 1.05, `p${q * 100}: ${before} ms alone, ${after} ms flooded`);
  }
  const slots = flooded.admission.classes[BATCH]!.underWay;
  assert.ok(slots >= 20 && slots <= 44, `batch has ${slots}`);
});

/** Interactive work at 10 of 32 slots, and from `floodMs` on more batch than fits; after `fromMs`, with it and without. */
function floodOf(limit: Parameters<typeof policyOf>[0], floodMs: number, fromMs: number, seed: number) {
  const interactive = steady(INTERACTIVE, 100, 100);
  const batch = steady(BATCH, 0, 100, { perSec: (nowMs) => (nowMs < floodMs ? 0 : 1500) });
  const alone = new VirtualService(policyOf(limit), 32, [interactive], seed);
  const flooded = new VirtualService(policyOf(limit), 32, [interactive, batch], seed);
  const untilMs = fromMs + 100_000;
  alone.run(untilMs);
  flooded.run(untilMs);
  const served = flooded.done.filter(
    ({ stream, atMs, tookMs }) => stream === 1 && atMs >= fromMs && tookMs !== undefined,
  );
  return {
    slower: (q: number): number => flooded.tookMs(0, q, fromMs) / alone.tookMs(0, q, fromMs),
    /** Of the 22 slots that interactive leaves on average. */
    filled: served.length / 100 / 220,
  };
}

test("of what interactive leaves batch gets at least 85 %, where the limit is what there is", () => {
  for (const seed of [1, 2]) {
    const { slower, filled } = floodOf({ maxRequests: 32 }, 0, 10_000, seed);
    assert.ok(filled >= 0.85, `${filled}`);
    for (const q of [0.5, 0.99]) assert.ok(slower(q) <= 1.05, `p${q * 100} ${slower(q)}`);
  }
});

test("a flood of batch is in nobody's way ten seconds later, where nobody has told what there is", () => {
  for (const seed of [1, 2, 3, 4]) {
    const { slower, filled } = floodOf({ adaptive: DEFAULT_ADAPTIVE_LIMIT }, 15_000, 25_000, seed);
    for (const q of [0.5, 0.99]) assert.ok(slower(q) <= 1.1, `seed ${seed}: p${q * 100} ${slower(q)}`);
    assert.ok(filled >= 0.6, `seed ${seed}: ${filled}`);
  }
});

test("a flood that is there from the start is not taken for normal", () => {
  const { slower } = floodOf({ adaptive: DEFAULT_ADAPTIVE_LIMIT }, 0, 30_000, 3);
  for (const q of [0.5, 0.99]) assert.ok(slower(q) <= 1.1, `p${q * 100} ${slower(q)}`);
});

test("what interactive does not use for a while is lent out", () => {
  const bursts = steady(INTERACTIVE, 0, 20, { perSec: (nowMs) => (nowMs < 20_000 ? 1000 : 0) });
  const service = new VirtualService(policyOf({ maxRequests: 64 }), 64, [bursts, steady(BATCH, 200, 1000)]);
  service.run(20_000);
  const during = service.admission.classes[BATCH]!.underWay;
  service.run(160_000);
  const after = service.admission.classes[BATCH]!.underWay;
  assert.ok(during <= 44 && after === 64, `${during}, then ${after}`);
});

test("overload 1.3x for a minute, then 0.8x: goodput is back above 95 % within ten seconds", () => {
  // Twenty servers at 20 ms: 1000 per second. Clients leave after half a second, and the work is done regardless.
  const offered = (nowMs: number): number => (nowMs >= 30_000 && nowMs < 90_000 ? 1300 : 800);
  const stream = steady(INTERACTIVE, 0, 20, { perSec: offered, patienceMs: 500 });
  const unprotected = new VirtualService(policyOf({}), 20, [stream]);
  const adaptive = new VirtualService(policyOf({ adaptive: DEFAULT_ADAPTIVE_LIMIT }), 20, [stream]);
  unprotected.run(130_000);
  adaptive.run(80_000);
  assert.ok(adaptive.admission.limit >= 20 && adaptive.admission.limit <= 45, `${adaptive.admission.limit}`);
  adaptive.run(130_000);
  assert.ok(
    unprotected.goodputPerSec(95_000, 105_000) < 100,
    "without protection the backlog outlives the overload",
  );
  const during = adaptive.goodputPerSec(35_000, 90_000);
  assert.ok(during > 900, `${during} of 1000 per second under overload`);
  const after = adaptive.goodputPerSec(90_000, 100_000);
  assert.ok(after > 0.95 * 800, `${after} of 800 per second in the ten seconds after`);
});

test("classes of one priority share slots by weight while both want them", () => {
  const classes: readonly ClassPolicy[] = [
    { ...BUILT_IN[BATCH]!, name: "three", weight: 30 },
    { ...BUILT_IN[BATCH]!, name: "one", weight: 10 },
  ];
  // The lighter class has the longer requests: shares are of slots held, not of requests.
  const streams = [steady(0, 2000, 20), steady(1, 500, 100)];
  const service = new VirtualService(policyOf({ maxRequests: 20 }, classes), 20, streams);
  service.run(60_000);
  let held = [0, 0];
  for (let i = 0; i < 1000; i++) {
    service.run(service.nowMs + 50);
    held = held.map((sum, index) => sum + service.admission.classes[index]!.underWay);
  }
  const ratio = held[0]! / held[1]!;
  assert.ok(Math.abs(ratio - 3) < 0.3, `${ratio}`);
});

test("a tenant that floods does not take from another's share, and long requests count as such", () => {
  const streams = [
    steady(INTERACTIVE, 5000, 20, { tenant: "loud" }),
    steady(INTERACTIVE, 300, 20, { tenant: "modest" }),
    steady(INTERACTIVE, 1000, 60, { tenant: "heavy" }),
  ];
  const patient = { maxLength: 10_000, maxWaitMs: 1_000_000, overload: "in-order" } as const;
  const classes = [{ ...BUILT_IN[INTERACTIVE]!, queue: patient }];
  const service = new VirtualService(
    policyOf({ maxRequests: 20, maxPendingRequests: 5000 }, classes),
    20,
    streams,
  );
  service.run(30_000);
  const since = service.done.length;
  // The queue is full of the loud by then; the others are admitted to it as it moves.
  service.run(60_000);
  const slotMs = [0, 0, 0];
  for (const { stream, tookMs } of service.done.slice(since)) {
    if (tookMs !== undefined) slotMs[stream]! += streams[stream]!.serviceMs;
  }
  // A third of 20 slots for 30 s is 200,000 ms; modest asks for 6 slots, a little less than that.
  assert.ok(slotMs[0]! < 300_000, slotMs.join(" "));
  assert.ok(slotMs[2]! > 120_000, slotMs.join(" "));
});

test("the lowest class is served within the documented bound however the highest floods", () => {
  const streams = [
    steady(INTERACTIVE, 5000, 20),
    steady(1, 100, 20),
    steady(BATCH, 100, 20),
    steady(3, 100, 20),
  ];
  const service = new VirtualService(policyOf({ maxRequests: 8 }), 8, streams);
  service.run(60_000);
  for (const [index, queue] of service.admission.classes.entries()) {
    const served = service.done.filter(
      ({ stream, tookMs }) => stream === index && tookMs !== undefined,
    ).length;
    // 400 per second: a sixteenth goes below interactive, a sixteenth of that below streaming.
    assert.ok(served >= [20_000, 1_000, 60, 5][index]!, `${queue.policy.name} ${served}`);
  }
});

test("under overload the newest are served and the wait of those served is short", () => {
  const stream = steady(INTERACTIVE, 1500, 20);
  const service = new VirtualService(policyOf({ maxRequests: 20 }), 20, [stream]);
  service.run(30_000);
  const served = service.done.filter(({ atMs, tookMs }) => atMs > 5_000 && tookMs !== undefined);
  const waits = served.map(({ waitedMs }) => waitedMs).toSorted((a, b) => a - b);
  const p99 = waits[Math.floor(waits.length * 0.99)]!;
  assert.ok(p99 <= 100, `${p99} ms`);
  assert.ok(served.length / 25 > 950, "and the servers are kept busy");
});
