/**
 * Whose class's turn it is: priority first, fair shares within a priority, and a floor under the last.
 *
 * Among the classes that have somebody waiting and may start one, the lowest priority number goes; within it,
 * start-time fair queueing by weight, as between tenants. Strict priority alone would starve the rest, so every
 * FLOOR_ONE_IN-th turn that somebody of a lower priority could have used goes to those in their order. With k priorities
 * waiting, each is served at least once in FLOOR_ONE_IN ^ (its rank among them) turns, whatever those before it do.
 *
 * Linear in the number of classes, of which there are a handful.
 */
import type { ClassQueue } from "./class-queue.ts";

/** Costs those of high priority, while both wait, at most one turn in sixteen: 6 %. */
const FLOOR_ONE_IN = 16;

export class FairTurn<T> {
  /** By priority: the virtual clock of its classes, and turns since the last one given to somebody below. */
  readonly #levels = new Map<number, { clockMs: number; turns: number }>();

  /** Undefined: nobody may start. */
  choose(
    queues: readonly ClassQueue<T>[],
    mayStart: (queue: ClassQueue<T>) => boolean,
  ): ClassQueue<T> | undefined {
    let level = Number.NEGATIVE_INFINITY;
    for (;;) {
      let best: ClassQueue<T> | undefined;
      let below = false;
      for (const queue of queues) {
        const { priority } = queue.policy;
        if (queue.size === 0 || priority <= level || !mayStart(queue)) continue;
        if (best === undefined || priority < best.policy.priority) {
          below ||= best !== undefined;
          best = queue;
        } else if (priority > best.policy.priority) below = true;
        else if (queue.tagMs < best.tagMs) best = queue;
      }
      if (best === undefined || !below) return best;
      const state = this.#level(best.policy.priority);
      if (++state.turns < FLOOR_ONE_IN) return best;
      state.turns = 0;
      level = best.policy.priority;
    }
  }

  /** A request of the class starts and is charged what it is expected to hold. */
  started(queue: ClassQueue<T>, expectedMs: number): void {
    const level = this.#level(queue.policy.priority);
    const startMs = Math.max(queue.tagMs, level.clockMs);
    level.clockMs = startMs;
    queue.tagMs = startMs + expectedMs / queue.policy.weight;
  }

  /** Forgets the priorities that none of these has. */
  retain(queues: readonly ClassQueue<T>[]): void {
    const kept = new Set(queues.map(({ policy }) => policy.priority));
    for (const priority of this.#levels.keys()) if (!kept.has(priority)) this.#levels.delete(priority);
  }

  #level(priority: number): { clockMs: number; turns: number } {
    let level = this.#levels.get(priority);
    if (level === undefined) this.#levels.set(priority, (level = { clockMs: 0, turns: 0 }));
    return level;
  }
}
