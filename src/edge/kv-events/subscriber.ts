/**
 * Follows the cache events of many engines: one subscription each, one listener for all.
 */
import type { Prng } from "../../std/prng.ts";
import type { CacheListener } from "./cache-events.ts";
import { EventBatchReader } from "./event-batch.ts";
import { ReplayTurns } from "./replay-turns.ts";
import { Subscription, type EventSource, type SubscriptionCounts } from "./subscription.ts";

export interface SubscriberOptions {
  readonly listener: CacheListener;
  readonly prng: Prng;
  /** Milliseconds, monotonic. */
  readonly clock: () => number;
  /** A bug met while reading events; the connection it was met on is given up. */
  readonly defect: (error: unknown) => void;
}

/** For people. */
export interface SubscriptionState {
  readonly source: EventSource;
  /** Why it is not connected; undefined: it is. */
  readonly fault: string | undefined;
  readonly replaying: boolean;
  readonly counts: Readonly<SubscriptionCounts>;
}

export class EventSubscriber {
  readonly #options: SubscriberOptions;
  readonly #reader = new EventBatchReader();
  readonly #turns = new ReplayTurns();
  readonly #subscriptions = new Map<string, Subscription>();

  constructor(options: SubscriberOptions) {
    this.#options = options;
  }

  /** Events that were well formed but unknown or too large, over all engines. */
  get passedOver(): number {
    return this.#reader.passedOver;
  }

  /** These engines and no others from now on; one that stays keeps its connection. An engine has a source per rank. */
  follow(sources: readonly EventSource[]): void {
    const wanted = new Set(sources.map(nameOf));
    for (const [name, subscription] of this.#subscriptions) {
      if (wanted.has(name)) continue;
      subscription.close();
      this.#subscriptions.delete(name);
    }
    const { listener, prng, clock, defect } = this.#options;
    for (const source of sources) {
      if (this.#subscriptions.has(nameOf(source))) continue;
      const subscription = new Subscription(source, {
        listener,
        clock,
        defect,
        reader: this.#reader,
        turns: this.#turns,
        chance: () => prng.float(),
      });
      this.#subscriptions.set(nameOf(source), subscription);
    }
  }

  state(): readonly SubscriptionState[] {
    return Array.from(this.#subscriptions.values(), ({ source, fault, replaying, counts }) => ({
      source,
      fault,
      replaying,
      counts,
    }));
  }

  close(): void {
    for (const subscription of this.#subscriptions.values()) subscription.close();
    this.#subscriptions.clear();
  }
}

function nameOf({ endpointKey, address, port, replayPort, topic }: EventSource): string {
  return [endpointKey, address, port, replayPort ?? "", topic].join(" ");
}
