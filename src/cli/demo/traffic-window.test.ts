/** Shares, rates and quantiles over a sliding window, on a hand-cranked clock. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { quantile, TrafficWindow } from "./traffic-window.ts";

test("quantiles are nearest-rank and undefined for nothing", () => {
  assert.equal(quantile([], 0.5), undefined);
  assert.equal(quantile([7], 0.99), 7);
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  assert.equal(quantile(hundred, 0.5), 50);
  assert.equal(quantile(hundred, 0.99), 99);
});

test("shares are of the responses that name an endpoint; failures count apart", () => {
  const window = new TrafficWindow(1000);
  for (let i = 0; i < 8; i += 1) {
    window.add({ atMs: i * 100, endpoint: i < 6 ? "a" : "b", latencyMs: i + 1, ok: i !== 7 });
  }
  window.add({ atMs: 800, endpoint: undefined, latencyMs: 1, ok: false });
  const traffic = window.read(900);
  assert.equal(traffic.endpoints.get("a")?.share, 0.75);
  assert.equal(traffic.endpoints.get("b")?.share, 0.25);
  assert.equal(traffic.endpoints.get("b")?.failures, 1);
  assert.equal(traffic.endpoints.get("a")?.p50Ms, 3);
  assert.equal(traffic.endpoints.get("a")?.p99Ms, 6);
  assert.equal(traffic.failures, 2);
});

test("the rate is over the time there has been until the window is full, then over the window", () => {
  const window = new TrafficWindow(1000);
  for (let atMs = 0; atMs < 3000; atMs += 10) window.add({ atMs, endpoint: "a", latencyMs: 1, ok: true });
  assert.equal(Math.round(window.read(2999).ratePerSec), 100);
  const young = new TrafficWindow(1000);
  for (let atMs = 0; atMs < 200; atMs += 10) young.add({ atMs, endpoint: "a", latencyMs: 1, ok: true });
  assert.equal(Math.round(young.read(200).ratePerSec), 100);
});

test("what is older than the window is forgotten, however much has passed through", () => {
  const window = new TrafficWindow(1000);
  for (let atMs = 0; atMs < 20_000; atMs += 2) {
    window.add({ atMs, endpoint: atMs < 15_000 ? "old" : "new", latencyMs: 1, ok: true });
    if (atMs % 500 === 0) window.read(atMs);
  }
  assert.deepEqual([...window.read(20_000).endpoints.keys()], ["new"]);
  assert.equal(window.read(20_000).endpoints.get("new")?.requests, 500);
  assert.equal(window.read(60_000).endpoints.size, 0);
});
