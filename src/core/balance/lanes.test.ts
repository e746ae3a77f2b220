/** Lanes in a pool: who is confined to whom, what lanes know of each other, what a reload does to them. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Endpoint } from "../../model/endpoint.ts";
import type { LaneSpec } from "../../model/lane.ts";
import { DEFAULT_POOL_POLICY } from "../../model/policy.ts";
import type { PoolSpec } from "../../model/pool.ts";
import type { Ticket } from "../../model/verdict.ts";
import { createPrng } from "../../std/prng.ts";
import { PoolBrain } from "./pool-brain.ts";

function endpoint(index: number, tier: string): Endpoint {
  const address = `10.0.0.${index}`;
  return {
    key: `${address}:80`,
    address,
    port: 80,
    condition: "ready",
    displayName: undefined,
    zone: undefined,
    labels: { tier },
  };
}

const spec: PoolSpec = {
  key: "ns/s:80",
  endpoints: [endpoint(1, "spot"), endpoint(2, "spot"), endpoint(3, "steady"), endpoint(4, "steady")],
  policy: { ...DEFAULT_POOL_POLICY, balancing: "LeastRequest", slowStart: undefined },
};
const spot: LaneSpec = {
  endpointSelector: [{ key: "tier", operator: "in", values: ["spot"] }],
  balancing: "RoundRobin",
  balancingOptions: undefined,
};
const SPOT = { tried: [], lane: 1 };
const WHOLE = { tried: [], lane: 0 };

function brainWith(lanes: readonly LaneSpec[]): PoolBrain {
  const brain = new PoolBrain({ prng: createPrng(7) });
  brain.adopt(spec, 0, lanes);
  return brain;
}

function picked(brain: PoolBrain, facts: typeof SPOT): Ticket {
  const verdict = brain.pick(facts, 1);
  assert.equal(verdict.kind, "send");
  return (verdict as { readonly ticket: Ticket }).ticket;
}

describe("lanes", () => {
  it("confine a class's requests to the endpoints it selects, under its own policy", () => {
    const brain = brainWith([spot]);
    const keys = Array.from({ length: 8 }, () => picked(brain, SPOT).endpoint.key);
    assert.deepEqual(new Set(keys), new Set(["10.0.0.1:80", "10.0.0.2:80"]));
    for (let i = 1; i < keys.length; i++) assert.notEqual(keys[i], keys[i - 1], "in turn");
  });

  it("know each other's load", () => {
    const brain = brainWith([spot]);
    for (let i = 0; i < 6; i++) picked(brain, SPOT);
    const whole = Array.from({ length: 6 }, () => picked(brain, WHOLE).endpoint.labels!["tier"]);
    assert.ok(whole.filter((tier) => tier === "steady").length >= 5, whole.join());
  });

  it("agree on who is ill", () => {
    const brain = brainWith([spot]);
    brain.setHealthy("10.0.0.1:80", false, 1);
    const keys = Array.from({ length: 4 }, () => picked(brain, SPOT).endpoint.key);
    assert.deepEqual(new Set(keys), new Set(["10.0.0.2:80"]));
  });

  it("serve nobody where the selector matches nobody", () => {
    const absent: LaneSpec = {
      ...spot,
      endpointSelector: [{ key: "gone", operator: "exists", values: [] }],
    };
    const brain = brainWith([absent]);
    assert.deepEqual(brain.pick(SPOT, 1), { kind: "refuse", reason: "no-endpoint" });
    assert.equal(brain.pick(WHOLE, 1).kind, "send");
  });

  it("tell in an explanation who is not for the class", () => {
    const { filtered } = brainWith([spot]).explain(SPOT, 1);
    assert.deepEqual(
      filtered.map(({ key, reason }) => [key, reason]),
      [
        ["10.0.0.3:80", "other-class"],
        ["10.0.0.4:80", "other-class"],
      ],
    );
  });

  it("send nobody elsewhere when they are gone after a reload", () => {
    const brain = brainWith([spot]);
    const ticket = picked(brain, SPOT);
    brain.adopt(spec, 2, []);
    brain.settle(ticket, { kind: "success", status: 200, firstByteMs: 1, totalMs: 1 }, 3);
    assert.deepEqual(brain.pick(SPOT, 4), { kind: "refuse", reason: "no-endpoint" });
  });
});
