/** The arithmetic of zones and priorities: worked examples of Envoy's documents, and laws under any numbers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { levelLoads } from "./priorities.ts";
import { zoneShares, type Zone } from "./zones.ts";

function zones(...list: readonly (readonly [number, number | undefined])[]): readonly Zone[] {
  return list.map(([endpoints, utilisation], i) => ({ endpoints, utilisation, isLocal: i === 0 }));
}

function rounded(values: readonly number[]): readonly number[] {
  return values.map((value) => Math.round(value * 100));
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Where the shares come to rest while utilisation stays as it is. */
function settled(list: readonly Zone[], ticks = 500): readonly number[] {
  let shares = zoneShares(list, undefined);
  for (let tick = 0; tick < ticks; tick++) {
    const at = list.findIndex((zone) => zone.isLocal);
    shares = zoneShares(list, shares[at]);
  }
  return shares;
}

test("the local zone keeps its traffic while it has headroom, or the others are as full", () => {
  assert.deepEqual(rounded(settled(zones([10, 0.7], [10, 0.3], [10, 0.4]))), [97, 2, 1]);
  assert.deepEqual(rounded(settled(zones([10, undefined], [10, 0]))), [97, 3]);
  assert.deepEqual(rounded(settled(zones([10, 0.95], [10, 0.9]))), [97, 3]);
});

test("what does not fit leaves, by what the others can bear: a full one gets nothing", () => {
  // Envoy's example: 10 each at 0.3 and 0.4 share what leaves as 7 to 6.
  const shares = settled(zones([10, 0.8], [10, 0.3], [10, 0.4]), 5);
  assert.ok(Math.abs(shares[0]! - (0.97 - 5 * 0.3 * 0.1)) < 1e-9, `${shares[0]}`);
  assert.ok(Math.abs(shares[1]! / shares[2]! - 7 / 6) < 1e-9);
  assert.equal(settled(zones([10, 0.98], [10, 1.2], [30, 0.5]))[1], 0);
});

test("the local share comes to rest where the local zone is at what is tolerated", () => {
  // Both zones bear 100; the load is 120, measured with a lag of one tick.
  let local = 0.97;
  for (let tick = 0; tick < 100; tick++) {
    const made = zones([10, (local * 120) / 100], [10, ((1 - local) * 120) / 100]);
    local = zoneShares(made, local)[0]!;
  }
  assert.ok(Math.abs(local * 1.2 - 0.7) < 0.01, `${local}`);
});

test("without a usable local zone, by headroom; without headroom, by endpoints", () => {
  assert.deepEqual(rounded(zoneShares(zones([0, undefined], [10, 0.5], [30, 0.5]), 0.5)), [0, 25, 75]);
  assert.deepEqual(rounded(zoneShares(zones([1, 0], [1, 0], [2, 0]), undefined)), [25, 25, 50]);
  assert.deepEqual(rounded(zoneShares(zones([1, 1], [1, 1.5], [2, 1]), undefined)), [25, 25, 50]);
  assert.deepEqual(zoneShares(zones([0, 0], [0, 0]), undefined), [0, 0]);
  assert.deepEqual(zoneShares(zones([5, 0.99], [0, 0]), undefined), [1, 0]);
});

const anyZones = fc.array(
  fc.tuple(fc.nat(50), fc.option(fc.double({ min: 0, max: 2, noNaN: true }), { nil: undefined })),
  { minLength: 1, maxLength: 6 },
);

test("shares sum to one, none is negative, empty zones get none, steps are bounded", () => {
  fc.assert(
    fc.property(anyZones, fc.double({ min: 0.03, max: 0.97, noNaN: true }), (list, before) => {
      const made = zones(...list);
      const shares = zoneShares(made, before);
      const endpoints = total(made.map((zone) => zone.endpoints));
      assert.ok(Math.abs(total(shares) - (endpoints > 0 ? 1 : 0)) < 1e-9);
      for (const [i, share] of shares.entries()) {
        assert.ok(share >= 0 && Number.isFinite(share));
        if (made[i]!.endpoints === 0) assert.equal(share, 0);
      }
      if (made[0]!.endpoints >= 2 && total(made.slice(1).map((zone) => zone.endpoints)) > 0) {
        assert.ok(shares[0]! - before <= 0.02 + 1e-9 && before - shares[0]! <= 0.1 + 1e-9);
        assert.ok(shares[0]! <= 0.97 && shares[0]! >= 0.03);
      }
    }),
    { seed: 17, numRuns: 500 },
  );
});

test("priorities: Envoy's table", () => {
  const loads = (...levels: readonly (readonly [number, number])[]): readonly number[] =>
    rounded(levelLoads(levels.map(([well, present]) => ({ well, present }))).map(({ load }) => load));
  assert.deepEqual(loads([100, 100], [100, 100]), [100, 0]);
  assert.deepEqual(loads([72, 100], [100, 100]), [100, 0]);
  assert.deepEqual(loads([71, 100], [100, 100]), [99, 1]);
  assert.deepEqual(loads([50, 100], [100, 100]), [70, 30]);
  assert.deepEqual(loads([0, 100], [100, 100]), [0, 100]);
  assert.deepEqual(loads([25, 100], [25, 100]), [50, 50]);
  // Below one together: normalised, and panic where less than half is well.
  const short = levelLoads([
    { well: 20, present: 100 },
    { well: 40, present: 100 },
  ]);
  assert.deepEqual(
    short.map(({ panic }) => panic),
    [true, true],
  );
  const half = levelLoads([
    { well: 10, present: 100 },
    { well: 55, present: 100 },
  ]);
  assert.deepEqual(
    half.map(({ panic, load }) => [panic, Math.round(load * 100)]),
    [
      [true, 15],
      [false, 85],
    ],
  );
  // All in panic: by numbers.
  assert.deepEqual(loads([0, 100], [0, 300]), [25, 75]);
});

test("loads sum to one while anybody is there; a level that can carry all leaves nothing to the next", () => {
  const level = fc
    .nat(40)
    .chain((present) => fc.record({ present: fc.constant(present), well: fc.nat(present) }));
  fc.assert(
    fc.property(fc.array(level, { minLength: 1, maxLength: 5 }), (levels) => {
      const loads = levelLoads(levels);
      const present = total(levels.map((each) => each.present));
      assert.ok(Math.abs(total(loads.map(({ load }) => load)) - (present > 0 ? 1 : 0)) < 1e-9);
      const first = levels[0]!;
      if (first.present > 0 && first.well * 1.4 >= first.present) assert.equal(loads[0]!.load, 1);
      for (const [i, { load, panic }] of loads.entries()) {
        if (load > 0) assert.ok(levels[i]!.well > 0 || panic, "nobody well, nobody in panic");
      }
    }),
    { seed: 19, numRuns: 300 },
  );
});

test("a local zone that is lost keeps what it takes to see it come back, while another zone is sound", () => {
  const of = (isLocal: boolean, isLost: boolean): Zone => ({
    endpoints: 4,
    utilisation: 0.1,
    isLocal,
    isLost,
  });
  const [local, ...rest] = zoneShares([of(true, true), of(false, false), of(false, false)], 0.97);
  assert.equal(local, 0.03);
  assert.ok(Math.abs(rest[0]! - 0.485) < 1e-9 && Math.abs(rest[1]! - 0.485) < 1e-9);
  assert.ok(
    zoneShares([of(true, true), of(false, true)], 0.9)[0]! >= 0.9,
    "where all are lost, none is left",
  );
  assert.ok(zoneShares([of(true, false), of(false, true)], 0.9)[0]! >= 0.9);
});
