/** The tables: shares, weights, what moves when membership changes, and that all gateways build the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint } from "../../model/endpoint.ts";
import { createTraits, writeTraits, type Traits } from "../signals/traits.ts";
import { hashText } from "./hash-key.ts";
import { fingerprint, inTableOrder, type HashTable } from "./hash-table.ts";
import { Maglev } from "./maglev.ts";
import { Ring } from "./ring.ts";
import { NONE } from "./two-choices.ts";

const WHOLE = Number.POSITIVE_INFINITY;
const KEYS = 100_000;

function traitsOf(count: number, weightOf: (slot: number) => number = () => 1): Traits {
  const traits = createTraits(count);
  for (let slot = 0; slot < count; slot++) {
    const key = `10.${slot >> 8}.${slot & 255}.7:8080`;
    const endpoint: Endpoint = {
      key,
      address: key,
      port: 8080,
      zone: undefined,
      displayName: undefined,
      condition: "ready",
      weight: weightOf(slot),
    };
    writeTraits(traits, slot, endpoint);
  }
  return traits;
}

function built<T extends HashTable>(table: T, slots: readonly number[], traits: Traits, step = WHOLE): T {
  table.begin(inTableOrder(slots, traits), traits);
  while (!table.step(step));
  return table;
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function owners(table: HashTable): Int32Array {
  return Int32Array.from({ length: KEYS }, (_, i) => table.lookup(hashText(`user-${i}`)));
}

/** Keys that changed hands, those of the slot that left or came not counted. */
function moved(before: Int32Array, after: Int32Array, changed: number): number {
  let count = 0;
  for (let i = 0; i < KEYS; i++) {
    if (before[i] !== after[i] && before[i] !== changed && after[i] !== changed) count++;
  }
  return count;
}

const TABLES: readonly (readonly [string, () => HashTable])[] = [
  ["maglev", () => new Maglev(65_537)],
  ["ring", () => new Ring(1024, 262_144)],
];

test("an empty table finds nobody, one member gets everything", () => {
  for (const [name, make] of TABLES) {
    const table = make();
    assert.equal(table.lookup(5), NONE, name);
    built(table, [], traitsOf(1));
    assert.equal(table.lookup(2 ** 31 - 1), NONE, name);
    built(table, [0], traitsOf(1));
    assert.ok(owners(table).every((slot) => slot === 0));
    assert.equal(table.lookup(0), 0);
    assert.equal(table.lookup(2 ** 31 - 1), 0);
  }
});

test("Maglev: every member has its entry count to within one", () => {
  for (const n of [3, 10, 1000]) {
    const table = built(new Maglev(65_537), range(n), traitsOf(n));
    const counts = new Int32Array(n);
    for (let hash = 0; hash < 65_537; hash++) {
      const slot = table.lookup(hash);
      counts[slot] = counts[slot]! + 1;
    }
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${n}`);
  }
});

test("ring: shares differ by about 1 / sqrt(points)", () => {
  const table = built(new Ring(1024, 262_144), range(100), traitsOf(100));
  assert.equal(table.size, 16_000);
  const counts = new Int32Array(100);
  for (const slot of owners(table)) counts[slot] = counts[slot]! + 1;
  const deviation = Math.sqrt(counts.reduce((sum, count) => sum + (count / 1000 - 1) ** 2, 0) / 100);
  assert.ok(deviation < 0.12, `${deviation}`);
});

test("shares follow weights", () => {
  for (const [name, make] of TABLES) {
    const table = built(
      make(),
      range(20),
      traitsOf(20, (slot) => (slot < 10 ? 1 : 3)),
    );
    const heavy = owners(table).filter((slot) => slot >= 10).length / KEYS;
    assert.ok(Math.abs(heavy - 0.75) < 0.04, `${name} ${heavy}`);
  }
});

/** Share of the keys that change hands when one of n leaves, in units of 1/n; the mean over those that leave. */
function disruption(make: () => HashTable, n: number, leavers = [0, n >> 1, n - 1]): number {
  const traits = traitsOf(n);
  const before = owners(built(make(), range(n), traits));
  let changed = 0;
  for (const gone of leavers) {
    const after = owners(
      built(
        make(),
        range(n).filter((slot) => slot !== gone),
        traits,
      ),
    );
    assert.ok(after.every((slot) => slot !== gone));
    changed += after.filter((slot, i) => slot !== before[i]).length;
  }
  return ((changed / leavers.length) * n) / KEYS;
}

test("the ring moves the keys of the one that leaves and no other", () => {
  const traits = traitsOf(1000);
  const before = owners(built(new Ring(1024, 262_144), range(1000), traits));
  const after = owners(built(new Ring(1024, 262_144), range(999), traits));
  assert.equal(moved(before, after, 999), 0);
  assert.ok(disruption(() => new Ring(1024, 262_144), 1000) < 1.3);
});

test("Maglev moves up to 3/n with some 2000 entries a member or 65537 for 200; with 65 a member 7/n", () => {
  assert.ok(disruption(() => new Maglev(65_537), 10) < 1.1);
  assert.ok(disruption(() => new Maglev(65_537), 200) < 3);
  assert.ok(disruption(() => new Maglev(2_000_003), 1000, [500]) < 3);
  const small = disruption(() => new Maglev(65_537), 1000);
  assert.ok(small > 4 && small < 8, `${small}: the docs say about 7`);
});

test("a joining member takes keys from all and little else moves", () => {
  const traits = traitsOf(201);
  for (const [name, make] of TABLES) {
    const before = owners(built(make(), range(200), traits));
    const after = owners(built(make(), range(201), traits));
    const strays = moved(before, after, 200);
    assert.ok(strays <= (name === "ring" ? 0 : (3 * KEYS) / 200), `${name} ${strays}`);
    assert.ok(after.some((slot) => slot === 200));
  }
});

test("built in steps or at once, in any slots and order: the same table", () => {
  const traits = traitsOf(50);
  for (const [name, make] of TABLES) {
    const whole = owners(built(make(), range(50), traits));
    assert.deepEqual(owners(built(make(), range(50).toReversed(), traits, 97)), whole, name);
  }
});

test("lookup on the ring agrees with a walk along it", () => {
  const traits = traitsOf(7);
  const ring = built(new Ring(8, 64), range(7), traits);
  // A neighbour one step further along is found by scanning hashes upwards until the owner changes.
  let changes = 0;
  let last = ring.lookup(0);
  for (let hash = 0; hash < 2 ** 31; hash += 2 ** 15) {
    const owner = ring.lookup(hash);
    if (owner !== last) changes++;
    last = owner;
  }
  assert.ok(changes > 20 && changes <= ring.size, `${changes} of ${ring.size}`);
  assert.equal(ring.lookup(2 ** 31 - 1), ring.lookup(0), "the ring closes");
});

test("the fingerprint knows membership and weights, not order", () => {
  const traits = traitsOf(100);
  const whole = fingerprint(range(100), traits);
  assert.equal(fingerprint(range(100).toReversed(), traits), whole);
  assert.notEqual(fingerprint(range(99), traits), whole);
  traits.weight[5] = 2;
  assert.notEqual(fingerprint(range(100), traits), whole);
});
