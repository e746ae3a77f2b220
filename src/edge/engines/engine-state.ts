/**
 * What is known of each engine, for the admin page and the metrics: its newest report and how old it is, whether its page and
 * its cache events come, what it serves.
 */
import type { EngineReport } from "../../core/inference/policy/inference-policy.ts";
import type { SubscriptionState } from "../kv-events/subscriber.ts";
import type { ScrapeState } from "../scrape/scraper.ts";
import type { Member } from "./followed-pool.ts";
import type { ModelLists } from "./model-lists.ts";

/** Null: not known, or not said. */
export interface EngineState {
  readonly kind: string | null;
  readonly running: number | null;
  readonly waiting: number | null;
  readonly kvUsedRatio: number | null;
  readonly prefixHitRatio: number | null;
  /** Of the newest report [ms]. */
  readonly reportAgeMs: number | null;
  /** Why the last page could not be had; null: it could. */
  readonly scrapeFault: string | null;
  /** How many it serves, adapters included. */
  readonly models: number | null;
  /** Null: the pool does not listen to them. */
  readonly cacheEvents: CacheState | null;
}

export interface CacheState {
  /** Why they do not come; null: they do. */
  readonly fault: string | null;
  readonly batches: number;
  readonly malformed: number;
  readonly gaps: number;
  readonly replays: number;
  /** The engine's own blocks that it is known to hold. */
  readonly blocks: number;
}

/** By pool, then by the endpoint's key. */
export type EngineStates = ReadonlyMap<string, ReadonlyMap<string, EngineState>>;

export interface EngineSources {
  readonly members: Iterable<Member>;
  readonly scrapes: readonly ScrapeState[];
  readonly subscriptions: readonly SubscriptionState[];
  readonly lists: ModelLists;
  readonly nowMs: number;
}

export function engineStates(sources: EngineSources): EngineStates {
  const scrapes = new Map(sources.scrapes.map((each) => [each.key, each]));
  const subscriptions = new Map(sources.subscriptions.map((each) => [each.source.endpointKey, each]));
  const states = new Map<string, Map<string, EngineState>>();
  for (const member of sources.members) {
    const { name, report, server, endpoint, followed } = member;
    let ofPool = states.get(followed.pool.key);
    if (ofPool === undefined) states.set(followed.pool.key, (ofPool = new Map()));
    ofPool.set(endpoint.key, {
      kind: server.engine ?? null,
      ...figures(report),
      reportAgeMs: report === undefined ? null : sources.nowMs - report.asOfMs,
      scrapeFault: scrapes.get(name)?.fault ?? null,
      models: sources.lists.of(name)?.length ?? null,
      cacheEvents: cacheState(member, subscriptions.get(name)),
    });
  }
  return states;
}

function figures(
  report: EngineReport | undefined,
): Pick<EngineState, "running" | "waiting" | "kvUsedRatio" | "prefixHitRatio"> {
  return {
    running: report?.running ?? null,
    waiting: report?.waiting ?? null,
    kvUsedRatio: report?.kvUsedRatio ?? null,
    prefixHitRatio: report?.prefixHitRatio ?? null,
  };
}

function cacheState({ followed, seat }: Member, state: SubscriptionState | undefined): CacheState | null {
  if (state === undefined) return null;
  const { batches, malformed, gaps, replays } = state.counts;
  const blocks = followed.blocks.held(seat);
  return { fault: state.fault ?? null, batches, malformed, gaps, replays, blocks };
}
