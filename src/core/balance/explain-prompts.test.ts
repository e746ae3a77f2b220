/** Explanations of prompts: every inference policy tells what its next pick does, and being asked changes nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CANDIDATES_TOLD } from "../../model/explanation.ts";
import {
  DEFAULT_INFERENCE_POLICY,
  type InferencePoolSpec,
  type ModelServer,
} from "../../model/inference-pool.ts";
import type { Outcome } from "../../model/outcome.ts";
import type { PoolSpec } from "../../model/pool.ts";
import type { Ticket } from "../../model/verdict.ts";
import { createPrng, type Prng } from "../../std/prng.ts";
import { newAttempt } from "../inference/policy/attempt.ts";
import { INFERENCE_POLICIES } from "../inference/policy/create-policy.ts";
import type { InferenceRequest } from "../inference/policy/inference-policy.ts";
import { PoolBrain } from "./pool-brain.ts";
import { endpoint, keys, spec } from "./virtual-pool.test.ts";

/** Divided into zones or not; `servers`: what of them is reserved. */
function modelPool(
  policy: string,
  names: readonly string[],
  servers: readonly Partial<ModelServer>[] = [],
  zones = false,
): PoolSpec {
  const endpoints = names.map((key, i) => ({ ...endpoint(key), zone: zones ? `z${i % 2}` : undefined }));
  const inference: InferencePoolSpec = {
    targetPorts: [80],
    failureMode: "close",
    servers: names.map((key, i) => ({
      key,
      pod: `test/${key}`,
      rank: 0,
      engine: "vllm",
      stages: undefined,
      contextTokens: undefined,
      ...servers[i],
    })),
    objectives: [],
    modelPriorities: [],
    rewrites: [],
    policy: { ...DEFAULT_INFERENCE_POLICY, policy },
  };
  return {
    ...spec(endpoints, "Inference", { balancing: { zones: { prefer: "local" } as never } }),
    inference,
  };
}

function promptOf(group: number, blocks: number, streamed: boolean): InferenceRequest {
  const hashes = new Float64Array(blocks);
  for (let i = 0; i < blocks; i++) hashes[i] = 1 + ((group * 7_919 + i * 104_729) % 1_000_003);
  return {
    promptTokens: blocks * 64 + 10,
    blocks: { hashes, count: blocks },
    tokensPerBlock: 64,
    expectedOutputTokens: 40,
    maxOutputTokens: 0,
    streamed,
    session: group % 2 === 0 ? 0 : group,
    tenant: 0,
    priority: 0,
    adapter: group % 3,
    ttftTargetMs: 0,
    tpotTargetMs: 0,
    attempt: newAttempt(),
  };
}

function randomPrompt(chance: Prng): InferenceRequest {
  return promptOf(chance.below(6), chance.below(30), chance.below(2) === 0);
}

interface Open {
  readonly ticket: Ticket;
  tokens: number;
}

function step(brain: PoolBrain, open: Open[], chance: Prng, nowMs: number): void {
  while (open.length > 0 && chance.below(3) > 0) {
    const at = chance.below(open.length);
    const each = open[at]!;
    if (each.tokens === 0) brain.firstToken(each.ticket, nowMs);
    else brain.tokens(each.ticket, each.tokens + 3, nowMs);
    each.tokens = each.tokens === 0 ? 1 : each.tokens + 3;
    if (open.length < 20 && chance.below(4) > 0) continue;
    open.splice(at, 1);
    const failed = chance.below(15) === 0;
    const usage = { promptTokens: 900, cachedTokens: chance.below(900), outputTokens: each.tokens };
    const outcome: Outcome = {
      kind: failed ? "server-error" : "success",
      status: failed ? 500 : 200,
      firstByteMs: 5,
      totalMs: 50,
      usage: failed ? undefined : usage,
    };
    brain.settle(each.ticket, outcome, nowMs);
  }
}

/** Traffic of prompts with explanations asked for in between, or not: where they went. */
function play(policy: string, asking: boolean, zones: boolean, seed: number): readonly string[] {
  const brain = new PoolBrain({ prng: createPrng(seed), localZone: zones ? "z0" : undefined });
  brain.adopt(modelPool(policy, keys(7), [], zones), 0);
  const crank = createPrng(seed + 1);
  // Its own: what is asked in between must not decide what is sent.
  const curious = createPrng(seed + 2);
  const open: Open[] = [];
  const way: string[] = [];
  let nowMs = 0;
  for (let i = 0; i < 150; i++) {
    nowMs += crank.below(40) * 1.5;
    step(brain, open, crank, nowMs);
    const prompt = randomPrompt(crank);
    const facts = {
      tried: crank.below(4) === 0 ? open.slice(0, 2).map(({ ticket }) => ticket.slot) : [],
      prompt,
    };
    if (asking) {
      // Also of another time: what has been taken for begun by then must not be taken so now.
      brain.explain({ tried: [], prompt: randomPrompt(curious) }, nowMs + curious.below(2) * 5_000);
    }
    const explained = asking ? brain.explain(facts, nowMs) : undefined;
    const verdict = brain.pick(facts, nowMs);
    assert.ok(verdict.kind === "send");
    const { ticket } = verdict;
    if (explained !== undefined) {
      const recorded = brain.recent.find(ticket.decision)!;
      assert.equal(explained.chosen, ticket.endpoint.key, `${policy} ${i} ${explained.reason}`);
      assert.equal(recorded.reason, explained.reason);
      assert.equal(recorded.compared, explained.compared.length);
      const scores = new Map(explained.considered.map(({ key, score }) => [key, score]));
      for (const { key, score } of recorded.considered)
        assert.equal(scores.get(key), score, `${policy} ${key}`);
      assert.equal(recorded.prompt?.promptTokens, prompt.promptTokens);
    }
    way.push(ticket.endpoint.key);
    open.push({ ticket, tokens: 0 });
  }
  return way;
}

for (const policy of INFERENCE_POLICIES) {
  test(`${policy}: explained as it is picked, and asking changes no pick`, () => {
    for (const zones of policy === "cost" ? [false, true] : [false]) {
      const asked = play(policy, true, zones, 5);
      assert.deepEqual(asked, play(policy, false, zones, 5));
      assert.ok(new Set(asked).size > 2);
    }
  });
}

test("cost: the best candidates are told cheapest first, and their terms sum up to what was compared", () => {
  const brain = new PoolBrain({ prng: createPrng(1) });
  brain.adopt(modelPool("cost", keys(20)), 0);
  const warm = promptOf(1, 40, true);
  const first = brain.pick({ tried: [], prompt: warm }, 0);
  assert.ok(first.kind === "send");
  brain.firstToken(first.ticket, 90);
  brain.settle(first.ticket, { kind: "success", status: 200, firstByteMs: 90, totalMs: 95 }, 95);
  const explained = brain.explain({ tried: [], prompt: promptOf(1, 60, true) }, 30_000);
  assert.equal(explained.compared.length, 20);
  assert.equal(explained.considered.length, CANDIDATES_TOLD);
  const scores = explained.considered.map(({ score }) => score!);
  assert.deepEqual(
    scores,
    scores.toSorted((a, b) => a - b),
  );
  for (const { factors, score } of explained.considered) {
    const terms = factors.slice(
      1,
      factors.findIndex(({ unit }) => unit !== "ms"),
    );
    assert.equal(factors[0]?.name, "cost");
    assert.ok(Math.abs(terms.reduce((sum, { value }) => sum + value, 0) - score!) < 1e-6 * score! + 1e-9);
  }
  assert.equal(brain.servers.cachedBlocks(first.ticket.slot, warm.blocks), 40);
  const holder = explained.considered.find(({ key }) => key === first.ticket.endpoint.key)!;
  assert.ok(holder.factors.find(({ name }) => name === "cachedTokens")!.value > 1_000);
});

test("who is reserved for another stage or length does not stand, unless there is nobody else", () => {
  const brain = new PoolBrain({ prng: createPrng(1) });
  const long = { contextTokens: { min: 4_000, max: 100_000 } };
  const servers = [{ stages: ["prefill"] as const }, long, {}];
  brain.adopt(modelPool("cost", ["a", "b", "c"], servers), 0);
  const facts = { tried: [], prompt: promptOf(1, 10, true) };
  const explained = brain.explain(facts, 0);
  assert.equal(explained.chosen, "c");
  assert.deepEqual(explained.filtered, [
    { key: "a", reason: "other-stage" },
    { key: "b", reason: "other-length" },
  ]);
  assert.ok(
    explained.considered[0]!.factors.some(({ name }) => name === "prefill"),
    "terms of the only one too",
  );
  brain.setHealthy("c", false, 0);
  const others = brain.explain(facts, 0);
  assert.deepEqual(others.filtered, [{ key: "c", reason: "unhealthy" }]);
  assert.equal(others.compared.length, 2);
});
