/**
 * The model server's scheduler: what it must never break, and theory's answers where the model is simple enough to have them.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { exponential } from "../../../src/sim/chance/work.ts";
import { configOf } from "../../../src/sim/engine/engine-config.ts";
import { InferenceEngine } from "../../../src/sim/engine/inference-engine.ts";
import { H100_8B } from "../../../src/sim/engine/profiles.ts";
import { createPrng } from "../../../src/std/prng.ts";
import { assertNear } from "../kit.ts";
import { constantSteps, play, Witness, type Arrival } from "./kit.ts";

function hashesOf(group: number, count: number, own: number, total: number): number[] {
  return Array.from({ length: total }, (_, index) =>
    index < count ? group * 10_000 + index : 1e9 + own * 10_000 + index,
  );
}

/** Poisson arrivals of prompts that share prefixes in groups. */
function crowd(seed: number, count: number, gapMs: number): Arrival[] {
  const prng = createPrng(seed);
  let atMs = 0;
  return Array.from({ length: count }, (_, id) => {
    atMs += gapMs * exponential(prng);
    const promptTokens = 1 + prng.below(3000);
    const outputTokens = 1 + prng.below(300);
    const full = Math.floor((promptTokens + outputTokens) / 16);
    const shared = Math.min(prng.below(100), Math.floor(promptTokens / 16));
    return { id, atMs, promptTokens, outputTokens, hashes: hashesOf(prng.below(8), shared, id, full) };
  });
}

describe("the model server's scheduler", () => {
  it("conserves tokens and blocks, and works while there is work, with memory short and long", () => {
    for (const blocks of [400, 1000, 20_000]) {
      const arrivals = crowd(blocks, 400, 30);
      const { engine, witness } = play(
        H100_8B,
        arrivals,
        { blocks },
        ({ pool, ...rest }) => void [pool, rest],
      );
      assert.deepEqual(witness.faults, []);
      let generated = 0;
      let least = 0;
      for (const { id, promptTokens, outputTokens } of arrivals) {
        const life = witness.life(id);
        assert.equal(life.tokens, outputTokens, `tokens of ${id}`);
        assert.equal(life.finishedMs, life.lastMs);
        generated += outputTokens;
        least += promptTokens + outputTokens - 1 - life.cachedTokens;
      }
      const { totals, pool } = engine;
      assert.equal(totals.generatedTokens, generated);
      assert.equal(totals.finished, arrivals.length);
      if (totals.preemptions === 0) assert.equal(totals.computedTokens, least);
      else assert.ok(totals.computedTokens >= least - 3000 * totals.preemptions && blocks < 20_000);
      assert.equal(pool.free, pool.size, "every block came back");
      assert.equal(pool.remembered, witness.stored.length - witness.removed.length);
      assert.ok(blocks > 400 || totals.preemptions > 0, "the smallest pool preempts");
    }
  });

  it("never has more in hand than there is, and never idles while somebody could run", () => {
    const arrivals = crowd(7, 200, 20);
    let looks = 0;
    play(H100_8B, arrivals, { blocks: 600 }, (engine, nowMs) => {
      looks++;
      assert.ok(engine.pool.free >= 0 && engine.pool.free <= engine.pool.size);
      assert.ok(engine.runningCount <= H100_8B.sequencesMax);
      if (engine.runningCount + engine.waitingCount > 0)
        assert.ok(engine.nextStepMs < Number.POSITIVE_INFINITY);
      assert.ok(engine.nextStepMs >= nowMs);
    });
    assert.ok(looks > 1000);
  });

  it("counts cached blocks as computed, but never the last token", () => {
    const hashes = hashesOf(1, 64, 0, 64);
    const request = { promptTokens: 1024, outputTokens: 4, hashes };
    const { witness, engine } = play(H100_8B, [
      { id: 1, atMs: 0, ...request },
      { id: 2, atMs: 1000, ...request },
      { id: 3, atMs: 2000, promptTokens: 1100, outputTokens: 4, hashes },
    ]);
    assert.equal(witness.life(1).cachedTokens, 0);
    assert.equal(witness.life(2).cachedTokens, 1008);
    assert.equal(witness.life(3).cachedTokens, 1024);
    assert.equal(engine.totals.hitTokens, 1008 + 1024);
    assert.ok(witness.life(2).firstMs - 1000 < (witness.life(1).firstMs - 0) / 2);
  });

  it("finds what was generated, where its hashes are given", () => {
    const hashes = hashesOf(1, 20, 0, 20);
    const { witness } = play(H100_8B, [
      { id: 1, atMs: 0, promptTokens: 160, outputTokens: 170, hashes },
      { id: 2, atMs: 5000, promptTokens: 400, outputTokens: 4, hashes },
    ]);
    assert.equal(witness.life(2).cachedTokens, 320);
  });

  it("forgets the least recently freed blocks first, ends of prefixes before their beginnings", () => {
    const one = (id: number, atMs: number, group: number): Arrival => ({
      id,
      atMs,
      promptTokens: 160,
      outputTokens: 1,
      hashes: hashesOf(group, 10, 0, 10),
    });
    const { witness } = play(H100_8B, [one(1, 0, 1), one(2, 100, 2), one(3, 200, 3)], { blocks: 26 });
    assert.deepEqual(witness.removed, [10_009, 10_008, 10_007, 10_006, 10_005]);
  });

  it("cuts long prompts into chunks of the step's budget, decodes first", () => {
    const profile = constantSteps(10, { stepTokensMax: 100 });
    const { witness } = play(profile, [
      { id: 1, atMs: 0, promptTokens: 50, outputTokens: 10, hashes: [] },
      { id: 2, atMs: 0, promptTokens: 450, outputTokens: 1, hashes: [] },
    ]);
    // Steps: 50 + 50, then 1 + 99 each: 50 + 4 * 99 = 446, and 4 more in the sixth.
    assert.equal(witness.life(1).firstMs, 10);
    assert.equal(witness.life(2).firstMs, 60);
    assert.equal(witness.life(1).lastMs, 100);
  });

  it("holds all back behind one that does not fit, and refuses what never can", () => {
    const profile = constantSteps(10);
    const big = { promptTokens: 800, outputTokens: 20, hashes: [] };
    const { witness } = play(
      profile,
      [
        { id: 1, atMs: 0, ...big },
        { id: 2, atMs: 5, ...big },
        { id: 3, atMs: 6, promptTokens: 16, outputTokens: 1, hashes: [] },
      ],
      { blocks: 61 },
    );
    assert.ok(witness.life(3).firstMs >= witness.life(1).finishedMs);
    const engine = new InferenceEngine(configOf(profile, { blocks: 61 }), new Witness());
    assert.equal(engine.submit({ id: 9, promptTokens: 960, outputTokens: 1, hashes: [] }, 0), "too-long");
  });

  it("waits for an adapter's place, and pays once for loading it", () => {
    const request = { promptTokens: 16, outputTokens: 5, hashes: [] };
    const { engine, witness } = play(
      constantSteps(10),
      [
        { id: 1, atMs: 0, ...request, adapter: 1 },
        { id: 2, atMs: 1, ...request, adapter: 2 },
        { id: 3, atMs: 2, ...request, adapter: 1 },
        { id: 4, atMs: 3, ...request },
      ],
      { adapterPlaces: 1, adapterLoadMs: 100 },
    );
    assert.equal(engine.totals.adapterLoads, 2);
    assert.equal(witness.life(1).firstMs, 110);
    // The base model and the adapter that is there go past the one that waits.
    assert.equal(witness.life(3).firstMs, 120);
    assert.equal(witness.life(4).firstMs, 120);
    assert.ok(witness.life(2).firstMs >= witness.life(3).finishedMs + 100);
  });

  it("lets go of what is canceled, wherever it stands", () => {
    const witness = new Witness();
    const engine = new InferenceEngine(configOf(constantSteps(10), { blocks: 41 }), witness);
    for (const id of [1, 2]) {
      witness.arrived(id, 0);
      engine.submit({ id, promptTokens: 600, outputTokens: 10, hashes: [] }, 0);
    }
    engine.advance(0);
    assert.deepEqual([engine.runningCount, engine.waitingCount], [1, 1]);
    assert.equal(engine.cancel(1, 5), true);
    assert.equal(engine.cancel(1, 5), false);
    assert.equal(engine.pool.free, 40);
    engine.advance(10);
    assert.deepEqual([engine.runningCount, engine.waitingCount], [1, 0]);
    engine.cancel(2, 12);
    engine.advance(20);
    assert.equal(engine.nextStepMs, Number.POSITIVE_INFINITY);
    assert.equal(witness.life(1).tokens, 0);
  });

  it("hangs, resumes, slows down, crashes and comes back cold", () => {
    const witness = new Witness();
    const engine = new InferenceEngine(configOf(constantSteps(10)), witness);
    const submit = (id: number, nowMs: number): string => {
      witness.arrived(id, nowMs);
      return engine.submit({ id, promptTokens: 160, outputTokens: 3, hashes: hashesOf(1, 10, 0, 10) }, nowMs);
    };
    submit(1, 0);
    engine.advance(0);
    engine.hang(4);
    engine.advance(1000);
    assert.equal(witness.life(1).tokens, 0);
    engine.resume(1000);
    assert.equal(engine.nextStepMs, 1006);
    engine.slow(3);
    engine.advance(1006);
    assert.equal(engine.nextStepMs, 1036);
    engine.crash(1010);
    assert.equal(witness.life(1).droppedMs, 1010);
    assert.equal(submit(2, 1011), "down");
    engine.restart();
    engine.slow(1);
    submit(3, 2000);
    engine.advance(2100);
    assert.equal(witness.life(3).cachedTokens, 0);
    assert.equal(witness.life(3).finishedMs, 2030);
  });
});

describe("theory", () => {
  it("one seat, one token: M/D/1's mean wait, and Little's law", () => {
    const serviceMs = 10;
    const load = 0.7;
    const prng = createPrng(5);
    let atMs = 0;
    const arrivals = Array.from({ length: 60_000 }, (_, id): Arrival => {
      atMs += (serviceMs / load) * exponential(prng);
      return { id, atMs, promptTokens: 10, outputTokens: 1, hashes: [] };
    });
    let area = 0;
    let lastMs = 0;
    let inside = 0;
    const { engine, witness } = play(
      constantSteps(serviceMs, { sequencesMax: 1 }),
      arrivals,
      {},
      (server, nowMs) => {
        area += inside * (nowMs - lastMs);
        lastMs = nowMs;
        inside = server.runningCount + server.waitingCount;
      },
    );
    let sojournMs = 0;
    for (const life of witness.lives.values()) sojournMs += life.finishedMs - life.arrivedMs;
    const meanMs = sojournMs / arrivals.length;
    assertNear(meanMs, serviceMs + (load * serviceMs) / (2 * (1 - load)), 0.03, "M/D/1 sojourn");
    assertNear(area / lastMs, (arrivals.length / lastMs) * meanMs, 1e-6, "Little's law");
    assertNear(engine.totals.busyMs / lastMs, load, 0.02, "utilisation");
  });

  it("as many seats as requests, steps of one length: nobody waits for more than the step that runs", () => {
    const { witness } = play(constantSteps(10), crowd(3, 300, 40), { prefixCaching: false });
    for (const life of witness.lives.values()) {
      assert.ok(life.firstMs - life.arrivedMs <= 20 + 1e-9);
      assertNear(life.finishedMs - life.firstMs + 1, (life.tokens - 1) * 10 + 1, 1e-6, "decode time");
    }
  });
});
