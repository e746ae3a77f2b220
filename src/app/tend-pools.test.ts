/** The round: every pool once a second, a tenth of them at a time, and every event told once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FIRST_TRY } from "../core/balance/pick-facts.ts";
import { PoolBrain } from "../core/balance/pool-brain.ts";
import { keys, spec } from "../core/balance/virtual-pool.test.ts";
import { DEFAULT_OUTLIER } from "../model/policy.ts";
import { createPrng } from "../std/prng.ts";
import { PoolRound, TURNS, type TendedPool } from "./tend-pools.ts";

function unexpected(what: unknown): void {
  assert.fail(String(what));
}

test("each pool once a round, and no turn has more than its share", () => {
  for (const count of [1, 9, 10, 25]) {
    const seen = new Map<string, number>();
    const pools = Array.from({ length: count }, (_, i): TendedPool => {
      const key = `p${i}`;
      return {
        key,
        brain: {
          judge: () => void seen.set(key, (seen.get(key) ?? 0) + 1),
          rebalance: () => {},
          takeHealthEvents: () => [],
        },
      };
    });
    const round = new PoolRound<TendedPool>(() => {}, unexpected);
    for (let turn = 0; turn < TURNS; turn++) {
      const before = [...seen.values()].reduce((sum, times) => sum + times, 0);
      round.turn(pools, turn * 100);
      const tended = [...seen.values()].reduce((sum, times) => sum + times, 0) - before;
      assert.ok(tended <= Math.ceil(count / TURNS), `${tended} of ${count}`);
    }
    assert.deepEqual([...seen.values()], Array(count).fill(1));
  }
});

test("an ejection and a return are told once each, under their pool", () => {
  const brain = new PoolBrain({ prng: createPrng(1) });
  const base = spec(keys(3), "RoundRobin");
  brain.adopt({ ...base, policy: { ...base.policy, outlierDetection: DEFAULT_OUTLIER } }, 0);
  const told: string[] = [];
  const round = new PoolRound<TendedPool>(
    ({ key }, { kind, endpoint }) => told.push(`${key} ${kind} ${endpoint.key}`),
    unexpected,
  );
  const pools = [{ key: "web", brain }];
  const send = (nowMs: number, kind: "connect-failure" | "success"): void => {
    const verdict = brain.pick(FIRST_TRY, nowMs);
    assert.ok(verdict.kind === "send");
    const end = verdict.ticket.endpoint.key === "e1" ? kind : "success";
    brain.settle(verdict.ticket, { kind: end, status: 0, firstByteMs: 1, totalMs: 1 }, nowMs);
  };
  for (let i = 0; i < 30; i++) send(i, "connect-failure");
  for (let turn = 0; turn < TURNS; turn++) round.turn(pools, 100 + turn);
  assert.deepEqual(told, ["web ejected e1"]);
  send(1_200, "success");
  for (let turn = 0; turn < TURNS; turn++) round.turn(pools, 1_300 + turn);
  assert.deepEqual(told, ["web ejected e1", "web returned e1"]);
});

test("a pool that throws is told of, and the others of its turn are tended", () => {
  const defects: unknown[] = [];
  const tended: number[] = [];
  const pools = Array.from({ length: 3 * TURNS }, (_, i): TendedPool => {
    const judge = (): void => {
      if (i < TURNS) throw new Error(`pool ${i}`);
      tended.push(i);
    };
    return { key: `p${i}`, brain: { judge, rebalance: () => {}, takeHealthEvents: () => [] } };
  });
  const round = new PoolRound<TendedPool>(unexpected, (error) => defects.push(error));
  for (let turn = 0; turn < TURNS; turn++) round.turn(pools, turn);
  assert.equal(defects.length, TURNS);
  assert.equal(new Set(tended).size, 2 * TURNS);
});
