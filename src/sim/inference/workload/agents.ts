/**
 * Agents at work: sessions recorded from a coding agent (LMCache's miniswe), each turn asked when the last one is answered and a tool has
 * run. The rate scales how many sessions begin; within a session the answers set the pace.
 *
 * 20 sessions of about 20 turns, used again under other names as often as needed: what all sessions shared stays shared, the rest becomes
 * the copy's own. Four characters count as a token.
 */
import { createPrng } from "../../../std/prng.ts";
import { exponential } from "../../chance/work.ts";
import { A100_70B_TP4 } from "../../engine/profiles.ts";
import { jsonLines, readData } from "./recorded.ts";
import { HashBook, repeat, type Workload, type WorkloadOptions, type WorkloadRequest } from "./workload.ts";

const FILE = "lmcache-agent-hash/miniswe_blk64chars.jsonl";
const CHARS_PER_TOKEN = 4;
const BLOCK_TOKENS = 64;
/** Recorded blocks of 64 characters in one of ours. */
const RECORDED_PER_BLOCK = (BLOCK_TOKENS * CHARS_PER_TOKEN) / 64;
/** A session lasts a minute or two: it takes more requests than elsewhere until as many end as begin. */
const LENGTH = 2;
const TOOL_MS = 2000;
const NOMINAL_RATE = 5;
/** About what a turn takes, tool included: only for the order of the list. */
const TURN_MS = 6000;

interface Row {
  readonly session: number;
  readonly input_chars: number;
  readonly output_chars: number;
  readonly hash_ids: readonly number[];
}

export function agents({ seed, requests: count }: WorkloadOptions): Workload | undefined {
  const text = readData(FILE);
  if (text === undefined) return undefined;
  const sessions = [...Map.groupBy(jsonLines(text) as readonly Row[], (row) => row.session).values()];
  const shared = sharedBy(sessions);
  const prng = createPrng(seed);
  const book = new HashBook();
  const turnsMean = sessions.reduce((total, rows) => total + rows.length, 0) / sessions.length;
  let beginMs = 0;
  const turns: {
    readonly dueMs: number;
    readonly session: number;
    readonly turn: number;
    readonly row: Row;
  }[] = [];
  for (let session = 1; turns.length < LENGTH * count; session++) {
    beginMs += ((1000 * turnsMean) / NOMINAL_RATE) * exponential(prng);
    const rows = sessions[prng.below(sessions.length)]!;
    for (const [turn, row] of rows.entries())
      turns.push({ dueMs: beginMs + turn * TURN_MS, session, turn, row });
  }
  turns.sort((a, b) => a.dueMs - b.dueMs);
  const last = new Map<number, number>();
  const requests = turns.map(({ dueMs, session, turn, row }, index): WorkloadRequest => {
    const after = last.get(session) ?? -1;
    last.set(session, index);
    const promptTokens = Math.max(1, Math.ceil(row.input_chars / CHARS_PER_TOKEN));
    const blocks = Math.floor(
      Math.min(promptTokens / BLOCK_TOKENS, row.hash_ids.length / RECORDED_PER_BLOCK),
    );
    return {
      atMs: turn === 0 ? dueMs : 0,
      after,
      thinkMs: TOOL_MS * exponential(prng),
      promptTokens,
      outputTokens: Math.max(1, Math.ceil(row.output_chars / CHARS_PER_TOKEN)),
      hashes: Int32Array.from({ length: blocks }, (_, block) => {
        const id = row.hash_ids[(block + 1) * RECORDED_PER_BLOCK - 1]!;
        return book.named(shared.has(id) ? `${id}` : `${session} ${id}`);
      }),
      session,
      tenant: 0,
      counts: true,
    };
  });
  return {
    name: "agents",
    title: "coding agents (recorded), closed loop",
    requests,
    nominalRatePerSec: NOMINAL_RATE,
    blockTokens: BLOCK_TOKENS,
    fleet: repeat({ ...A100_70B_TP4, kvTokens: 128_000 }, 4),
    rateMin: 1,
    rateMax: 80,
    referenceRate: 4,
  };
}

/** Blocks that stand in more than one session. */
function sharedBy(sessions: readonly (readonly Row[])[]): ReadonlySet<number> {
  const owner = new Map<number, number>();
  const shared = new Set<number>();
  for (const [session, rows] of sessions.entries()) {
    for (const { hash_ids: ids } of rows) {
      for (const id of ids) {
        const first = owner.get(id);
        if (first === undefined) owner.set(id, session);
        else if (first !== session) shared.add(id);
      }
    }
  }
  return shared;
}
