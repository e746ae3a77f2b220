/**
 * A decision allocates nothing: heap growth per pick and settle, for every policy, once warm.
 *
 * One boxed number would be 12 to 16 bytes a decision. The first attempts may meet the compiler at work; the least of
 * them counts. Clock readings are boxed beforehand, as a caller's own are.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { DEFAULT_BALANCING_OPTIONS } from "../../model/balancing.ts";
import type { Outcome } from "../../model/outcome.ts";
import type { Ticket } from "../../model/verdict.ts";
import { createPrng } from "../../std/prng.ts";
import { hashText } from "./hash-key.ts";
import type { PickFacts } from "./pick-facts.ts";
import { PoolBrain } from "./pool-brain.ts";
import { keys, POLICIES, spec } from "./virtual-pool.test.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const ROUND = 50_000;
const BYTES_MAX = 8;

const FACTS: readonly PickFacts[] = Array.from({ length: 100 }, (_, i) => ({
  tried: [],
  hash: hashText(`k${i}`),
}));
const ANSWERS: readonly Outcome[] = Array.from({ length: 100 }, (_, i) => {
  const firstByteMs = 5 + (i % 17) * 1.5;
  return { kind: "success", status: 200, firstByteMs, totalMs: firstByteMs } as const;
});

/** Elements of a mixed array are stored boxed. Time stands still between ticks, so that no tick is counted. */
function times(fromMs: number): readonly number[] {
  const boxed: (number | undefined)[] = [undefined];
  for (let i = 0; i < ROUND; i++) boxed.push(fromMs + i * 0.01 + 0.001);
  return boxed as readonly number[];
}

function decide(brain: PoolBrain, open: Ticket[], at: readonly number[]): void {
  for (let i = 1; i < at.length; i++) {
    const nowMs = at[i]!;
    const place = i & 7;
    const before = open[place];
    if (before !== undefined) brain.settle(before, ANSWERS[i % 100]!, nowMs);
    const verdict = brain.pick(FACTS[i % 100]!, nowMs);
    if (verdict.kind !== "send") throw new Error(verdict.reason);
    open[place] = verdict.ticket;
  }
}

test("a decision allocates nothing", () => {
  const hash = {
    key: { kind: "path" },
    table: { kind: "maglev", size: 65_537 },
    boundedLoadPercent: 125,
  } as const;
  for (const policy of POLICIES) {
    const brain = new PoolBrain({ prng: createPrng(1) });
    brain.adopt(spec(keys(200), policy, { balancing: { ...DEFAULT_BALANCING_OPTIONS, hash } }), 0);
    const open: Ticket[] = [];
    let least = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 8 && least > BYTES_MAX; round++) {
      const at = times(round * ROUND * 0.01);
      brain.rebalance(at[1]!);
      collect();
      const before = getHeapStatistics().used_heap_size;
      decide(brain, open, at);
      least = Math.min(least, (getHeapStatistics().used_heap_size - before) / ROUND);
    }
    assert.ok(least <= BYTES_MAX, `${policy}: ${least.toFixed(1)} bytes a decision`);
  }
});
