/**
 * What a decision for an inference request costs: microseconds of `choose` and of `sent`, by policy, pool size and prompt.
 *
 *     node bench/inference-decisions.ts [decisions] [policy,policy]
 *
 * Every endpoint's cache is full first: as many blocks of 64 tokens as an engine with 400,000 tokens has room for. Three requests of
 * four begin with one of 200 prompts that several endpoints hold (to a random depth), the fourth is new. About 20 requests
 * are in flight per endpoint; the oldest ends before each decision, outside the clock. What is timed is timed alone, so
 * that quantiles are those of single calls, but for `choose` the faster of two, which
 * takes out most of what other programs do to the clock; `sent` cannot be done twice, so its tail is the machine's as well.
 */
import { performance } from "node:perf_hooks";
import { newAttempt } from "../src/core/inference/policy/attempt.ts";
import {
  createInferencePolicy,
  INFERENCE_POLICIES,
  type InferencePolicyName,
} from "../src/core/inference/policy/create-policy.ts";
import type { InferenceRequest } from "../src/core/inference/policy/inference-policy.ts";
import { createPrng, type Prng } from "../src/std/prng.ts";

const BLOCK_TOKENS = 64;
const ENGINE_TOKENS = 400_000;
const FAMILIES = 200;
const IN_FLIGHT = 20;
const WARM_UP = 2000;
const INDEX_BLOCKS_MAX = 1 << 20;

function chain(seed: number, from: Float64Array | undefined, shared: number, count: number): Float64Array {
  const prng = createPrng(seed);
  const hashes = new Float64Array(count);
  for (let i = 0; i < count; i++)
    hashes[i] =
      from !== undefined && i < shared ? from[i]! : 1 + prng.uint32() * 2 ** 20 + prng.below(1 << 20);
  return hashes;
}

function requestOf(prng: Prng, families: readonly Float64Array[], tokens: number): InferenceRequest {
  const count = Math.floor(tokens / BLOCK_TOKENS);
  const family = prng.below(4) === 0 ? undefined : families[prng.below(families.length)]!;
  const hashes = chain(prng.uint32(), family, prng.below(count + 1), count);
  return {
    promptTokens: tokens,
    blocks: { hashes, count },
    tokensPerBlock: BLOCK_TOKENS,
    expectedOutputTokens: 250,
    maxOutputTokens: 0,
    streamed: true,
    session: 0,
    tenant: 0,
    priority: 0,
    adapter: 0,
    ttftTargetMs: 0,
    tpotTargetMs: 0,
    attempt: newAttempt(),
  };
}

function measure(name: InferencePolicyName, endpoints: number, tokens: number, decisions: number): void {
  const prng = createPrng(5);
  const policy = createInferencePolicy(name, { prng: createPrng(6), indexBlocksMax: INDEX_BLOCKS_MAX });
  const families = Array.from({ length: FAMILIES }, (_, i) =>
    chain(i + 1, undefined, 0, Math.floor(tokens / BLOCK_TOKENS)),
  );
  const candidates = Int32Array.from({ length: endpoints }, (_, slot) => slot);
  let nowMs = 1;
  for (const slot of candidates) policy.joined(slot, { kvTokens: ENGINE_TOKENS }, nowMs);
  for (const slot of candidates) {
    // Old and alone, so that what comes now pushes something out.
    const filler = chain(1000 + slot, undefined, 0, ENGINE_TOKENS / BLOCK_TOKENS);
    policy.cacheStored(slot, { hashes: filler, count: filler.length }, nowMs);
  }
  const open: { readonly slot: number; readonly request: InferenceRequest }[] = [];
  const chooseUs = new Float64Array(decisions);
  const sentUs = new Float64Array(decisions);
  const heapBefore = process.memoryUsage().rss;
  for (let i = -WARM_UP; i < decisions; i++) {
    nowMs += 2;
    if (open.length > IN_FLIGHT * endpoints) {
      const { slot, request } = open.shift()!;
      policy.firstToken(slot, request, nowMs);
      policy.tokens(slot, request, 250, nowMs);
      const end = {
        kind: "success",
        promptTokens: tokens,
        cachedTokens: undefined,
        outputTokens: 250,
      } as const;
      policy.ended(slot, request, end, nowMs);
    }
    const request = requestOf(prng, families, tokens);
    // Once more for the figure: the faster of two calls, since what else runs on the machine is not the decision's.
    const early = performance.now();
    policy.choose(request, candidates, endpoints, nowMs);
    const from = performance.now();
    const slot = policy.choose(request, candidates, endpoints, nowMs);
    const between = performance.now();
    policy.sent(slot, request, nowMs);
    const until = performance.now();
    open.push({ slot, request });
    if (i < 0) continue;
    chooseUs[i] = Math.min(from - early, between - from) * 1000;
    sentUs[i] = (until - between) * 1000;
  }
  const at = (sorted: Float64Array, q: number): string =>
    sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!.toFixed(1).padStart(8);
  const chose = chooseUs.toSorted();
  const sent = sentUs.toSorted();
  const both = chooseUs.map((us, i) => us + sentUs[i]!).toSorted();
  const mib = ((process.memoryUsage().rss - heapBefore) / 2 ** 20).toFixed(0);
  console.log(
    `${name.padEnd(16)} ${String(endpoints).padStart(5)} ${String(tokens).padStart(7)} ` +
      `${at(chose, 0.5)} ${at(chose, 0.99)} ${at(sent, 0.5)} ${at(sent, 0.99)} ${at(both, 0.99)} ${at(both, 0.999)} ${mib.padStart(6)}`,
  );
}

const decisions = Number(process.argv[2] ?? 20_000);
const asked = process.argv[3]?.split(",");
const policies = INFERENCE_POLICIES.filter((name) => asked?.includes(name) ?? name === "cost");
console.log(`node ${process.version}, ${decisions} decisions each; us`);
console.log("policy           slots  prompt  choose50  chose99   sent50   sent99   both99  both999  MiB");
for (const name of policies)
  for (const [endpoints, tokens] of [
    [10, 8192],
    [100, 1024],
    [100, 8192],
    [100, 100_000],
    [1000, 8192],
  ] as const)
    measure(name, endpoints, tokens, tokens > 50_000 ? Math.ceil(decisions / 5) : decisions);
