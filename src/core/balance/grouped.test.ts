/** A divided pool in virtual time: local first, spill under load, failover, and all laws of the whole pool kept. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint } from "../../model/endpoint.ts";
import type { Outcome } from "../../model/outcome.ts";
import type { PoolSpec } from "../../model/pool.ts";
import type { Ticket } from "../../model/verdict.ts";
import { createPrng } from "../../std/prng.ts";
import { hashText } from "./hash-key.ts";
import type { PickFacts } from "./pick-facts.ts";
import { PoolBrain } from "./pool-brain.ts";
import { endpoint, POLICIES, spec } from "./virtual-pool.test.ts";

const OK: Outcome = { kind: "success", status: 200, firstByteMs: 10, totalMs: 10 };

function inZone(zone: string, count: number, priority = 0): readonly Endpoint[] {
  return Array.from({ length: count }, (_, i) => ({
    ...endpoint(`${zone}${priority}-${i}`),
    zone,
    priority,
  }));
}

function brainOf(adopted: PoolSpec, seed = 1): PoolBrain {
  const brain = new PoolBrain({ prng: createPrng(seed), localZone: "a" });
  brain.adopt(adopted, 0);
  return brain;
}

function send(brain: PoolBrain, nowMs: number, facts: PickFacts = { tried: [] }): Ticket {
  const verdict = brain.pick(facts, nowMs);
  if (verdict.kind !== "send") throw new Error(verdict.reason);
  return verdict.ticket;
}

/** Share of `count` requests per zone and priority, each settled at once. */
function shares(brain: PoolBrain, count: number, nowMs: number): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const ticket = send(brain, nowMs);
    const group = ticket.endpoint.key.split("-")[0]!;
    counts.set(group, (counts.get(group) ?? 0) + 1 / count);
    brain.settle(ticket, OK, nowMs);
  }
  return counts;
}

function tell(brain: PoolBrain, zone: string, count: number, cpu: number, nowMs: number): void {
  for (let i = 0; i < count; i++) brain.loadReported(`${zone}0-${i}`, { cpu, requestsPerSec: 10 }, nowMs);
}

test("the local zone serves alone but for the probes, with every policy", () => {
  for (const policy of POLICIES) {
    const brain = brainOf(spec([...inZone("a", 4), ...inZone("b", 4), ...inZone("c", 4)], policy));
    const seen = shares(brain, 4000, 0);
    assert.ok(seen.get("a0")! > 0.95 && seen.get("a0")! < 0.985, `${policy} ${seen.get("a0")}`);
    assert.ok(seen.get("b0")! > 0.005 && seen.get("c0")! > 0.005, policy);
    const weighed = brain.weigh(0);
    const local = weighed.filter(({ key }) => key.startsWith("a")).reduce((sum, each) => sum + each.share, 0);
    assert.ok(Math.abs(local - 0.97) < 1e-9, `${policy} ${local}`);
  }
});

test("none is preferred where the zone is not known, not among them, or not wanted", () => {
  const endpoints = [...inZone("b", 5), ...inZone("c", 5)];
  const seen = shares(brainOf(spec(endpoints, "Random")), 4000, 0);
  assert.ok(seen.get("b0")! > 0.45 && seen.get("b0")! < 0.55);
  const unwanted = spec([...inZone("a", 5), ...inZone("c", 5)], "Random", {
    balancing: { zones: { prefer: "none" } },
  });
  assert.ok(shares(brainOf(unwanted), 4000, 0).get("a0")! < 0.55);
});

test("what does not fit spills, at most a tenth a second, and comes back", () => {
  const brain = brainOf(spec([...inZone("a", 5), ...inZone("b", 5)], "LeastRequest"));
  const local: number[] = [];
  for (let second = 1; second <= 90; second++) {
    const nowMs = second * 1000;
    // The report follows the share: alone, the local zone would stand at 1.4.
    const share = local.at(-1) ?? 1;
    tell(brain, "a", 5, (second < 50 ? 1.4 : 0.5) * share, nowMs);
    tell(brain, "b", 5, 0.4, nowMs);
    brain.rebalance(nowMs);
    local.push(
      brain.weigh(nowMs).reduce((sum, each) => sum + (each.key.startsWith("a") ? each.share : 0), 0),
    );
  }
  assert.ok(Math.abs(local[48]! - 0.5) < 0.03, `half of it fits: ${local[48]}`);
  assert.ok(Math.abs(local[89]! - 0.97) < 1e-6, `${local[89]}`);
  for (let i = 1; i < local.length; i++) assert.ok(Math.abs(local[i]! - local[i - 1]!) <= 0.1 + 1e-9);
});

test("an overloaded local zone is relieved by what the gateway itself sees, without swinging", () => {
  // Each endpoint serves one request at a time in 10 ms; 600/s on four local endpoints that bear 400/s.
  const brain = brainOf(spec([...inZone("a", 4), ...inZone("b", 4)], "LeastRequest"));
  const crank = createPrng(5);
  const freeAtMs = new Map<string, number>();
  const open: { readonly ticket: Ticket; readonly endMs: number }[] = [];
  const local: number[] = [];
  let hits = 0;
  let count = 0;
  let nowMs = 0;
  const rate = (): number => (nowMs < 20_000 ? 100 : 600);
  for (let nextTick = 1000; nowMs < 80_000;) {
    nowMs += (-Math.log(1 - crank.float()) * 1000) / rate();
    for (let i = open.length - 1; i >= 0; i--) {
      const { ticket, endMs } = open[i]!;
      if (endMs > nowMs) continue;
      open.splice(i, 1);
      const totalMs = endMs - ticket.pickedMs;
      brain.settle(ticket, { ...OK, firstByteMs: totalMs, totalMs }, endMs);
    }
    const ticket = send(brain, nowMs);
    const { key } = ticket.endpoint;
    const endMs = Math.max(nowMs, freeAtMs.get(key) ?? 0) - Math.log(1 - crank.float()) * 10;
    freeAtMs.set(key, endMs);
    open.push({ ticket, endMs });
    count++;
    if (key.startsWith("a")) hits++;
    if (nowMs < nextTick) continue;
    brain.rebalance(nowMs);
    local.push(hits / count);
    hits = 0;
    count = 0;
    nextTick += 1000;
  }
  const calm = local.slice(5, 19);
  assert.ok(Math.min(...calm) > 0.8, `calm ${Math.min(...calm)}`);
  const late = local.slice(45);
  const mean = late.reduce((sum, share) => sum + share, 0) / late.length;
  assert.ok(mean > 0.3 && mean < 0.66, `under load ${mean}`);
  assert.ok(Math.max(...late) - Math.min(...late) < 0.45, late.map((each) => each.toFixed(2)).join(" "));
});

test("priorities: the next level takes what the first cannot carry, at once", () => {
  const brain = brainOf(spec([...inZone("x", 10, 0), ...inZone("y", 10, 1)], "Random"));
  assert.equal(shares(brain, 1000, 0).get("y1"), undefined);
  for (let i = 0; i < 5; i++) brain.setHealthy(`x0-${i}`, false, 0);
  brain.rebalance(1);
  const half = shares(brain, 4000, 1);
  assert.ok(Math.abs(half.get("x0")! - 0.7) < 0.04, `${half.get("x0")}`);
  for (let i = 5; i < 10; i++) brain.setHealthy(`x0-${i}`, false, 1);
  // The pool as a whole is at half and not in panic; nobody of the first level may serve, even before the tick.
  assert.equal(shares(brain, 1000, 1).get("y1")! > 0.999, true);
  brain.setHealthy("y1-0", false, 1);
  brain.rebalance(2);
  // The pool is in panic now, the second level is not: its nine carry all.
  const seen = new Set<string>();
  for (let i = 0; i < 2000; i++) {
    const ticket = send(brain, 2);
    seen.add(ticket.endpoint.key);
    brain.settle(ticket, OK, 2);
  }
  assert.equal(seen.size, 9, [...seen].join());
});

test("panic in every level: all serve, by numbers", () => {
  const brain = brainOf(spec([...inZone("x", 10, 0), ...inZone("y", 30, 1)], "Random"));
  for (const { key } of brain.report(0)) brain.setHealthy(key, false, 0);
  brain.rebalance(1);
  const seen = shares(brain, 4000, 1);
  assert.ok(Math.abs(seen.get("x0")! - 0.25) < 0.04, `${seen.get("x0")}`);
});

test("a group without room, or tried out, gives way to another", () => {
  const endpoints = [...inZone("a", 2), ...inZone("b", 2)];
  for (const policy of POLICIES) {
    const brain = brainOf(spec(endpoints, policy, { maxConnections: 1 }));
    const keys = [1, 2, 3, 4].map(() => send(brain, 0).endpoint.key);
    assert.equal(new Set(keys).size, 4, policy);
    assert.deepEqual(brain.pick({ tried: [] }, 0), { kind: "refuse", reason: "pool-full" });
    const other = brainOf(spec(endpoints, policy));
    const tried: number[] = [];
    for (let i = 0; i < 4; i++) {
      const ticket = send(other, 0, { tried, hash: 77 });
      assert.ok(!tried.includes(ticket.slot), policy);
      tried.push(ticket.slot);
    }
    assert.equal(other.pick({ tried }, 0).kind, "send");
  }
});

test("what failed in one zone is tried in another, as long as there is one", () => {
  for (const policy of POLICIES) {
    const brain = brainOf(
      spec([...inZone("a", 4), ...inZone("b", 4), ...inZone("c", 2), ...inZone("d", 9, 1)], policy),
    );
    for (let i = 0; i < 50; i++) {
      const tried: number[] = [];
      const zones: string[] = [];
      for (let attempt = 0; attempt < 4; attempt++) {
        const ticket = send(brain, i, { tried, hash: hashText(`k${i}`) });
        brain.settle(ticket, OK, i);
        tried.push(ticket.slot);
        zones.push(ticket.endpoint.zone!);
      }
      assert.deepEqual(zones.slice(0, 3).toSorted(), ["a", "b", "c"], policy);
      assert.notEqual(zones[3], "d", "of the same level while somebody is untried");
      assert.equal(new Set(tried).size, 4, policy);
    }
  }
});

test("a key stays in its zone and at its endpoint", () => {
  const brain = brainOf(spec([...inZone("a", 4), ...inZone("b", 4)], "ConsistentHash"));
  for (let i = 0; i < 200; i++) {
    const facts = { tried: [], hash: hashText(`k${i}`) };
    const keys = new Set([1, 2, 3].map(() => send(brain, 0, facts).endpoint.key));
    assert.ok(keys.size === 1, [...keys].join());
    if (i % 20 === 19) brain.adopt(spec([...inZone("a", 4), ...inZone("b", 4)], "ConsistentHash"), 0);
  }
});

test("explanations name the group, and agree with the pick", () => {
  for (const policy of POLICIES) {
    const brain = brainOf(spec([...inZone("a", 4), ...inZone("b", 4), ...inZone("c", 4, 1)], policy));
    for (let i = 0; i < 200; i++) {
      const explanation = brain.explain({ tried: [] }, i * 7);
      const ticket = send(brain, i * 7);
      assert.equal(explanation.chosen, ticket.endpoint.key, policy);
      assert.equal(explanation.group?.zone, ticket.endpoint.zone);
      assert.ok(explanation.filtered.every(({ reason }) => reason === "other-group"));
      assert.equal(explanation.filtered.length, 8);
      brain.settle(ticket, OK, i * 7 + 5);
    }
  }
});

test("endpoints that change zone or priority move with the reload", () => {
  const brain = brainOf(spec([...inZone("a", 3), ...inZone("b", 3)], "Random"));
  const moved = [...inZone("a", 3), ...inZone("b", 3)].map((each) => ({ ...each, zone: "b", priority: 0 }));
  brain.adopt(spec(moved, "Random"), 10);
  const seen = shares(brain, 2000, 10);
  assert.ok(Math.abs(seen.get("a0")! - 0.5) < 0.06, "one zone only: not divided");
  brain.adopt(
    spec(
      [...inZone("a", 3), ...inZone("b", 3)].map((each) => ({
        ...each,
        zone: each.zone === "a" ? "b" : "a",
      })),
      "Random",
    ),
    20,
  );
  assert.ok(shares(brain, 2000, 20).get("b0")! > 0.9);
});
