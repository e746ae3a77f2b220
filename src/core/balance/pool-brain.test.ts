/** The pool's brain by example: eligibility, limits, tickets, membership, reports. Holds for every policy. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "../../model/outcome.ts";
import type { PoolSpec } from "../../model/pool.ts";
import type { Ticket } from "../../model/verdict.ts";
import { createPrng } from "../../std/prng.ts";
import { FIRST_TRY, type PickFacts } from "./pick-facts.ts";
import { PoolBrain } from "./pool-brain.ts";
import { endpoint, keys, POLICIES, spec } from "./virtual-pool.test.ts";

const OK: Outcome = { kind: "success", status: 200, firstByteMs: 5, totalMs: 8 };

function brainOf(adopted: PoolSpec): PoolBrain {
  const brain = new PoolBrain({ prng: createPrng(1) });
  brain.adopt(adopted, 0);
  return brain;
}

function send(brain: PoolBrain, nowMs = 0, facts: PickFacts = FIRST_TRY): Ticket {
  const verdict = brain.pick(facts, nowMs);
  if (verdict.kind !== "send") throw new Error(verdict.reason);
  return verdict.ticket;
}

/** The keys that `count` picks, each settled at once, go to. */
function picked(brain: PoolBrain, count: number, fromMs = 0): readonly string[] {
  const seen = new Set<string>();
  for (let i = 0; i < count; i++) {
    const ticket = send(brain, fromMs + i);
    seen.add(ticket.endpoint.key);
    brain.settle(ticket, OK, fromMs + i + 1);
  }
  return [...seen].toSorted();
}

test("an empty pool refuses with no-endpoint, a full one with pool-full", () => {
  for (const policy of POLICIES) {
    const brain = brainOf(spec([], policy));
    assert.deepEqual(brain.pick(FIRST_TRY, 0), { kind: "refuse", reason: "no-endpoint" });
    brain.adopt(spec(["a", "b"], policy, { maxConnections: 2 }), 0);
    const tickets = [1, 2, 3, 4].map(() => send(brain));
    assert.deepEqual(tickets.map((ticket) => ticket.endpoint.key).toSorted(), ["a", "a", "b", "b"]);
    assert.deepEqual(brain.pick(FIRST_TRY, 0), { kind: "refuse", reason: "pool-full" });
    brain.settle(tickets[1]!, OK, 1);
    assert.equal(send(brain, 1).endpoint.key, tickets[1]!.endpoint.key, "room again");
    assert.equal(brain.pick(FIRST_TRY, 1).kind, "refuse");
  }
});

test("a limit that changes on reload applies at once, both ways", () => {
  const brain = brainOf(spec(["a"], "RoundRobin", { maxConnections: 1 }));
  send(brain);
  assert.equal(brain.pick(FIRST_TRY, 0).kind, "refuse");
  brain.adopt(spec(["a"], "RoundRobin", { maxConnections: 2 }), 0);
  send(brain);
  brain.adopt(spec(["a"], "RoundRobin", { maxConnections: 1 }), 0);
  assert.equal(brain.pick(FIRST_TRY, 0).kind, "refuse");
});

test("unhealthy endpoints get nothing while at least half are healthy, and all serve below that", () => {
  for (const policy of POLICIES) {
    const brain = brainOf(spec(keys(4), policy));
    brain.setHealthy("e0", false, 0);
    brain.setHealthy("e1", false, 0);
    assert.deepEqual(picked(brain, 200), ["e2", "e3"]);
    brain.setHealthy("e2", false, 0);
    assert.deepEqual(picked(brain, 2000, 1000), ["e0", "e1", "e2", "e3"], "panic");
    brain.setHealthy("e3", false, 0);
    // Failing checks never stop traffic.
    brain.settle(send(brain, 4000), OK, 4000);
    for (const key of keys(4)) brain.setHealthy(key, true, 0);
    brain.setHealthy("e3", false, 0);
    assert.deepEqual(picked(brain, 2000, 5000), ["e0", "e1", "e2"], "panic over");
  }
});

test("panic begins below half, not at it", () => {
  const brain = brainOf(spec(keys(5), "RoundRobin"));
  for (const key of ["e0", "e1"]) brain.setHealthy(key, false, 0);
  assert.equal(picked(brain, 20).length, 3, "60 % healthy");
  brain.setHealthy("e2", false, 0);
  assert.equal(picked(brain, 20).length, 5, "40 % healthy");
  brain.adopt(spec(keys(4), "RoundRobin"), 0);
  assert.equal(picked(brain, 20).length, 4, "one of four healthy");
  brain.setHealthy("e0", true, 0);
  assert.deepEqual(picked(brain, 20), ["e0", "e3"], "half healthy");
});

test("draining endpoints serve only if none is ready", () => {
  for (const policy of POLICIES) {
    const brain = brainOf(spec([endpoint("old", "draining"), "new"], policy));
    assert.deepEqual(picked(brain, 50), ["new"]);
    brain.adopt(spec([endpoint("old", "draining"), endpoint("new", "draining")], policy), 0);
    assert.deepEqual(picked(brain, 1000), ["new", "old"]);
  }
});

test("a key listed twice is one endpoint, ready if either entry is", () => {
  const brain = brainOf(spec([endpoint("a", "draining"), "a", endpoint("a", "draining")]));
  const report = brain.report(0);
  assert.deepEqual(
    report.map(({ key, condition, state }) => [key, condition, state]),
    [["a", "ready", "healthy"]],
  );
});

test("without health checks in the new policy nobody stays unhealthy", () => {
  const brain = brainOf(spec(keys(3)));
  brain.setHealthy("e1", false, 0);
  assert.equal(brain.report(0)[1]!.state, "unhealthy");
  brain.adopt(spec(keys(3), "Auto", { checked: false }), 0);
  assert.equal(brain.report(0)[1]!.state, "healthy");
});

test("tried endpoints are avoided while there is another, and used again when there is none", () => {
  for (const policy of POLICIES) {
    const brain = brainOf(spec(keys(3), policy));
    for (let round = 0; round < 100; round++) {
      const tried: number[] = [];
      const seen = new Set<string>();
      for (let attempt = 0; attempt < 3; attempt++) {
        const ticket = send(brain, round, { tried });
        seen.add(ticket.endpoint.key);
        tried.push(ticket.slot);
        brain.settle(ticket, OK, round);
      }
      assert.equal(seen.size, 3, policy);
      assert.equal(brain.pick({ tried }, round).kind, "send");
    }
  }
});

test("a ticket is settled exactly once, and only with its own pool", () => {
  const brain = brainOf(spec(["a"]));
  const other = brainOf(spec(["a"]));
  const ticket = send(brain);
  assert.throws(() => other.settle(ticket, OK, 1), /another pool/);
  brain.settle(ticket, OK, 1);
  assert.throws(() => brain.settle(ticket, OK, 2), /settled before/);
  // Recycling is late enough that the mistake is still seen after some traffic.
  picked(brain, 60);
  assert.throws(() => brain.settle(ticket, OK, 100), /settled before/);
  assert.equal(brain.report(100)[0]!.inFlight, 0);
});

test("an endpoint that leaves finishes its requests under its slot and is then forgotten", () => {
  const brain = brainOf(spec(["a", "b"], "RoundRobin"));
  const tickets = [send(brain), send(brain)];
  const onA = tickets.find((ticket) => ticket.endpoint.key === "a")!;
  brain.adopt(spec(["b", "c"], "RoundRobin"), 10);
  assert.deepEqual(
    brain.report(10).map(({ key, state }) => `${key} ${state}`),
    ["a leaving", "b healthy", "c healthy"],
  );
  assert.deepEqual(picked(brain, 20), ["b", "c"]);
  const joiner = brain.report(10).find((each) => each.key === "c")!;
  assert.equal(joiner.requests, 10, "c lives in a slot of its own");
  brain.settle(onA, OK, 20);
  assert.deepEqual(
    brain.report(20).map(({ key }) => key),
    ["b", "c"],
  );
});

test("an endpoint that comes back while leaving keeps its history", () => {
  const brain = brainOf(spec(["a", "b"]));
  picked(brain, 10);
  const ticket = send(brain, 10, { tried: [1] });
  const before = brain.report(10).find((each) => each.key === ticket.endpoint.key)!;
  brain.adopt(spec([ticket.endpoint.key === "a" ? "b" : "a"]), 11);
  brain.adopt(spec(["a", "b"]), 12);
  const after = brain.report(12).find((each) => each.key === ticket.endpoint.key)!;
  assert.deepEqual(after, { ...before, share: after.share });
});

test("history, health and claims survive a reload and a change of policy", () => {
  const brain = brainOf(spec(keys(3), "LeastRequest"));
  picked(brain, 30);
  brain.setHealthy("e2", false, 30);
  const ticket = send(brain, 30);
  const facts = () =>
    brain.report(30).map(({ key, state, inFlight, latencyMs, requests }) => {
      return { key, state, inFlight, latencyMs, requests };
    });
  const before = facts();
  for (const policy of POLICIES) {
    brain.adopt(spec(keys(3), policy), 30);
    assert.deepEqual(facts(), before);
  }
  brain.settle(ticket, OK, 31);
});

test("shares sum to one over those who may serve, whatever their room", () => {
  for (const policy of POLICIES) {
    const brain = brainOf(spec([...keys(3), endpoint("gone", "draining")], policy, { maxConnections: 2 }));
    brain.setHealthy("e0", false, 0);
    send(brain);
    send(brain);
    send(brain);
    const shares = new Map(brain.weigh(5).map(({ key, share }) => [key, share]));
    const sum = [...shares.values()].reduce((total, share) => total + share, 0);
    assert.ok(Math.abs(sum - 1) < 1e-9, `${policy} ${sum}`);
    assert.equal(shares.get("e0"), 0);
    assert.equal(shares.get("gone"), 0);
    assert.ok(shares.get("e1")! > 0 && shares.get("e2")! > 0);
  }
  assert.deepEqual(brainOf(spec([])).weigh(0), []);
});

test("answered ends a request's ageing and teaches its latency once", () => {
  const brain = brainOf(spec(["a"]));
  const ticket = send(brain, 100);
  brain.answered(ticket, 200, 140);
  brain.answered(ticket, 200, 190);
  assert.equal(brain.report(200)[0]!.latencyMs, 40);
  brain.settle(ticket, { kind: "success", status: 200, firstByteMs: 40, totalMs: 60_000 }, 60_100);
  assert.equal(brain.report(60_100)[0]!.latencyMs, 40);
  const refused = send(brain, 60_100);
  brain.answered(refused, 503, 60_101);
  assert.equal(brain.report(60_101)[0]!.latencyMs, 40, "a fast refusal is no latency");
  brain.settle(refused, { kind: "server-error", status: 503, firstByteMs: 1, totalMs: 1 }, 60_101);
  assert.equal(brain.report(60_101)[0]!.failures, 1);
});

test("a health verdict for an unknown endpoint is ignored", () => {
  const brain = brainOf(spec(["a"]));
  brain.setHealthy("nobody", false, 0);
  assert.deepEqual(picked(brain, 3), ["a"]);
});
