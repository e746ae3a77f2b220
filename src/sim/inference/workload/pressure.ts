/**
 * Prefix pressure: many customers, each with a long prompt of its own in front of every question, and together more than one
 * engine's memory. The b2b-saas setting of llm-d's benchmarks: 150 prefixes of 6,000 tokens, 5 questions of 1,200 tokens each, answers
 * of 1,000, on 70B models with memory for 256,000 tokens.
 */
import { createPrng } from "../../../std/prng.ts";
import { exponential } from "../../chance/work.ts";
import { H100_70B_TP4 } from "../../engine/profiles.ts";
import { HashBook, repeat, type Workload, type WorkloadOptions, type WorkloadRequest } from "./workload.ts";

const BLOCK_TOKENS = 64;
const QUESTIONS = 5;
const PREFIX_TOKENS = 6000;
const QUESTION_TOKENS = 1200;
const ANSWER_TOKENS = 1000;

export function pressure({ seed, requests: count }: WorkloadOptions): Workload {
  const prng = createPrng(seed);
  const book = new HashBook();
  const groups = 150;
  const prefixBlocks = Math.floor(PREFIX_TOKENS / BLOCK_TOKENS);
  const firsts = Array.from({ length: groups }, () => book.run(prefixBlocks));
  // Every group is asked equally often, in random order; beyond five questions each, the round begins again.
  const order: number[] = [];
  while (order.length < count) {
    const round = Array.from({ length: groups * QUESTIONS }, (_, index) => index % groups);
    for (let index = round.length - 1; index > 0; index--) {
      const other = prng.below(index + 1);
      [round[index], round[other]] = [round[other]!, round[index]!];
    }
    order.push(...round);
  }
  let atMs = 0;
  const requests = order.slice(0, count).map((group): WorkloadRequest => {
    atMs += 100 * exponential(prng);
    const promptTokens = PREFIX_TOKENS + QUESTION_TOKENS;
    const full = Math.floor((promptTokens + ANSWER_TOKENS) / BLOCK_TOKENS);
    const own = book.run(full - prefixBlocks);
    const hashes = Int32Array.from({ length: full }, (_, index) =>
      index < prefixBlocks ? firsts[group]! + index : own + index - prefixBlocks,
    );
    return {
      atMs,
      after: -1,
      thinkMs: 0,
      promptTokens,
      outputTokens: ANSWER_TOKENS,
      hashes,
      session: 0,
      tenant: group + 1,
      counts: true,
    };
  });
  return {
    name: "pressure",
    title: "prefix pressure, 150 prefixes of 6,000 tokens",
    requests,
    nominalRatePerSec: 10,
    blockTokens: BLOCK_TOKENS,
    fleet: repeat({ ...H100_70B_TP4, kvTokens: 256_000 }, 8),
    rateMin: 2,
    rateMax: 40,
    referenceRate: 12,
  };
}
