/**
 * One life of an engine: the engine itself, its history and its cache events' sockets, from its start to its end.
 *
 * A crashed server that comes back has a new one: counters at zero, nothing cached, batches numbered from 0.
 */
import { configOf, type EngineConfig } from "../../sim/engine/engine-config.ts";
import type { EngineMetrics } from "../../sim/engine/engine-metrics.ts";
import type { Catalog } from "./catalog.ts";
import { EngineHistory, lyingMetrics, renderPage, type AdapterState } from "./engine-page.ts";
import { EventPublisher } from "./event-publisher.ts";
import type { Behaviour } from "./misbehaviour.ts";
import type { ModelServerOptions } from "./options.ts";
import { RunningEngine } from "./running-engine.ts";

export interface CachePorts {
  readonly publish: number;
  readonly replay: number | undefined;
}

export class EngineLife {
  readonly engine: RunningEngine;
  readonly history = new EngineHistory();
  readonly #publisher: EventPublisher | undefined;
  readonly #catalog: Catalog;
  #staleMetrics: EngineMetrics | undefined;
  #isLying = false;
  #hasUsedAdapters = false;

  private constructor(options: ModelServerOptions, catalog: Catalog, publisher: EventPublisher | undefined) {
    this.#catalog = catalog;
    this.#publisher = publisher;
    this.engine = new RunningEngine({
      config: engineConfig(options),
      speed: options.speed,
      timed: (timings) => this.history.timed(timings),
      published: publisher === undefined ? undefined : (batch) => publisher.publish(batch),
    });
  }

  /** `ports`: those of the life before. */
  static async begin(
    options: ModelServerOptions,
    catalog: Catalog,
    ports: CachePorts | undefined,
  ): Promise<EngineLife> {
    const { cacheEvents, host } = options;
    if (cacheEvents === undefined) return new EngineLife(options, catalog, undefined);
    const { topic, keeps } = cacheEvents;
    const publisher = await EventPublisher.start({
      topic,
      keeps,
      host,
      replaysTopic: true,
      ports: {
        publish: ports?.publish ?? cacheEvents.port,
        replay: ports?.replay ?? cacheEvents.replayPort,
      },
    });
    return new EngineLife(options, catalog, publisher);
  }

  get cachePorts(): CachePorts | undefined {
    const publisher = this.#publisher;
    return publisher && { publish: publisher.port, replay: publisher.replayPort };
  }

  /** Whether what it says of itself from now on is so. */
  speak(how: Behaviour["metrics"]): void {
    this.#staleMetrics = how === "stale" ? (this.#staleMetrics ?? this.engine.metrics()) : undefined;
    this.#isLying = how === "lying";
  }

  /** As it says. */
  metrics(): EngineMetrics {
    if (this.#staleMetrics !== undefined) return this.#staleMetrics;
    const metrics = this.engine.metrics();
    return this.#isLying ? lyingMetrics(metrics) : metrics;
  }

  /** `adaptersMax`: places; `only`: as renderPage has it. */
  page(adaptersMax: number, only: readonly string[]): string {
    const metrics = this.metrics();
    const { model } = this.#catalog;
    const adapters = this.#adapters(metrics, adaptersMax);
    return renderPage({ model, metrics, history: this.history, adapters }, only);
  }

  #adapters(metrics: EngineMetrics, max: number): AdapterState | undefined {
    const inside = this.engine.adaptersInside();
    const loaded = new Set(metrics.adapters);
    this.#hasUsedAdapters ||= inside.size > 0 || loaded.size > 0;
    if (!this.#hasUsedAdapters) return undefined;
    const names = (numbers: Iterable<number>): readonly string[] =>
      Array.from(numbers, (number) => this.#catalog.nameOf(number));
    return {
      running: names(loaded),
      waiting: names([...inside].filter((adapter) => !loaded.has(adapter))),
      max,
      atSec: Date.now() / 1000,
    };
  }

  async end(): Promise<void> {
    this.engine.crash();
    await this.#publisher?.close();
  }
}

export function engineConfig(options: ModelServerOptions): EngineConfig {
  const { profile, blockTokens, adapterPlaces, adapterLoadMs } = options;
  return configOf(profile, { blockTokens, adapterPlaces, adapterLoadMs });
}
