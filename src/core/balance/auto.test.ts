/** Auto: its table of rules, that it does not flap, and that it says what it does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "../../model/outcome.ts";
import { createPrng } from "../../std/prng.ts";
import { autoChoice, type PoolKnowledge } from "./auto-choice.ts";
import { PoolBrain } from "./pool-brain.ts";
import { keys, spec } from "./virtual-pool.test.ts";

const PLAIN: PoolKnowledge = {
  endpoints: 10,
  rifReported: 0,
  utilisationReported: 0,
  streams: 0,
};

test("the rules, first to last", () => {
  const policy = (known: Partial<PoolKnowledge>): string =>
    autoChoice({ ...PLAIN, ...known }, "ShortestDelay").policy;
  assert.equal(policy({}), "ShortestDelay");
  assert.equal(policy({ endpoints: 1, rifReported: 1 }), "ShortestDelay");
  assert.equal(policy({ rifReported: 0.6 }), "Prequal");
  assert.equal(policy({ utilisationReported: 1 }), "ShortestDelay");
  assert.equal(policy({ utilisationReported: 1, streams: 0.8 }), "ResourceAware");
  assert.equal(policy({ streams: 0.8 }), "ShortestDelay");
});

test("what a policy brings about does not end it", () => {
  const stays = (known: Partial<PoolKnowledge>, current: "Prequal" | "ResourceAware"): void => {
    assert.equal(autoChoice({ ...PLAIN, ...known }, current).policy, current);
  };
  stays({ rifReported: 0.25 }, "Prequal");
  stays({ streams: 0.3, utilisationReported: 0.3 }, "ResourceAware");
});

test("every choice gives a reason in words", () => {
  for (const known of [
    {},
    { rifReported: 0.6 },
    { streams: 0.8, utilisationReported: 1 },
    { endpoints: 1 },
  ]) {
    const { because } = autoChoice({ ...PLAIN, ...known }, "ShortestDelay");
    assert.ok(because.length > 20 && !because.includes("NaN"), because);
  }
});

/** Runs a pool for some seconds; endpoints answer as `latencyMs` says and may report. */
function run(
  brain: PoolBrain,
  fromSec: number,
  toSec: number,
  latencyMs: (slot: number) => number,
  inFlight: number | undefined,
): readonly string[] {
  const policies: string[] = [];
  for (let i = fromSec * 100; i < toSec * 100; i++) {
    const nowMs = i * 10;
    const verdict = brain.pick({ tried: [] }, nowMs);
    if (verdict.kind === "send") {
      const { ticket } = verdict;
      const totalMs = latencyMs(ticket.slot);
      const outcome: Outcome = { kind: "success", status: 200, firstByteMs: totalMs, totalMs };
      if (inFlight !== undefined) brain.loadReported(ticket, { inFlight, latencyMs: totalMs }, nowMs);
      brain.settle(ticket, outcome, nowMs);
    }
    if (i % 100 !== 99) continue;
    brain.rebalance(nowMs);
    const { carriedOutBy } = brain.explain({ tried: [] }, nowMs);
    if (policies.at(-1) !== carriedOutBy?.policy) policies.push(carriedOutBy?.policy ?? "none");
  }
  return policies;
}

test("turns to Prequal when reports come, holds it through gaps, and returns when they stop", () => {
  const brain = new PoolBrain({ prng: createPrng(1) });
  brain.adopt(spec(keys(8), "Auto"), 0);
  assert.deepEqual(
    run(brain, 0, 5, () => 10, undefined),
    ["ShortestDelay"],
  );
  assert.deepEqual(
    run(brain, 5, 40, () => 10, 2),
    ["ShortestDelay", "Prequal"],
  );
  assert.deepEqual(
    run(brain, 40, 45, () => 10, undefined),
    ["Prequal"],
  );
  assert.deepEqual(
    run(brain, 45, 60, () => 10, 2),
    ["Prequal"],
  );
  assert.deepEqual(
    run(brain, 60, 120, () => 10, undefined),
    ["Prequal", "ShortestDelay"],
  );
});

test("facts that come and go within seconds move nothing", () => {
  const brain = new PoolBrain({ prng: createPrng(1) });
  brain.adopt(spec(keys(8), "Auto"), 0);
  const seen: string[] = [];
  for (let sec = 0; sec < 600; sec += 20) {
    seen.push(
      ...run(brain, sec, sec + 4, () => 10, 2),
      ...run(brain, sec + 4, sec + 20, () => 10, undefined),
    );
  }
  const exchanges = seen.filter((policy, i) => i > 0 && policy !== seen[i - 1]).length;
  assert.ok(exchanges <= 600 / 60, `${exchanges} in ten minutes`);
});
