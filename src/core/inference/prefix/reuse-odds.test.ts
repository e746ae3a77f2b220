/** The odds that an idle block is asked for again: known answers, censoring by eviction, forgetting. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ReuseOdds } from "./reuse-odds.ts";

test("are nil where nothing was ever asked for again, and for ever after", () => {
  const odds = new ReuseOdds();
  assert.equal(odds.of(1000), 0);
  for (let i = 0; i < 500; i++) odds.evicted(8000);
  assert.equal(odds.of(1000), 0);
  assert.equal(odds.of(Number.POSITIVE_INFINITY), 0);
});

test("fall with age where what comes back comes back soon", () => {
  const odds = new ReuseOdds();
  for (let i = 0; i < 2000; i++) {
    odds.hit(1000 + (i % 10) * 100, 1);
    odds.evicted(30_000);
  }
  assert.ok(Math.abs(odds.of(500) - 0.5) < 0.02, `${odds.of(500)} of half`);
  assert.ok(odds.of(5000) < 0.01);
  for (let ageMs = 100; ageMs < 60_000; ageMs *= 1.3) assert.ok(odds.of(ageMs * 1.3) <= odds.of(ageMs));
});

test("do not take an early eviction for a block nobody wanted", () => {
  const odds = new ReuseOdds();
  // Of a hundred, half are pushed out young; of the others nine in ten are asked for again later.
  for (let i = 0; i < 2000; i++) {
    odds.evicted(200);
    if (i % 10 === 0) odds.evicted(20_000);
    else odds.hit(9000, 1);
  }
  assert.ok(Math.abs(odds.of(100) - 0.9) < 0.03, `${odds.of(100)} of 0.9`);
});

test("forget what was long ago", () => {
  const odds = new ReuseOdds();
  for (let i = 0; i < 1000; i++) odds.hit(1000, 100);
  assert.ok(odds.of(500) > 0.95);
  for (let i = 0; i < 1_000_000; i++) odds.evicted(5000);
  assert.ok(odds.of(500) < 0.1, `${odds.of(500)}`);
});
