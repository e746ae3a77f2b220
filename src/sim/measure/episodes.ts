/**
 * What a fault did: how many attempts ran into it, how soon its servers were shunned, how soon they had their share back.
 *
 * The fair share is by capacity (slots * speed) among the members at the fault's beginning. Shunned: the first half second, in
 * steps of a tenth, in which the sick servers together got less than a third of it. Back: the first two seconds in which they
 * got 90 % of it, or of what they had in the ten seconds before the fault, whichever is less. A shorter span would
 * find either by chance.
 */
import type { FaultKind } from "../scenario/scenario.ts";
import type { Run } from "../run.ts";
import { BIN_MS } from "./share-log.ts";

export interface EpisodeFigures {
  readonly kind: FaultKind;
  /** Display names. */
  readonly endpoints: readonly string[];
  readonly fromMs: number;
  readonly untilMs: number;
  readonly fairShare: number;
  readonly shareBefore: number;
  readonly shareDuring: number;
  /** Attempts sent to them while it lasted. */
  readonly hits: number;
  /** From its beginning; null: not before its end. */
  readonly shunMs: number | null;
  /** From its end; null: not before the run's. */
  readonly returnMs: number | null;
}

const SHUN_BINS = 5;
const SHUN_RATIO = 1 / 3;
const RETURN_BINS = 20;
const RETURN_RATIO = 0.9;
const BEFORE_BINS = 100;

export function episodeFigures(run: Run, index: number): EpisodeFigures {
  const { recorder, scenario, fleet } = run;
  const { kind, servers, fromMs, untilMs } = run.episodes[index]!;
  const { shares } = recorder;
  const sick = servers.map((server) => server.index);
  const from = Math.ceil(fromMs / BIN_MS);
  const until = Math.floor(untilMs / BIN_MS);
  const fairShare = capacityOf(run, (server) => sick.includes(server)) / capacityOf(run, () => true);
  const shareBefore = shares.share(sick, from - BEFORE_BINS, from) ?? fairShare;
  const backAt = RETURN_RATIO * Math.min(fairShare, shareBefore);
  const last = Math.floor(scenario.durationMs / BIN_MS);
  const shun = firstSpan(from, until, SHUN_BINS, (start, end) => {
    const share = shares.share(sick, start, end);
    return share !== undefined && share < fairShare * SHUN_RATIO;
  });
  const back = firstSpan(until, last, RETURN_BINS, (start, end) => {
    const share = shares.share(sick, start, end);
    return share !== undefined && share >= backAt;
  });
  return {
    kind,
    endpoints: sick.map((server) => fleet.endpoints[server]!.displayName ?? ""),
    fromMs,
    untilMs,
    fairShare,
    shareBefore,
    shareDuring: shares.share(sick, from, until) ?? 0,
    hits: recorder.hits[index]!,
    shunMs: shun === undefined ? null : Math.max(0, shun * BIN_MS - fromMs),
    returnMs: back === undefined ? null : Math.max(0, back * BIN_MS - untilMs),
  };
  function capacityOf({ fleet: { servers: all } }: Run, of: (server: number) => boolean): number {
    let capacity = 0;
    for (const { index: server, group } of all) {
      const there = group.joinsMs <= fromMs && group.leavesMs > fromMs;
      if (there && of(server)) capacity += group.slots * group.speed;
    }
    return capacity;
  }
}

/** The first bin from which a whole span of bins, inside the limits, fulfils the condition. */
function firstSpan(
  from: number,
  until: number,
  span: number,
  fulfils: (start: number, end: number) => boolean,
): number | undefined {
  for (let start = from; start + span <= until; start++) if (fulfils(start, start + span)) return start;
  return undefined;
}
