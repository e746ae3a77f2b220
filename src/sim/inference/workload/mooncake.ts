/**
 * Conversations as Mooncake recorded them (FAST 2025): 12,031 requests of an hour, 12,000 tokens of prompt and 343 of answer in the mean,
 * with the prefix blocks of 512 tokens that they share. A seed takes another window of the hour.
 */
import { createPrng } from "../../../std/prng.ts";
import { H100_8B } from "../../engine/profiles.ts";
import { jsonLines, readData, windowOf } from "./recorded.ts";
import { repeat, type Workload, type WorkloadOptions, type WorkloadRequest } from "./workload.ts";

const FILE = "mooncake-fast25/conversation_trace.jsonl";
const TRACE_BLOCK_TOKENS = 512;
const BLOCK_TOKENS = 64;
const PER_TRACE_BLOCK = TRACE_BLOCK_TOKENS / BLOCK_TOKENS;

/** Times are recorded in steps of three seconds: within a step they are spread evenly at random. */
const TIME_STEP_MS = 3000;

interface Row {
  readonly timestamp: number;
  readonly input_length: number;
  readonly output_length: number;
  readonly hash_ids: readonly number[];
}

export function mooncake({ seed, requests: count }: WorkloadOptions): Workload | undefined {
  const text = readData(FILE);
  if (text === undefined) return undefined;
  const prng = createPrng(seed);
  const rows = (jsonLines(text) as readonly Row[])
    .map((row) => ({ row, atMs: row.timestamp + TIME_STEP_MS * prng.float() }))
    .toSorted((a, b) => a.atMs - b.atMs);
  const chosen = windowOf(rows, count >= rows.length ? 0 : prng.below(rows.length), count);
  const requests = chosen.map(({ row, atMs }): WorkloadRequest => {
    const promptTokens = Math.max(1, row.input_length);
    const hashes = new Int32Array(Math.floor(promptTokens / BLOCK_TOKENS));
    for (let index = 0; index < hashes.length; index++) {
      const id = row.hash_ids[Math.floor(index / PER_TRACE_BLOCK)] ?? 0;
      hashes[index] = 1 + id * PER_TRACE_BLOCK + (index % PER_TRACE_BLOCK);
    }
    return {
      atMs,
      after: -1,
      thinkMs: 0,
      promptTokens,
      outputTokens: Math.max(1, row.output_length),
      hashes,
      session: 0,
      tenant: 0,
      counts: true,
    };
  });
  const spanMs = requests.at(-1)!.atMs - requests[0]!.atMs;
  return {
    name: "mooncake",
    title: "Mooncake conversations (recorded)",
    requests,
    nominalRatePerSec: (1000 * requests.length) / spanMs,
    blockTokens: BLOCK_TOKENS,
    fleet: repeat(H100_8B, 8),
    rateMin: 2,
    rateMax: 24,
    referenceRate: 8,
  };
}
