/**
 * What holds for every inference policy: it answers a candidate, the same seed gives the same answers, and its account
 * is at zero when all has ended, whatever engines report and however attempts end.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { OutcomeKind } from "../../../model/outcome.ts";
import { createPrng } from "../../../std/prng.ts";
import { newAttempt } from "./attempt.ts";
import { createInferencePolicy, INFERENCE_POLICIES, type InferencePolicyName } from "./create-policy.ts";
import type { InferencePolicy, InferenceRequest } from "./inference-policy.ts";
import { RuledPolicy } from "./rule.ts";

const ENDPOINTS = 6;

function requestOf(group: number, blocks: number, output: number, streamed: boolean): InferenceRequest {
  const hashes = new Float64Array(blocks);
  for (let i = 0; i < blocks; i++) hashes[i] = 1 + ((group * 7_919 + i * 104_729) % 1_000_003);
  return {
    promptTokens: blocks * 64 + 10,
    blocks: { hashes, count: blocks },
    tokensPerBlock: 64,
    expectedOutputTokens: output,
    maxOutputTokens: 0,
    streamed,
    session: group,
    tenant: 0,
    priority: 0,
    adapter: group % 3,
    ttftTargetMs: group === 2 ? 500 : 0,
    tpotTargetMs: group === 1 ? 20 : 0,
    attempt: newAttempt(),
  };
}

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

const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("send" as const),
      group: fc.nat(5),
      blocks: fc.nat(60),
      output: fc.nat(500),
      streamed: fc.boolean(),
      candidates: fc.uniqueArray(fc.nat(ENDPOINTS - 1), { minLength: 1, maxLength: ENDPOINTS }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("first" as const), which: fc.nat(40) }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("tokens" as const), which: fc.nat(40), more: fc.nat(40) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      which: fc.nat(40),
      outcome: fc.constantFrom(...KINDS),
      cached: fc.option(fc.nat(5000), { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("report" as const),
      slot: fc.nat(ENDPOINTS - 1),
      running: fc.option(fc.constantFrom(0, 3, 1e9, Number.NaN, -5), { nil: undefined }),
      waiting: fc.option(fc.constantFrom(0, 3, 1e9, Number.POSITIVE_INFINITY), { nil: undefined }),
      kvUsedRatio: fc.option(fc.constantFrom(0, 0.5, 1, 7, Number.NaN), { nil: undefined }),
      lateMs: fc.nat(5000),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(20_000) }) },
);
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

/** Plays the acts; answers what was chosen. */
function play(policy: InferencePolicy, acts: readonly Act[]): number[] {
  const chosen: number[] = [];
  const open: { slot: number; request: InferenceRequest; total: number; began: boolean }[] = [];
  let nowMs = 1000;
  for (let slot = 0; slot < ENDPOINTS; slot++) policy.joined(slot, undefined, nowMs);
  for (const doing of acts) {
    nowMs += 3;
    switch (doing.kind) {
      case "send": {
        const request = requestOf(doing.group, doing.blocks, doing.output, doing.streamed);
        const candidates = Int32Array.from(doing.candidates);
        const slot = policy.choose(request, candidates, candidates.length, nowMs);
        assert.ok(doing.candidates.includes(slot), `${slot} is no candidate`);
        chosen.push(slot);
        policy.sent(slot, request, nowMs);
        open.push({ slot, request, total: 0, began: false });
        break;
      }
      case "first": {
        const call = open[doing.which];
        if (call === undefined || call.began) break;
        call.began = true;
        call.total = 1;
        policy.firstToken(call.slot, call.request, nowMs);
        break;
      }
      case "tokens": {
        const call = open[doing.which];
        if (call === undefined || !call.began) break;
        call.total += doing.more;
        policy.tokens(call.slot, call.request, call.total, nowMs);
        break;
      }
      case "end": {
        const [call] = open.splice(doing.which, 1);
        if (call !== undefined) end(policy, call, doing.outcome, doing.cached, nowMs);
        break;
      }
      case "report":
        policy.reported(
          doing.slot,
          {
            running: doing.running,
            waiting: doing.waiting,
            kvUsedRatio: doing.kvUsedRatio,
            blocksTotal: 1000,
            blockTokens: 16,
            prefixHitRatio: undefined,
            maxSequences: undefined,
            adaptersRunning: [1],
            adaptersWaiting: [],
            adaptersMax: 1,
            asOfMs: nowMs - doing.lateMs,
          },
          nowMs,
        );
        break;
      case "wait":
        nowMs += doing.ms;
        break;
    }
  }
  for (const call of open) end(policy, call, "success", undefined, nowMs);
  return chosen;
}

function end(
  policy: InferencePolicy,
  call: { readonly slot: number; readonly request: InferenceRequest; readonly total: number },
  kind: OutcomeKind,
  cachedTokens: number | undefined,
  nowMs: number,
): void {
  const outputTokens = cachedTokens === undefined ? undefined : call.total;
  const { promptTokens } = call.request;
  policy.ended(call.slot, call.request, { kind, promptTokens, cachedTokens, outputTokens }, nowMs);
}

function make(name: InferencePolicyName, seed: number): RuledPolicy {
  const policy = createInferencePolicy(name, { prng: createPrng(seed), indexBlocksMax: 400 });
  assert.ok(policy instanceof RuledPolicy);
  return policy;
}

for (const name of INFERENCE_POLICIES) {
  test(`${name}: answers candidates, repeatably, and ends with an empty account`, () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 120 }), fc.nat(), (acts, seed) => {
        const policy = make(name, seed);
        const chosen = play(policy, acts);
        const { ledger, index } = policy.knowledge;
        for (let slot = 0; slot < ENDPOINTS; slot++) {
          assert.equal(ledger.inFlight[slot], 0);
          assert.equal(ledger.waiting[slot], 0);
          assert.equal(ledger.decoding[slot], 0);
          assert.equal(ledger.waitingMs[slot], 0);
          assert.equal(ledger.waitingUncached[slot], 0);
          assert.equal(ledger.context[slot], 0);
          assert.equal(ledger.ownContext[slot], 0);
          assert.equal(ledger.decodeContext[slot], 0);
          assert.equal(ledger.outputLeft[slot], 0);
          assert.equal(ledger.head(slot), undefined);
        }
        assert.ok(index.size <= 400);
        assert.deepEqual(play(make(name, seed), acts), chosen);
        for (const constant of policy.knowledge.model.constants()) assert.ok(Number.isFinite(constant));
        for (let slot = 0; slot < ENDPOINTS; slot++) {
          for (const factor of policy.factors(slot, requestOf(1, 5, 9, true), 1e6))
            assert.ok(!Number.isNaN(factor.value), `${factor.name} is no number`);
          policy.left(slot);
        }
        assert.equal(index.size, 0);
      }),
      { numRuns: 60, seed: 11 },
    );
  });
}
