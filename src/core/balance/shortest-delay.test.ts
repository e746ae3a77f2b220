/** ShortestDelay: what its cost is made of, that equals are equal, and what makes it more than a queue or a latency. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "../../model/outcome.ts";
import { createPrng } from "../../std/prng.ts";
import { createColumns } from "../signals/columns.ts";
import { begin, end } from "../signals/in-flight.ts";
import { DelayCost } from "./delay-cost.ts";
import { FIRST_TRY } from "./pick-facts.ts";
import { PoolBrain } from "./pool-brain.ts";
import { keys, spec, VirtualPool } from "./virtual-pool.test.ts";

const NOTHING: Outcome = { kind: "cancelled", status: 0, firstByteMs: undefined, totalMs: 900 };

/** Two slots of one pool; each answer comes with so many in flight. */
function learned(answers: readonly (readonly [slot: number, latencyMs: number, inFlight: number])[]): {
  readonly columns: ReturnType<typeof createColumns>;
  readonly cost: (slot: number, nowMs?: number) => number;
  readonly costs: DelayCost;
} {
  const columns = createColumns();
  const costs = new DelayCost(columns);
  for (const [slot, latencyMs, inFlight] of answers) {
    columns.traits.weight[slot] = 1;
    columns.ramp[slot] = 1;
    columns.inFlight[slot] = inFlight;
    columns.latencySampleMs[slot] = latencyMs;
    costs.answered(slot, 0);
    columns.inFlight[slot] = 0;
  }
  const cost = (slot: number, nowMs = 0): number => {
    costs.write(slot, 2, nowMs);
    return costs.cells[0]!;
  };
  return { columns, cost, costs };
}

function repeated(slot: number, latencyMs: number, inFlight: number): [number, number, number][] {
  return Array.from({ length: 100 }, () => [slot, latencyMs, inFlight]);
}

/** So many that they are typical whatever was before. */
const atFifty = Array.from({ length: 6 }, () => repeated(0, 50, 1)).flat();

test("who answers as fast with more in flight is the faster", () => {
  const { cost } = learned([...repeated(0, 50, 1), ...repeated(1, 50, 4)]);
  assert.ok(Math.abs(cost(0) / cost(1) - 4 ** 0.7) < 1e-9, `${cost(0)} to ${cost(1)}`);
});

test("delays near the typical one cost the same, others as much as they are", () => {
  const near = learned([...repeated(0, 45, 1), ...repeated(1, 52, 1)]);
  assert.equal(near.cost(0), near.cost(1));
  const far = learned([...repeated(0, 50, 1), ...repeated(1, 200, 1), ...repeated(0, 50, 1)]);
  assert.ok(far.cost(1) > 2 * far.cost(0));
});

test("a few samples weigh little: three times the typical delay is chance in two, and slowness in sixteen", () => {
  const equals = repeated(0, 50, 1);
  const few = learned([...equals, [1, 150, 1], [1, 150, 1]]);
  assert.equal(few.cost(1), few.cost(0));
  const many = learned([...equals, ...repeated(1, 150, 1).slice(0, 16)]);
  assert.ok(many.cost(1) > 2 * many.cost(0));
  const lucky = learned([...equals, ...repeated(1, 5, 1).slice(0, 9)]);
  assert.equal(lucky.cost(1), lucky.cost(0), "nor are nine fast ones speed");
});

test("the answer to a trial begins a new mean", () => {
  const { columns, cost, costs } = learned([...repeated(0, 50, 1), ...repeated(1, 500, 1), ...atFifty]);
  columns.inFlight[1] = 1;
  columns.latencySampleMs[1] = 50;
  costs.answered(1, 9000);
  columns.inFlight[1] = 0;
  assert.equal(cost(1, 9000), cost(0, 9000));
});

test("silence that goes on puts the next trial off", () => {
  const { cost, costs } = learned([...repeated(0, 50, 1), ...repeated(1, 900, 1), ...atFifty]);
  costs.ended(1, { ...NOTHING, totalMs: 800 }, 9000);
  assert.ok(cost(1, 16_999) > 2 * cost(0));
  assert.equal(cost(1, 17_000), cost(0));
});

test("each request in flight costs one more", () => {
  const { columns, cost } = learned(repeated(0, 50, 1));
  const free = cost(0);
  begin(columns, 0, 0);
  begin(columns, 0, 0);
  assert.equal(cost(0), 3 * free);
  end(columns, 0);
  end(columns, 0);
});

test("silence of four times the mean counts as what it lasts, less does not", () => {
  const { columns, cost } = learned(repeated(0, 50, 1));
  begin(columns, 0, 0);
  assert.equal(cost(0, 199), 100);
  assert.equal(cost(0, 600), 1200);
});

test("a wait for nothing raises the mean and never lowers it, and is not typical", () => {
  const { cost, costs } = learned(repeated(0, 50, 1));
  const before = cost(0);
  costs.ended(0, { ...NOTHING, totalMs: 20 }, 0);
  assert.equal(cost(0), before);
  for (let i = 0; i < 10; i++) costs.ended(0, NOTHING, 0);
  assert.ok(cost(0) > 4 * before);
});

test("a client that leaves early makes nobody fast of whom nothing is known", () => {
  const { columns, cost, costs } = learned(repeated(0, 100, 1));
  columns.traits.weight[1] = 1;
  columns.ramp[1] = 1;
  columns.inFlight[1] = 1;
  const before = cost(1);
  costs.ended(1, { ...NOTHING, totalMs: 3 }, 0);
  assert.equal(cost(1), before);
  columns.inFlight[1] = 16;
  const crowded = cost(1);
  costs.ended(1, { ...NOTHING, totalMs: 300 }, 0);
  assert.equal(cost(1), crowded, "300 ms in a company of sixteen is no worse than typical");
  costs.ended(1, { ...NOTHING, totalMs: 6000 }, 0);
  assert.ok(cost(1) > 4 * crowded, `${cost(1)} to ${crowded}`);
});

test("left alone, the slow one is tried again", () => {
  const { columns, cost } = learned([...repeated(0, 50, 1), ...repeated(1, 500, 1), ...atFifty]);
  assert.ok(cost(1, 0) > 5 * cost(0));
  assert.ok(cost(1, 7_999) > 2 * cost(0), "not yet");
  assert.equal(cost(1, 8_000), cost(0));
  begin(columns, 1, 8_000);
  assert.ok(cost(1, 8_001) > 5 * cost(0), "by one request at a time");
});

test("an endpoint in the slot of another begins without its history", () => {
  const { columns, cost } = learned(repeated(0, 50, 1));
  columns.generation[0] = columns.generation[0]! + 1;
  assert.ok(cost(0) < 1);
});

test("equals are balanced by their queues alone: none has two more than another", () => {
  const brain = new PoolBrain({ prng: createPrng(4) });
  brain.adopt(spec(keys(8), "ShortestDelay"), 0);
  const crank = createPrng(5);
  const open: { settle(): void }[] = [];
  for (let i = 0; i < 4000; i++) {
    const nowMs = i / 10;
    const least = Math.min(...brain.report(nowMs).map(({ inFlight }) => inFlight));
    const verdict = brain.pick(FIRST_TRY, nowMs);
    assert.ok(verdict.kind === "send");
    const { ticket } = verdict;
    const chosen = brain.report(nowMs).find(({ key }) => key === ticket.endpoint.key)!;
    assert.equal(chosen.inFlight, least + 1);
    const totalMs = 9 + crank.below(3);
    const outcome: Outcome = { kind: "success", status: 200, firstByteMs: totalMs, totalMs };
    open.push({ settle: () => brain.settle(ticket, outcome, nowMs) });
    if (open.length > 12) open.splice(crank.below(open.length), 1)[0]!.settle();
  }
});

test("ties are broken by chance: idle equals get equal shares", () => {
  const pool = new VirtualPool(spec(keys(5), "ShortestDelay"), () => ({ kind: "success", afterMs: 10 }));
  pool.run(5000, 20);
  const sent = pool.run(50_000, 20);
  for (const key of keys(5)) {
    const share = (sent.get(key) ?? 0) / 2500;
    assert.ok(Math.abs(share - 0.2) < 0.03, `${key} ${share}`);
  }
});

test("four times slower endpoints get next to nothing while the fast ones have room", () => {
  const answer = (key: string): { kind: "success"; afterMs: number } => ({
    kind: "success",
    afterMs: key === "e0" || key === "e1" ? 200 : 50,
  });
  const sentToSlow = (policy: "ShortestDelay" | "LeastRequest" | "PeakEwma"): number => {
    const pool = new VirtualPool(spec(keys(4), policy), answer);
    pool.run(10_000, 10);
    const sent = pool.run(30_000, 10);
    return ((sent.get("e0") ?? 0) + (sent.get("e1") ?? 0)) / 3000;
  };
  assert.ok(sentToSlow("ShortestDelay") < 0.03, `${sentToSlow("ShortestDelay")}`);
  assert.ok(sentToSlow("LeastRequest") > 0.15);
});
