/**
 * A real vLLM 0.19 run on an RTX 4090 and the profile tables of that machine, from the public recordings, where they are at hand.
 */
import { jsonLines, readData } from "../../../src/sim/inference/workload/recorded.ts";
import type { ProfileTables } from "../../../src/sim/engine/fit-kernels.ts";
import type { Arrival } from "./kit.ts";

const PROFILE = "llmservingsim-profiles/RTX4090_Llama-3.1-8B_bf16_tp1";
const RUN = "llmservingsim-vllm-measured";

export interface RecordedRun {
  readonly arrivals: readonly Arrival[];
  /** In the order of the arrivals, milliseconds. */
  readonly ttftMs: readonly number[];
  readonly tpotMs: readonly number[];
  readonly latencyMs: readonly number[];
}

export function readTables(): ProfileTables | undefined {
  const dense = readCsv(`${PROFILE}/dense.csv`);
  const perSequence = readCsv(`${PROFILE}/per_sequence.csv`);
  const attention = readCsv(`${PROFILE}/attention.csv`);
  if (dense === undefined || perSequence === undefined || attention === undefined) return undefined;
  return {
    layers: 32,
    dense: dense.map(([layer, tokens, time]) => ({
      layer: layer!,
      tokens: Number(tokens),
      timeUs: Number(time),
    })),
    perSequence: perSequence.map(([layer, sequences, time]) => ({
      layer: layer!,
      sequences: Number(sequences),
      timeUs: Number(time),
    })),
    attention: attention.map((cells) => {
      const [prefillChunk, prefillPast, decodes, decodeContext, timeUs] = cells.map(Number);
      return {
        prefillChunk: prefillChunk!,
        prefillPast: prefillPast!,
        decodes: decodes!,
        decodeContext: decodeContext!,
        timeUs: timeUs!,
      };
    }),
  };
}

export function readRun(): RecordedRun | undefined {
  const workload = readData(`${RUN}/workload_sharegpt-llama-3.1-8b-300-sps10_blk16.jsonl`);
  const measured = readData(`${RUN}/RTX4090_Llama-3.1-8B/requests.jsonl`);
  if (workload === undefined || measured === undefined) return undefined;
  const rows = jsonLines(workload) as readonly {
    readonly hash_ids: readonly number[];
  }[];
  const times = jsonLines(measured) as readonly {
    readonly input_toks: number;
    readonly output_toks: number;
    readonly queued_ts: number;
    readonly first_token_ts: number;
    readonly last_token_ts: number;
  }[];
  const beganSec = times[0]!.queued_ts;
  const arrivals = times.map((time, id) => ({
    id,
    atMs: 1000 * (time.queued_ts - beganSec),
    promptTokens: time.input_toks,
    outputTokens: time.output_toks,
    hashes: rows[id]!.hash_ids.slice(0, Math.floor(time.input_toks / 16)),
  }));
  return {
    arrivals,
    ttftMs: times.map((time) => 1000 * (time.first_token_ts - time.queued_ts)),
    tpotMs: times.map(
      (time) => (1000 * (time.last_token_ts - time.first_token_ts)) / Math.max(1, time.output_toks - 1),
    ),
    latencyMs: times.map((time) => 1000 * (time.last_token_ts - time.queued_ts)),
  };
}

function readCsv(path: string): readonly (readonly string[])[] | undefined {
  const text = readData(path);
  return text
    ?.trim()
    .split("\n")
    .slice(1)
    .map((row) => row.split(","));
}
