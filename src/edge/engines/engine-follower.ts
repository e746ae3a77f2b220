/**
 * Follows the engines of all pools of model servers in the view: their metrics pages, their cache events, the models they serve.
 *
 * One scraper, one subscriber, one asker of lists and one tokeniser serve all pools, so their bounds hold for the process. A
 * pool that stays keeps all that is known; nothing here is ever waited for, and what fails is told once and stops nobody.
 */
import type { Logger } from "pino";
import { hashOf } from "../../app/inference/prompt-desk.ts";
import type { LivePool } from "../../app/live-pool.ts";
import type { InferenceMetrics } from "../../app/metrics/inference.ts";
import type { View } from "../../app/view.ts";
import type { EngineReport } from "../../core/inference/policy/inference-policy.ts";
import type { Prng } from "../../std/prng.ts";
import type { CacheListener } from "../kv-events/cache-events.ts";
import { EventSubscriber } from "../kv-events/subscriber.ts";
import type { EventSource } from "../kv-events/subscription.ts";
import { Tokeniser } from "../kv-events/tokeniser.ts";
import { EngineExtractor } from "../scrape/engine-extractor.ts";
import { Scraper, type ScrapeSpec } from "../scrape/scraper.ts";
import { EngineLog } from "./engine-log.ts";
import { engineStates, type EngineStates } from "./engine-state.ts";
import { FollowedPool, natureOf, type Member } from "./followed-pool.ts";
import { ModelLists } from "./model-lists.ts";
import { PromptTokens } from "./prompt-tokens.ts";

/** How often it is looked whether cache events come. */
const LOOK_MS = 1_000;

export interface EngineFollowerOptions {
  /** Of its own: when pages come is chance, and must not move that by which requests are sent. */
  readonly prng: Prng;
  readonly clock: () => number;
  readonly log: Logger;
  readonly metrics: InferenceMetrics;
  readonly defect: (error: unknown) => void;
}

export class EngineFollower {
  readonly #options: EngineFollowerOptions;
  readonly #log: EngineLog;
  readonly #scraper: Scraper<EngineReport>;
  readonly #subscriber: EventSubscriber;
  readonly #lists: ModelLists;
  readonly #tokeniser = new Tokeniser();
  readonly #tokens: PromptTokens;
  readonly #pools = new Map<LivePool, FollowedPool>();
  /** By name. */
  readonly #members = new Map<string, Member>();
  #followedSoFar = 0;
  #looks: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: EngineFollowerOptions) {
    this.#options = options;
    const { prng, clock, defect } = options;
    this.#log = new EngineLog(options.log);
    this.#tokens = new PromptTokens({ tokeniser: this.#tokeniser, clock, defect });
    this.#lists = new ModelLists({
      prng,
      clock,
      changed: (name) => this.#members.get(name)?.followed.listsChanged(),
    });
    this.#scraper = new Scraper<EngineReport>({
      prng,
      clock,
      defect,
      reported: (name, report) => this.#reported(name, report),
      failed: (name, fault, failures) => this.#failed(name, fault, failures),
    });
    this.#subscriber = new EventSubscriber({ prng, clock, defect, listener: this.#listener() });
  }

  follow(view: View): void {
    if (this.#isClosed) return;
    this.#followPools(view);
    this.#members.clear();
    for (const followed of this.#pools.values()) {
      followed.adopt();
      for (const member of followed.members) this.#members.set(member.name, member);
    }
    const members = [...this.#members.values()];
    const names = new Set(this.#members.keys());
    this.#log.retain(names);
    this.#tokens.retain(names);
    this.#scraper.follow(members.flatMap(scrapeOf));
    this.#subscriber.follow(members.flatMap(eventsOf));
    this.#lists.follow(members.map(({ name, endpoint: { address, port } }) => ({ name, address, port })));
    clearInterval(this.#looks);
    this.#looks = undefined;
    if (members.length > 0) this.#looks = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#looks);
    this.#scraper.close();
    this.#subscriber.close();
    this.#lists.close();
    this.#tokens.close();
    this.#tokeniser.close();
    for (const pool of this.#pools.keys()) pool.engines = undefined;
    this.#pools.clear();
    this.#members.clear();
  }

  /** For people and dashboards. */
  states(): EngineStates {
    return engineStates({
      members: this.#members.values(),
      scrapes: this.#scraper.state(),
      subscriptions: this.#subscriber.state(),
      lists: this.#lists,
      nowMs: this.#options.clock(),
    });
  }

  #followPools(view: View): void {
    const { clock, metrics, defect } = this.#options;
    const wanted = new Set<LivePool>();
    for (const pool of view.pools.values()) {
      if (pool.spec.inference === undefined) continue;
      wanted.add(pool);
      const before = this.#pools.get(pool);
      if (before?.nature === natureOf(pool)) continue;
      before?.forget();
      const followed = new FollowedPool(pool, ++this.#followedSoFar, {
        clock,
        lists: this.#lists,
        tokens: this.#tokens,
        series: metrics.engines(pool.key),
        stir: (name) => this.#scraper.stir(name),
        defect,
      });
      this.#pools.set(pool, followed);
      pool.engines = followed;
    }
    for (const pool of this.#pools.keys()) {
      if (wanted.has(pool)) continue;
      this.#pools.delete(pool);
      pool.engines = undefined;
    }
  }

  #reported(name: string, report: EngineReport): void {
    const member = this.#members.get(name);
    if (member === undefined) return;
    this.#log.scraped(member);
    member.followed.reported(member, report);
  }

  #failed(name: string, fault: string, failures: number): void {
    const member = this.#members.get(name);
    if (member === undefined) return;
    member.followed.series.scrapeFailures.add();
    this.#log.scrapeFailed(member, fault, failures);
  }

  /** Events bear the name of their member; those of one that was let go of go nowhere. */
  #listener(): CacheListener {
    const memberOf = (name: string): Member | undefined => this.#members.get(name);
    return {
      stored: (name, blocks) => {
        const member = memberOf(name);
        member?.followed.stored(member, blocks);
      },
      removed: (name, blocks) => {
        const member = memberOf(name);
        member?.followed.removed(member, blocks);
      },
      cleared: (name) => {
        const member = memberOf(name);
        member?.followed.cleared(member, false);
      },
      gap: (name) => {
        const member = memberOf(name);
        member?.followed.cleared(member, true);
      },
    };
  }

  #look(): void {
    const nowMs = this.#options.clock();
    for (const { source, fault } of this.#subscriber.state()) {
      const member = this.#members.get(source.endpointKey);
      if (member !== undefined) this.#log.cacheEvents(member, fault, nowMs);
    }
  }
}

function scrapeOf({ name, endpoint, server, followed }: Member): readonly ScrapeSpec<EngineReport>[] {
  const { engine } = server;
  // Nobody could read its page.
  if (engine === undefined) return [];
  const { metrics } = followed.pool.spec.inference!.policy;
  return [
    {
      key: name,
      address: endpoint.address,
      port: metrics.port ?? endpoint.port,
      path: metrics.path,
      extractor: () => new EngineExtractor(engine, hashOf),
    },
  ];
}

/** Each rank publishes on ports of its own, counted up from those of the first (vLLM's `--data-parallel-size`). */
function eventsOf({ name, endpoint, server, followed }: Member): readonly EventSource[] {
  const events = followed.pool.spec.inference!.policy.kvEvents;
  if (events === undefined) return [];
  const { port, replayPort, topic } = events;
  return [
    {
      endpointKey: name,
      address: endpoint.address,
      port: port + server.rank,
      replayPort: replayPort === undefined ? undefined : replayPort + server.rank,
      topic,
    },
  ];
}
