/**
 * Conversations, made up: system prompts that many share, some with a long document, each turn beginning with all that was said before.
 *
 * 40 system prompts of 1,000 to 4,000 tokens, the k-th as popular as 1 / k; five turns in the mean, some tens of seconds apart; one
 * conversation in seven begins with a document of 4,000 to 16,000 tokens. Answers are found in the cache by the next turn. Together the
 * conversations that are going on hold about two thirds of the fleet's memory.
 */
import { createPrng, type Prng } from "../../../std/prng.ts";
import { exponential, normal } from "../../chance/work.ts";
import { A100_8B, H100_8B, slowed, type EngineProfile } from "../../engine/profiles.ts";
import { HashBook, repeat, type Workload, type WorkloadOptions, type WorkloadRequest } from "./workload.ts";

export const BLOCK_TOKENS = 64;
export const CHAT_RATE = 10;

const SYSTEM_PROMPTS = 40;
const TURNS_MEAN = 5;
const TURNS_MAX = 20;
const GAP_MS = 40_000;
const DOCUMENT_SHARE = 0.15;

export function conversations(options: WorkloadOptions): Workload {
  return {
    name: "conversations",
    title: "conversations with shared system prompts",
    requests: chats(createPrng(options.seed), options.requests, new HashBook()),
    nominalRatePerSec: CHAT_RATE,
    blockTokens: BLOCK_TOKENS,
    fleet: repeat(H100_8B, 8),
    rateMin: 8,
    rateMax: 160,
    referenceRate: 45,
  };
}

/** The same on unequal machines: four H100, three A100, and an H100 that takes three times as long. */
export function unequal(options: WorkloadOptions): Workload {
  const fleet: readonly EngineProfile[] = [...repeat(H100_8B, 4), ...repeat(A100_8B, 3), slowed(H100_8B, 3)];
  return {
    ...conversations(options),
    name: "unequal",
    title: "conversations on four H100, three A100 and one three times slower",
    fleet,
    rateMin: 4,
    referenceRate: 28,
  };
}

/** About `count` requests at CHAT_RATE, in order; tenants are the system prompts, from `firstTenant` on. */
export function chats(
  prng: Prng,
  count: number,
  book: HashBook,
  firstTenant = 1,
): readonly WorkloadRequest[] {
  const systems = Array.from({ length: SYSTEM_PROMPTS }, () => {
    const tokens = 1000 + prng.below(3000);
    return { tokens, first: book.run(Math.floor(tokens / BLOCK_TOKENS)) };
  });
  const popularity = cumulative(systems.map((_, rank) => 1 / (rank + 1)));
  const all: WorkloadRequest[] = [];
  // Conversations that began before the first request are in full course then.
  const warmMs = 2 * TURNS_MEAN * GAP_MS;
  const spanMs = (1000 * count) / CHAT_RATE;
  let beginMs = 0;
  let session = 0;
  while (beginMs < warmMs + spanMs) {
    beginMs += ((1000 * TURNS_MEAN) / CHAT_RATE) * exponential(prng);
    session++;
    const rank = draw(popularity, prng);
    all.push(...conversation(prng, book, systems[rank]!, beginMs - warmMs, session, firstTenant + rank));
  }
  return all
    .filter(({ atMs }) => atMs >= 0)
    .toSorted((a, b) => a.atMs - b.atMs)
    .slice(0, count);
}

function conversation(
  prng: Prng,
  book: HashBook,
  system: { readonly tokens: number; readonly first: number },
  beginMs: number,
  session: number,
  tenant: number,
): WorkloadRequest[] {
  const turns = Math.min(TURNS_MAX, 1 + Math.floor(TURNS_MEAN_LESS_ONE * exponential(prng)));
  const document = prng.float() < DOCUMENT_SHARE ? 4000 + prng.below(12_000) : 0;
  const shared = Math.floor(system.tokens / BLOCK_TOKENS);
  let tokens = system.tokens + document + lognormal(prng, 400, 0.8);
  let atMs = beginMs;
  const sizes: { readonly atMs: number; readonly promptTokens: number; readonly outputTokens: number }[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const outputTokens = lognormal(prng, 250, 0.8);
    sizes.push({ atMs, promptTokens: tokens, outputTokens });
    tokens += outputTokens + lognormal(prng, 150, 0.8);
    atMs += GAP_MS * exponential(prng);
  }
  const own = book.run(Math.max(0, Math.floor(tokens / BLOCK_TOKENS) - shared));
  return sizes.map((size) => ({
    ...size,
    after: -1,
    thinkMs: 0,
    hashes: Int32Array.from(
      { length: Math.floor((size.promptTokens + size.outputTokens) / BLOCK_TOKENS) },
      (_, index) => (index < shared ? system.first + index : own + index - shared),
    ),
    session,
    tenant,
    counts: true,
  }));
}

const TURNS_MEAN_LESS_ONE = TURNS_MEAN - 0.5;

/** At least 1, with that mean. */
export function lognormal(prng: Prng, mean: number, sigma: number): number {
  return Math.max(1, Math.round(mean * Math.exp(sigma * normal(prng) - (sigma * sigma) / 2)));
}

function cumulative(weights: readonly number[]): readonly number[] {
  let total = 0;
  return weights.map((weight) => (total += weight));
}

function draw(sums: readonly number[], prng: Prng): number {
  const target = prng.float() * sums.at(-1)!;
  return sums.findIndex((sum) => target < sum);
}
