/**
 * One pool of model servers whose engines are followed: what they say of themselves and of their caches is told to the pool's
 * brain, and prompts that go out are tied to what the caches hold.
 *
 * Cache blocks are kept under seats, numbers of this file's own, and told under the slot that the endpoint has at that moment:
 * slots change hands without anybody here being asked. An endpoint that leaves takes its seat's blocks with it.
 *
 * A pool that gets another policy, or other sources of cache events, is followed anew, by another of these: the new policy knows
 * nothing, and has to be told all.
 */
import type { EngineSeries } from "../../app/metrics/inference.ts";
import type { EngineWatch, SentBody } from "../../app/inference/engine-watch.ts";
import type { Prompt } from "../../app/inference/prompt-desk.ts";
import type { LivePool } from "../../app/live-pool.ts";
import { EngineBlocks, type TranslatedSink } from "../../core/inference/engine-blocks/engine-blocks.ts";
import type { EngineReport } from "../../core/inference/policy/inference-policy.ts";
import { adapterNames, type ServedModel } from "../../core/inference/served-models.ts";
import type { Endpoint } from "../../model/endpoint.ts";
import type { ModelServer } from "../../model/inference-pool.ts";
import type { CacheListener } from "../kv-events/cache-events.ts";
import type { ModelLists } from "./model-lists.ts";
import type { PromptTokens } from "./prompt-tokens.ts";

/** One endpoint of a followed pool. */
export interface Member {
  /** What it is called among the endpoints of all pools. */
  readonly name: string;
  readonly followed: FollowedPool;
  readonly seat: number;
  readonly endpoint: Endpoint;
  readonly server: ModelServer;
  /** The newest; undefined: none yet. */
  report: EngineReport | undefined;
}

export interface FollowedPoolContext {
  readonly clock: () => number;
  readonly lists: ModelLists;
  readonly tokens: PromptTokens;
  readonly series: EngineSeries;
  /** The endpoint of that name has been sent a request. */
  readonly stir: (name: string) => void;
  readonly defect: (error: unknown) => void;
}

export function natureOf({ spec }: LivePool): string {
  const { policy, kvEvents } = spec.inference!.policy;
  return JSON.stringify([policy, kvEvents]);
}

export class FollowedPool implements EngineWatch {
  readonly pool: LivePool;
  /** What cannot change without everything being learned anew. */
  readonly nature: string;
  readonly series: EngineSeries;
  readonly blocks: EngineBlocks;
  readonly #id: number;
  readonly #context: FollowedPoolContext;
  /** By the endpoint's key. */
  readonly #members = new Map<string, Member>();
  /** By seat: the key of who sits there. */
  readonly #keys: (string | undefined)[] = [];
  #lists: readonly (readonly ServedModel[])[] = [];
  #adapters: ReadonlySet<string> = new Set();

  /** `id`: told apart by it from whoever follows, or has followed, the same pool. */
  constructor(pool: LivePool, id: number, context: FollowedPoolContext) {
    this.pool = pool;
    this.nature = natureOf(pool);
    this.series = context.series;
    this.#id = id;
    this.#context = context;
    this.blocks = new EngineBlocks(this.#sink());
  }

  get members(): Iterable<Member> {
    return this.#members.values();
  }

  /** Takes over the pool's endpoints as they are now. */
  adopt(): void {
    const { endpoints, inference } = this.pool.spec;
    const servers = new Map(inference!.servers.map((server) => [server.key, server]));
    const wanted = new Set<string>();
    for (const endpoint of endpoints) {
      const server = servers.get(endpoint.key);
      if (server === undefined) continue;
      wanted.add(endpoint.key);
      const known = this.#members.get(endpoint.key);
      const seat = known?.seat ?? this.#takeSeat(endpoint.key);
      // The engine is part of the name: who is of another kind is read anew.
      const name = `${this.pool.key}#${this.#id} ${endpoint.key} ${server.engine ?? ""}`;
      if (known !== undefined && known.name !== name) this.blocks.cleared(seat, this.#context.clock());
      const report = known?.name === name ? known.report : undefined;
      this.#members.set(endpoint.key, { name, followed: this, seat, endpoint, server, report });
    }
    for (const [key, { seat }] of this.#members) {
      if (wanted.has(key)) continue;
      this.#members.delete(key);
      this.blocks.left(seat);
      this.#keys[seat] = undefined;
    }
    this.listsChanged();
  }

  /** Another follows the pool from now on: what was learned here of caches is not to outlive those who would unlearn it. */
  forget(): void {
    for (const { seat } of this.#members.values()) this.blocks.cleared(seat, this.#context.clock());
  }

  // ---- from the engines -----------------------------------------------------------------------------------------------

  reported(member: Member, report: EngineReport): void {
    member.report = report;
    if (report.blockTokens !== undefined) this.blocks.expectBlockTokens(report.blockTokens);
    const { brain } = this.pool;
    const slot = brain.slotOf(member.endpoint.key);
    if (slot !== undefined) brain.servers.reported(slot, report, this.#context.clock());
  }

  stored(member: Member, blocks: Parameters<CacheListener["stored"]>[1]): void {
    this.series.stored.add();
    this.blocks.stored(member.seat, blocks, this.#context.clock());
  }

  removed(member: Member, blocks: Parameters<CacheListener["removed"]>[1]): void {
    this.series.removed.add();
    this.blocks.removed(member.seat, blocks, this.#context.clock());
  }

  /** `lost`: events are, so that what was known is void; otherwise the engine says so itself. */
  cleared(member: Member, lost: boolean): void {
    (lost ? this.series.gaps : this.series.cleared).add();
    this.blocks.cleared(member.seat, this.#context.clock());
  }

  listsChanged(): void {
    this.#lists = Array.from(this.#members.values()).flatMap(({ name }) => {
      const list = this.#context.lists.of(name);
      return list === undefined ? [] : [list];
    });
    this.#adapters = adapterNames(this.#lists);
    const { desk } = this.pool;
    if (desk !== undefined) desk.adapters = this.#adapters;
  }

  /** Names that clients ask for as models, and that engines know as adapters of theirs. */
  get adapters(): ReadonlySet<string> {
    return this.#adapters;
  }

  // ---- from the data path ---------------------------------------------------------------------------------------------

  sent(endpointKey: string, prompt: Prompt, body: SentBody): void {
    try {
      const member = this.#members.get(endpointKey);
      if (member === undefined) return;
      this.#context.stir(member.name);
      if (this.pool.spec.inference?.policy.kvEvents === undefined) return;
      // Until it is known which names are adapters, a tie could be to another model's blocks.
      if (this.#context.lists.tries(member.name) > 0) this.#context.tokens.learn(member, prompt, body);
    } catch (error) {
      // What is only learned from a request must not end it.
      this.#context.defect(error);
    }
  }

  modelLists(): readonly (readonly ServedModel[])[] {
    return this.#lists;
  }

  #takeSeat(key: string): number {
    const free = this.#keys.indexOf(undefined);
    const seat = free === -1 ? this.#keys.length : free;
    this.#keys[seat] = key;
    return seat;
  }

  #sink(): TranslatedSink {
    const { brain } = this.pool;
    const slotOf = (seat: number): number | undefined => {
      const key = this.#keys[seat];
      return key === undefined ? undefined : brain.slotOf(key);
    };
    return {
      cacheStored: (seat, hashes, nowMs) => {
        const slot = slotOf(seat);
        if (slot !== undefined) brain.servers.cacheStored(slot, hashes, nowMs);
      },
      cacheRemoved: (seat, hashes, nowMs) => {
        const slot = slotOf(seat);
        if (slot !== undefined) brain.servers.cacheRemoved(slot, hashes, nowMs);
      },
      cacheCleared: (seat, nowMs) => {
        const slot = slotOf(seat);
        if (slot !== undefined) brain.servers.cacheCleared(slot, nowMs);
      },
    };
  }
}
