/**
 * Laws of the pool's brain under any history: random reloads, health verdicts, picks and settlements, for each
 * policy, checked against a plain model that knows only keys, conditions and counts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Endpoint } from "../../model/endpoint.ts";
import type { LoadReport } from "../../model/load-report.ts";
import type { OutcomeKind } from "../../model/outcome.ts";
import type { Ticket } from "../../model/verdict.ts";
import { createPrng } from "../../std/prng.ts";
import { PoolBrain } from "./pool-brain.ts";
import { endpoint, POLICIES, spec } from "./virtual-pool.test.ts";

const KINDS: readonly OutcomeKind[] = [
  "success",
  "overloaded",
  "server-error",
  "connect-failure",
  "refused",
  "broken",
  "timeout",
  "cancelled",
];
const LIMIT = 3;

type Step =
  | {
      readonly kind: "adopt";
      readonly members: readonly (readonly [number, boolean])[];
      readonly policy: number;
    }
  | { readonly kind: "health"; readonly member: number; readonly healthy: boolean }
  | { readonly kind: "pick"; readonly retry: boolean; readonly hash: number }
  | { readonly kind: "report"; readonly member: number; readonly report: LoadReport }
  | { readonly kind: "tick"; readonly explain: boolean }
  | { readonly kind: "answered"; readonly which: number; readonly status: number }
  | { readonly kind: "settle"; readonly which: number; readonly outcome: number; readonly ms: number };

/** Few enough that the same endpoints leave, return and fall ill together. */
const MEMBERS = 11;

const member = fc.tuple(fc.nat(MEMBERS), fc.boolean());
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("adopt" as const),
      members: fc.uniqueArray(member, { maxLength: MEMBERS + 1, selector: ([index]) => index }),
      policy: fc.nat(POLICIES.length - 1),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("health" as const),
      member: fc.nat(MEMBERS),
      // Two of three ill, so that panic comes and goes.
      healthy: fc.nat(2).map((n) => n === 0),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("pick" as const),
      retry: fc.boolean(),
      hash: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("report" as const),
      member: fc.nat(MEMBERS + 2),
      report: fc.record(
        {
          cpu: fc.double({ min: 0, max: 2, noNaN: true }),
          requestsPerSec: fc.double({ min: 0, max: 1000, noNaN: true }),
          inFlight: fc.nat(50),
          latencyMs: fc.double({ min: 0, max: 1000, noNaN: true }),
        },
        { requiredKeys: [] },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("tick" as const), explain: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("answered" as const),
      which: fc.nat(),
      status: fc.constantFrom(200, 404, 429, 503),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      which: fc.nat(),
      outcome: fc.nat(KINDS.length - 1),
      ms: fc.double({ min: 0, max: 5000, noNaN: true }),
    }),
  },
);

/** What the brain should believe, kept the slow way. */
class Model {
  members = new Map<string, Endpoint>();
  readonly unhealthy = new Set<string>();
  readonly inFlight = new Map<string, number>();

  eligible(): ReadonlySet<string> {
    const all = [...this.members.values()];
    const ready = all.filter((each) => each.condition === "ready");
    const tier = ready.length > 0 ? ready : all;
    const healthy = tier.filter((each) => !this.unhealthy.has(each.key));
    return new Set((healthy.length * 2 < tier.length ? tier : healthy).map((each) => each.key));
  }

  withRoom(): readonly string[] {
    return [...this.eligible()].filter((key) => (this.inFlight.get(key) ?? 0) < LIMIT);
  }

  add(key: string, change: number): void {
    this.inFlight.set(key, (this.inFlight.get(key) ?? 0) + change);
  }

  /** An endpoint that left with nothing in flight is forgotten, its health with it. */
  forget(): void {
    for (const key of this.unhealthy) {
      if (!this.members.has(key) && (this.inFlight.get(key) ?? 0) === 0) this.unhealthy.delete(key);
    }
  }
}

/**
 * Runs the history, checking every step; the trace of decisions is the result. `divided`: endpoints in three zones and
 * two priorities, with weights.
 */
function play(steps: readonly Step[], seed: number, divided: boolean): readonly string[] {
  const brain = new PoolBrain({ prng: createPrng(seed), localZone: "z0" });
  const model = new Model();
  const open: Ticket[] = [];
  const slotHolder = new Map<number, string>();
  const trace: string[] = [];
  let nowMs = 0;
  let policy = 0;
  let tried: number[] = [];
  for (const each of steps) {
    nowMs += 37.25;
    switch (each.kind) {
      case "adopt": {
        policy = each.policy;
        const list = each.members.map(([index, ready]): Endpoint => {
          const plain = endpoint(`e${index}`, ready ? "ready" : "draining");
          if (!divided) return plain;
          return { ...plain, zone: `z${index % 3}`, priority: index % 2, weight: 1 + (index % 4) };
        });
        model.members = new Map(list.map((entry) => [entry.key, entry]));
        brain.adopt(spec(list, POLICIES[policy], { maxConnections: LIMIT }), nowMs);
        model.forget();
        // A slot may have another endpoint now, and what was tried is told by slots.
        tried = [];
        break;
      }
      case "health": {
        const key = `e${each.member}`;
        brain.setHealthy(key, each.healthy, nowMs);
        if (!model.members.has(key) && (model.inFlight.get(key) ?? 0) === 0) break;
        if (each.healthy) model.unhealthy.delete(key);
        else model.unhealthy.add(key);
        break;
      }
      case "pick": {
        if (!each.retry) tried = [];
        const room = model.withRoom();
        const verdict = brain.pick({ tried, hash: each.hash }, nowMs);
        if (verdict.kind === "refuse") {
          assert.equal(room.length, 0);
          assert.equal(verdict.reason, model.eligible().size > 0 ? "pool-full" : "no-endpoint");
          trace.push(verdict.reason);
          break;
        }
        const { ticket } = verdict;
        const { key } = ticket.endpoint;
        assert.ok(room.includes(key), `${key} may not serve`);
        const holder = [...open].find((other) => other.slot === ticket.slot)?.endpoint.key ?? key;
        assert.equal(holder, key, "a slot changed hands under a claim");
        if (tried.some((slot) => slotHolder.get(slot) === key) && tried.includes(ticket.slot)) {
          const fresh = room.filter((other) => !tried.some((slot) => slotHolder.get(slot) === other));
          // In a divided pool the ill are no alternative unless their own level panics.
          const others = divided ? fresh.filter((other) => !model.unhealthy.has(other)) : fresh;
          assert.deepEqual(others, [], "an untried endpoint was passed over");
        }
        slotHolder.set(ticket.slot, key);
        tried.push(ticket.slot);
        open.push(ticket);
        model.add(key, 1);
        trace.push(`${key}@${ticket.slot}`);
        break;
      }
      case "report": {
        brain.loadReported(`e${each.member}`, each.report, nowMs);
        break;
      }
      case "tick": {
        brain.rebalance(nowMs);
        assert.ok(brain.probesWanted().length <= MEMBERS * 2);
        if (!each.explain) break;
        const explanation = brain.explain({ tried }, nowMs);
        assert.equal(explanation.chosen === undefined, model.withRoom().length === 0);
        if (explanation.chosen !== undefined) assert.ok(model.withRoom().includes(explanation.chosen));
        break;
      }
      case "answered": {
        if (open.length > 0) brain.answered(open[each.which % open.length]!, each.status, nowMs);
        break;
      }
      case "settle": {
        if (open.length === 0) break;
        const ticket = open.splice(each.which % open.length, 1)[0]!;
        model.add(ticket.endpoint.key, -1);
        const kind = KINDS[each.outcome]!;
        const firstByteMs = each.outcome % 2 === 0 ? each.ms : undefined;
        brain.settle(ticket, { kind, status: 0, firstByteMs, totalMs: each.ms }, nowMs);
        model.forget();
      }
    }
    check(brain, model, nowMs, divided);
  }
  for (const ticket of open) {
    brain.settle(ticket, { kind: "cancelled", status: 0, firstByteMs: undefined, totalMs: 1 }, nowMs);
  }
  const report = brain.report(nowMs);
  assert.ok(report.every((each) => each.inFlight === 0 && each.state !== "leaving"));
  return trace;
}

function check(brain: PoolBrain, model: Model, nowMs: number, divided: boolean): void {
  const report = brain.report(nowMs);
  let share = 0;
  for (const each of report) {
    assert.equal(each.inFlight, model.inFlight.get(each.key) ?? 0);
    assert.equal(each.state === "leaving", !model.members.has(each.key));
    assert.ok(each.share >= 0 && Number.isFinite(each.share));
    // A level that is not needed and a zone that is full have no share of a divided pool.
    if (!divided) assert.equal(each.share > 0, model.eligible().has(each.key));
    else if (each.share > 0) assert.ok(model.eligible().has(each.key));
    share += each.share;
  }
  for (const key of model.members.keys()) assert.ok(report.some((each) => each.key === key));
  assert.ok(model.eligible().size === 0 || Math.abs(share - 1) < 1e-9);
}

test("never serves who may not, never loses count, reuses no slot under a claim, sums to one", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 250 }), fc.nat(), (steps, seed) => {
      play(steps, seed, false);
    }),
    { seed: 31, numRuns: 150 },
  );
});

test("the same in a pool divided by zones, priorities and weights", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 250 }), fc.nat(), (steps, seed) => {
      play(steps, seed, true);
    }),
    { seed: 33, numRuns: 150 },
  );
});

test("same seed and history, same decisions", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 30, maxLength: 150 }), fc.nat(), (steps, seed) => {
      assert.deepEqual(play(steps, seed, false), play(steps, seed, false));
      assert.deepEqual(play(steps, seed, true), play(steps, seed, true));
    }),
    { seed: 32, numRuns: 40 },
  );
});
