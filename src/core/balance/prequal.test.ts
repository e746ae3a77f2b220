/** Prequal: its parts against slow references, its rule by example, its behaviour with and without reports. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DEFAULT_BALANCING_OPTIONS } from "../../model/balancing.ts";
import type { Outcome } from "../../model/outcome.ts";
import type { Ticket } from "../../model/verdict.ts";
import { createPrng } from "../../std/prng.ts";
import { createColumns } from "../signals/columns.ts";
import { takeReport } from "../signals/load.ts";
import { FIRST_TRY } from "./pick-facts.ts";
import { PoolBrain } from "./pool-brain.ts";
import { Prequal } from "./prequal.ts";
import { reuseOf } from "./prequal-parameters.ts";
import { POOL_SIZE, ProbePool } from "./probe-pool.ts";
import { rifBucket, RifDistribution } from "./rif-distribution.ts";
import { SlotSet } from "./slot-set.ts";
import { Trace } from "./trace.ts";
import { keys, spec } from "./virtual-pool.test.ts";

const OK: Outcome = { kind: "success", status: 200, firstByteMs: 10, totalMs: 10 };

test("reuse is the paper's: worked examples, and no end to it in small pools", () => {
  const rounded = (value: number): number => Math.round(value * 100) / 100;
  assert.equal(rounded(reuseOf(3, 100)), 1.32);
  assert.equal(rounded(reuseOf(3, 10_000)), 1);
  assert.ok(reuseOf(3, 24) > 1000);
  assert.ok(reuseOf(3, 1) > 1000);
});

test("the quantile is that of a sorted list of the last 256, under any values", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3000), { maxLength: 700 }), fc.constantFrom(0.5, 0.84, 0.99), (values, q) => {
      const distribution = new RifDistribution(q);
      for (const [i, value] of values.entries()) {
        distribution.add(Float64Array.of(value), 0);
        const recent = values
          .slice(Math.max(0, i - 255), i + 1)
          .map(rifBucket)
          .toSorted((a, b) => a - b);
        assert.equal(distribution.threshold, recent[Math.ceil(q * recent.length) - 1]);
      }
    }),
    { seed: 3, numRuns: 60 },
  );
});

test("buckets rise with the value, one each below 128, never past the last", () => {
  let last = -1;
  for (let rif = 0; rif < 300_000; rif += rif < 300 ? 1 : 97) {
    const bucket = rifBucket(rif);
    assert.ok(bucket >= last && bucket < 256);
    if (rif < 128) assert.equal(bucket, rif);
    last = bucket;
  }
});

test("the pool: one entry per slot, bounded, the oldest goes first", () => {
  const columns = createColumns();
  const pool = new ProbePool();
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(15), fc.nat(30)), { maxLength: 100 }), (steps) => {
      pool.size = 0;
      let nowMs = 0;
      for (const [slot, forMs] of steps) {
        nowMs += forMs;
        const before = pool.size;
        const at = pool.place(columns, slot, 3, nowMs);
        assert.equal(pool.slots[at], slot);
        assert.ok(pool.size <= POOL_SIZE && pool.size >= before);
        assert.equal(new Set(pool.slots.subarray(0, pool.size)).size, pool.size);
      }
    }),
    { seed: 8, numRuns: 100 },
  );
});

/** A picker over `n` endpoints that have reported; `reports[slot]` is [rif, latency]. */
function reported(reports: readonly (readonly [number, number])[], seed = 1) {
  const columns = createColumns();
  const candidates = new SlotSet();
  const trace = new Trace();
  const options = { ...DEFAULT_BALANCING_OPTIONS, prequal: { probesPerRequest: 1 } };
  const members = (): readonly number[] => [...reports.keys()];
  const limit = (): number => 1000;
  const picker = new Prequal({
    columns,
    candidates,
    trace,
    options,
    members,
    inference: () => undefined,
    limit,
    prng: createPrng(seed),
  });
  for (const [slot, [inFlight, latencyMs]] of reports.entries()) {
    candidates.add(slot);
    takeReport(columns.load, slot, { inFlight, latencyMs }, 0);
    picker.reported(slot, 0);
  }
  return { columns, candidates, picker, trace };
}

test("if any is cold, the fastest cold one; hot is strictly above the quantile", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(20), fc.double({ min: 0.1, max: 500, noNaN: true })), {
        minLength: 2,
        maxLength: 16,
      }),
      (reports) => {
        const { picker } = reported(reports);
        const slot = picker.choose(FIRST_TRY, 10);
        const sorted = reports.map(([rif]) => rif).toSorted((a, b) => a - b);
        const threshold = sorted[Math.ceil(2 ** -0.25 * sorted.length) - 1]!;
        const cold = reports.filter(([rif]) => rif <= threshold);
        // The quantile is one of the values, so somebody is always cold.
        assert.ok(reports[slot]![0] <= threshold);
        assert.equal(reports[slot]![1], Math.min(...cold.map(([, latencyMs]) => latencyMs)));
      },
    ),
    { seed: 12, numRuns: 200 },
  );
});

test("sending adds to the probe's RIF, so that a burst spreads before the next report", () => {
  const { picker } = reported([
    [0, 1],
    [0, 50],
    [0, 60],
    [5, 2],
  ]);
  const chosen = Array.from({ length: 3 }, () => picker.choose(FIRST_TRY, 10));
  assert.deepEqual(chosen.slice(0, 1), [0]);
  const later = Array.from({ length: 12 }, () => picker.choose(FIRST_TRY, 20));
  assert.ok(later.includes(1) && later.includes(2), [...chosen, ...later].join());
});

test("an endpoint that fails fast is hot however idle and quick it says it is", () => {
  // One failure in twenty: not hot, but charged a hundred answers for each.
  for (const ratio of [0.9, 0.05]) {
    const { picker, columns } = reported([
      [0, 0.1],
      [0, 20],
      [0, 30],
      [0, 40],
    ]);
    columns.errorRatio[0] = ratio;
    columns.typicalMs[0] = 20;
    takeReport(columns.load, 0, { inFlight: 0, latencyMs: 0.1 }, 5);
    picker.reported(0, 5);
    assert.equal(picker.choose(FIRST_TRY, 10), 1);
    if (ratio === 0.9) for (let i = 0; i < 20; i++) assert.notEqual(picker.choose(FIRST_TRY, 10), 0);
  }
});

test("probes age in a second; with fewer than two it is chance", () => {
  const { picker, trace } = reported([
    [0, 1],
    [0, 50],
    [0, 60],
  ]);
  const seen = new Set(Array.from({ length: 60 }, () => picker.choose(FIRST_TRY, 1100)));
  assert.equal(seen.size, 3);
  assert.equal(trace.reason, 11);
});

test("a slot that changed hands is not taken for the endpoint that was probed", () => {
  const { picker, columns } = reported([
    [0, 1],
    [0, 50],
    [0, 60],
  ]);
  columns.generation[0] = 1;
  assert.equal(picker.choose(FIRST_TRY, 10), 1);
});

test("probes are asked for at the rate of requests, spread evenly, and never in floods", () => {
  const brain = new PoolBrain({ prng: createPrng(2) });
  brain.adopt(spec(keys(50), "Prequal", { balancing: { prequal: { probesPerRequest: 2 } } }), 0);
  assert.deepEqual(brain.probesWanted(), []);
  const asked = new Map<string, number>();
  for (let i = 0; i < 1000; i++) {
    const verdict = brain.pick(FIRST_TRY, i);
    if (verdict.kind === "send") brain.settle(verdict.ticket, OK, i);
    const wanted = brain.probesWanted().map(({ key }) => key);
    assert.equal(new Set(wanted).size, wanted.length);
    for (const key of wanted) asked.set(key, (asked.get(key) ?? 0) + 1);
  }
  const total = [...asked.values()].reduce((sum, count) => sum + count, 0);
  assert.ok(total > 1900 && total <= 2000, `${total}`);
  assert.equal(asked.size, 50);
  for (let i = 0; i < 1000; i++) brain.pick(FIRST_TRY, 2000);
  assert.ok(brain.probesWanted().length <= 32);
});

test("by own knowledge: a slow endpoint gets little, one that hangs gets next to nothing", () => {
  const brain = new PoolBrain({ prng: createPrng(4) });
  brain.adopt(spec(keys(40), "Prequal"), 0);
  const open: { readonly ticket: Ticket; readonly endMs: number }[] = [];
  const sent = new Map<string, number>();
  for (let nowMs = 0; nowMs < 20_000; nowMs++) {
    for (let i = open.length - 1; i >= 0; i--) {
      if (open[i]!.endMs > nowMs) continue;
      const { ticket } = open.splice(i, 1)[0]!;
      const totalMs = nowMs - ticket.pickedMs;
      brain.settle(ticket, { ...OK, firstByteMs: totalMs, totalMs }, nowMs);
    }
    const verdict = brain.pick(FIRST_TRY, nowMs);
    if (verdict.kind !== "send") throw new Error(verdict.reason);
    const { key } = verdict.ticket.endpoint;
    sent.set(key, (sent.get(key) ?? 0) + 1);
    const takesMs = key === "e0" ? 200 : key === "e1" ? 1e9 : 15;
    open.push({ ticket: verdict.ticket, endMs: nowMs + takesMs });
  }
  assert.ok(sent.get("e0")! < 200, `slow ${sent.get("e0")}`);
  assert.ok(sent.get("e1")! < 15, `hung ${sent.get("e1")}`);
  for (const key of keys(40).slice(2)) assert.ok(sent.get(key)! > 250, `${key} ${sent.get(key)}`);
});

test("reports replace own knowledge, and give way to it when they stop", () => {
  const brain = new PoolBrain({ prng: createPrng(6) });
  brain.adopt(spec(keys(10), "Prequal"), 0);
  const share = (fromMs: number, report: boolean): number => {
    let hits = 0;
    for (let i = 0; i < 2000; i++) {
      const nowMs = fromMs + i;
      const verdict = brain.pick(FIRST_TRY, nowMs);
      if (verdict.kind !== "send") continue;
      const { ticket } = verdict;
      // e0 is crowded by others: it says so, and nothing here shows it.
      const inFlight = ticket.endpoint.key === "e0" ? 50 : 1;
      if (report) brain.loadReported(ticket, { inFlight, latencyMs: 10 }, nowMs);
      if (ticket.endpoint.key === "e0") hits++;
      brain.settle(ticket, OK, nowMs);
    }
    return hits / 2000;
  };
  assert.ok(share(0, false) > 0.05);
  share(2000, true);
  const told = share(4000, true);
  assert.ok(told < 0.05, `${told}`);
  assert.ok(share(20_000, false) > 0.05, "forgotten");
});
