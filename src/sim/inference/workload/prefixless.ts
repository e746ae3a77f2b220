/**
 * Requests that have nothing in common: short chats in bursts, long reasoning, and code completions as Azure recorded them.
 */
import { createPrng, type Prng } from "../../../std/prng.ts";
import { exponential } from "../../chance/work.ts";
import { H100_8B, type EngineProfile } from "../../engine/profiles.ts";
import { lognormal } from "./conversations.ts";
import { readData, windowOf } from "./recorded.ts";
import { repeat, type Workload, type WorkloadOptions, type WorkloadRequest } from "./workload.ts";

const FLEET: readonly EngineProfile[] = repeat(H100_8B, 8);
const BLOCK_TOKENS = 64;
const NOTHING_SHARED = new Int32Array(0);

const AZURE_FILE = "azure-llm-2023/AzureLLMInferenceTrace_code.csv";

function request(atMs: number, promptTokens: number, outputTokens: number): WorkloadRequest {
  return {
    atMs,
    after: -1,
    thinkMs: 0,
    promptTokens,
    outputTokens,
    hashes: NOTHING_SHARED,
    session: 0,
    tenant: 0,
    counts: true,
  };
}

/** Prompts of 1,155 and answers of 211 tokens in the mean, as Azure's conversations of 2023; five times the rate a fifth of the time. */
export function bursts({ seed, requests: count }: WorkloadOptions): Workload {
  const prng = createPrng(seed);
  let isBurst = false;
  let leftMs = 0;
  let atMs = 0;
  const requests: WorkloadRequest[] = [];
  while (requests.length < count) {
    const gapMs = (isBurst ? 36 : 180) * exponential(prng);
    if (gapMs > leftMs) {
      atMs += leftMs;
      isBurst = !isBurst;
      leftMs = (isBurst ? 2000 : 8000) * exponential(prng);
      continue;
    }
    leftMs -= gapMs;
    atMs += gapMs;
    requests.push(request(atMs, lognormal(prng, 1155, 1), lognormal(prng, 211, 0.9)));
  }
  return {
    name: "bursts",
    title: "short chats in bursts, nothing shared",
    requests,
    nominalRatePerSec: 10,
    blockTokens: BLOCK_TOKENS,
    fleet: FLEET,
    rateMin: 20,
    rateMax: 400,
    referenceRate: 110,
  };
}

/** Prompts of 1,000 tokens, answers of 8,000 in the mean. */
export function reasoning({ seed, requests }: WorkloadOptions): Workload {
  const prng = createPrng(seed);
  const count = Math.min(requests, REASONING_MAX);
  return {
    name: "reasoning",
    title: "reasoning: answers of 8,000 tokens",
    requests: poisson(prng, count, 100, () => [1000, Math.min(32_000, lognormal(prng, 8000, 0.5))]),
    nominalRatePerSec: 10,
    blockTokens: BLOCK_TOKENS,
    fleet: FLEET,
    rateMin: 0.5,
    rateMax: 12,
    referenceRate: 3,
  };
}

/** Every request is thousands of steps. */
const REASONING_MAX = 2000;

function poisson(
  prng: Prng,
  count: number,
  gapMs: number,
  sizes: () => readonly [number, number],
): readonly WorkloadRequest[] {
  let atMs = 0;
  return Array.from({ length: count }, () => {
    atMs += gapMs * exponential(prng);
    return request(atMs, ...sizes());
  });
}

/** 8,819 requests of an hour, 2,048 tokens of prompt and 28 of answer in the mean, very bursty. A seed takes another window. */
export function azureCode({ seed, requests: count }: WorkloadOptions): Workload | undefined {
  const text = readData(AZURE_FILE);
  if (text === undefined) return undefined;
  const rows = text
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [time, prompt, output] = line.split(",");
      return request(
        Date.parse(`${time!.slice(0, 23).replace(" ", "T")}Z`),
        Math.max(1, Number(prompt)),
        Math.max(1, Number(output)),
      );
    });
  const requests = windowOf(rows, createPrng(seed).below(rows.length), count);
  return {
    name: "azure-code",
    title: "Azure code completions (recorded), nothing shared",
    requests,
    nominalRatePerSec: (1000 * requests.length) / (requests.at(-1)!.atMs - requests[0]!.atMs),
    blockTokens: BLOCK_TOKENS,
    fleet: FLEET,
    rateMin: 2,
    rateMax: 200,
    referenceRate: 10,
  };
}
