/**
 * Many tenants and one that abuses: ordinary conversations, and a client that sends as many requests again in volleys of fifty, each with
 * 6,000 tokens nobody has seen before. Only the others' requests count.
 */
import { createPrng } from "../../../std/prng.ts";
import { exponential } from "../../chance/work.ts";
import { H100_8B } from "../../engine/profiles.ts";
import { BLOCK_TOKENS, CHAT_RATE, chats } from "./conversations.ts";
import { HashBook, repeat, type Workload, type WorkloadOptions, type WorkloadRequest } from "./workload.ts";

const VOLLEY = 50;
const ABUSIVE_TENANT = 1;
const PROMPT_TOKENS = 6000;

export function tenants({ seed, requests: count }: WorkloadOptions): Workload {
  const prng = createPrng(seed);
  const book = new HashBook();
  const ordinary = chats(prng, Math.floor(count / 2), book, ABUSIVE_TENANT + 1);
  const abusive: WorkloadRequest[] = [];
  const endMs = ordinary.at(-1)!.atMs;
  for (let atMs = 0; ;) {
    atMs += ((1000 * VOLLEY) / CHAT_RATE) * exponential(prng);
    if (atMs >= endMs) break;
    for (let shot = 0; shot < VOLLEY; shot++) {
      const blocks = Math.floor(PROMPT_TOKENS / BLOCK_TOKENS);
      const first = book.run(blocks);
      abusive.push({
        atMs: atMs + 10 * shot,
        after: -1,
        thinkMs: 0,
        promptTokens: PROMPT_TOKENS,
        outputTokens: 200,
        hashes: Int32Array.from({ length: blocks }, (_, index) => first + index),
        session: 0,
        tenant: ABUSIVE_TENANT,
        counts: false,
      });
    }
  }
  return {
    name: "tenants",
    title: "conversations beside a client that sends volleys of long prompts",
    requests: [...ordinary, ...abusive].toSorted((a, b) => a.atMs - b.atMs),
    nominalRatePerSec: 2 * CHAT_RATE,
    blockTokens: BLOCK_TOKENS,
    fleet: repeat(H100_8B, 8),
    rateMin: 4,
    rateMax: 160,
    referenceRate: 20,
  };
}
