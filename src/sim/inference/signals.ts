/**
 * What gateways hear of engines beside the answers: metrics, scraped every so often and old on arrival, and cache events, batched,
 * late and sometimes lost. Both can lie.
 */
import type { BlockHashes, EngineReport } from "../../core/inference/policy/inference-policy.ts";
import type { Prng } from "../../std/prng.ts";
import type { EngineMetrics } from "../engine/engine-metrics.ts";
import type { Agenda } from "../world/agenda.ts";
import type { InferenceGateway } from "./gateway.ts";
import type { Host } from "./host.ts";

export interface SignalSpec {
  /** Between scrapes of one endpoint by one gateway; Infinity: none. */
  readonly scrapeEveryMs: number;
  /** From an engine's writing of its metrics to a policy's reading of them. */
  readonly scrapeDelayMs: number;
  /** Undefined: engines publish no cache events, policies keep an index of their own. */
  readonly cacheEvents:
    { readonly everyMs: number; readonly delayMs: number; readonly lossRatio: number } | undefined;
}

/** What lies on an engine's signals. */
export interface SignalFault {
  /** Metrics are those of this moment for ever. */
  frozen: EngineMetrics | undefined;
  /** Queue, running requests and memory in use are told so many times as large. */
  lie: number;
}

export interface SignalWorld {
  readonly agenda: Agenda;
  readonly hosts: readonly Host[];
  readonly gateways: readonly InferenceGateway[];
  readonly faults: readonly SignalFault[];
  readonly nowMs: () => number;
  readonly prng: Prng;
  /** What gateways call the engines' hashes, by engine hash. */
  readonly names: Float64Array;
}

export class Signals {
  readonly #spec: SignalSpec;
  readonly #world: SignalWorld;
  /** By slot, since the last publication: a hash, and whether it is found now. */
  readonly #changes: Map<number, boolean>[];

  constructor(spec: SignalSpec, world: SignalWorld) {
    this.#spec = spec;
    this.#world = world;
    this.#changes = world.hosts.map(() => new Map<number, boolean>());
  }

  start(untilMs: number): void {
    const { agenda, gateways, hosts, prng } = this.#world;
    const { scrapeEveryMs, cacheEvents } = this.#spec;
    for (const host of hosts) {
      for (const gateway of Number.isFinite(scrapeEveryMs) ? gateways : [])
        agenda.every(scrapeEveryMs * prng.float(), scrapeEveryMs, untilMs, () => this.#scrape(host, gateway));
      if (cacheEvents !== undefined)
        agenda.every(cacheEvents.everyMs, cacheEvents.everyMs, untilMs, () => this.#publish(host.slot));
    }
  }

  stored(slot: number, hash: number): void {
    if (this.#spec.cacheEvents !== undefined) this.#changes[slot]!.set(hash, true);
  }

  removed(slot: number, hash: number): void {
    if (this.#spec.cacheEvents !== undefined) this.#changes[slot]!.set(hash, false);
  }

  cleared(slot: number): void {
    if (this.#spec.cacheEvents === undefined) return;
    this.#changes[slot]!.clear();
    for (const gateway of this.#world.gateways) gateway.policy.cacheCleared(slot, this.#world.nowMs());
  }

  #scrape(host: Host, gateway: InferenceGateway): void {
    const { agenda, faults, nowMs } = this.#world;
    // A dead process answers no scrape.
    if (host.engine.isDown) return;
    const fault = faults[host.slot]!;
    const report = reportOf(fault.frozen ?? host.engine.metrics(), fault.lie, nowMs());
    agenda.after(this.#spec.scrapeDelayMs, () => gateway.policy.reported(host.slot, report, nowMs()));
  }

  #publish(slot: number): void {
    const changes = this.#changes[slot]!;
    if (changes.size === 0) return;
    const { agenda, gateways, prng, nowMs } = this.#world;
    const { delayMs, lossRatio } = this.#spec.cacheEvents!;
    const gone = this.#named(changes, false);
    const came = this.#named(changes, true);
    changes.clear();
    for (const gateway of gateways) {
      if (prng.float() < lossRatio) continue;
      agenda.after(delayMs, () => {
        if (gone.count > 0) gateway.policy.cacheRemoved(slot, gone, nowMs());
        if (came.count > 0) gateway.policy.cacheStored(slot, came, nowMs());
      });
    }
  }

  #named(changes: ReadonlyMap<number, boolean>, found: boolean): BlockHashes {
    const { names } = this.#world;
    const hashes: number[] = [];
    for (const [hash, isFound] of changes) if (isFound === found) hashes.push(names[hash]!);
    return { hashes: Float64Array.from(hashes), count: hashes.length };
  }
}

function reportOf(metrics: EngineMetrics, lie: number, asOfMs: number): EngineReport {
  const queried = metrics["vllm:prefix_cache_queries_total"];
  return {
    running: metrics["vllm:num_requests_running"] * lie,
    waiting: metrics["vllm:num_requests_waiting"] * lie,
    kvUsedRatio: Math.min(1, metrics["vllm:kv_cache_usage_perc"] * lie),
    blocksTotal: metrics.num_gpu_blocks,
    blockTokens: metrics.block_size,
    prefixHitRatio: queried === 0 ? undefined : metrics["vllm:prefix_cache_hits_total"] / queried,
    maxSequences: undefined,
    adaptersRunning: undefined,
    adaptersWaiting: undefined,
    adaptersMax: undefined,
    asOfMs,
  };
}
