/**
 * Room kept for classes of higher priority, so that work of a lower one fills what they leave and does not stand in
 * their way.
 *
 * A request under way cannot be taken back. If batch filled every slot, the next interactive request would wait for the
 * rest of a batch request, however the queue is ordered. So work of a lower priority starts only while, after it, there is
 * room for what those above will want before slots come free by themselves:
 *
 *     free slots > max over t of shortfall(t)
 *     shortfall(t) = sum over classes above of (mean - n) (1 - p)
 *                  + z sqrt(sum over classes above of n p (1 - p) + spread (1 - p) + sum over the others of n p (1 - p))
 *                  - sum over the others of n (1 - p)
 *                  - 5 % of the hold of the most urgent class * sum over all classes of n / hold
 *
 * n: under way now; hold: what a request of the class holds its slot for; p = e^(-t / hold): the share of those under way that still
 * are after t. The first line is how many more those above will have on average, the second how far chance may carry them (that of an
 * M/M/inf queue), the third what others give back meanwhile, the fourth what comes free within the short wait that is allowed.
 * Where others hold slots for long it comes to a fixed part of the slots, mean + z sqrt(mean); where slots come free every
 * few milliseconds, to a few of them, since nobody waits for long.
 *
 * mean and spread (its variance, at least the mean as for Poisson arrivals) are of what the class had under way and waiting, averaged over time
 * with a time constant of TAU_MS: when it falls silent its room is lent out again within a minute.
 *
 * z begins at 2.3 (99 of 100 by the normal distribution) and is put right by what happens, for arrivals may be burstier and slots come free in
 * lumps: whenever a request of a class above has waited for more than 5 % of its hold it rises by STEP, otherwise it falls by a
 * hundredth of that, so that it rests where one in a hundred waits so long. Between Z_MIN and Z_MAX.
 *
 * A class of lower priority with nothing under way may always have one slot of what is free: the reserve slows it down and
 * never stops it.
 *
 * Times in ms, slots in requests. Constant memory per class; no allocation per request.
 */
import type { ClassQueue } from "./class-queue.ts";

const TAU_MS = 5_000;
/** Below a twentieth of a slot there is nobody to keep room for. */
const NEGLIGIBLE = 0.05;
/** Of what its requests hold a slot for, a class may wait so much without having been in anybody's way. */
const WAIT_RATIO = 0.05;
const LATE_RATIO = 0.02;
const Z_FIRST = 2.3;
const Z_MIN = 1;
const Z_MAX = 3;
const STEP = 0.1;
/** Times looked at: from a sixteenth of the shortest hold above to four times the longest. */
const LOOKS = 8;
const FIRST_LOOK = 1 / 16;
const LAST_LOOK = 4;

interface Demand {
  mean: number;
  meanOfSquares: number;
  stampMs: number;
}

export class Reserve<T> {
  readonly #demands = new Map<ClassQueue<T>, Demand>();
  #z = Z_FIRST;

  /** Call before the number under way or waiting changes. `ceiling`: all the class could have. */
  observe(queue: ClassQueue<T>, ceiling: number, nowMs: number): void {
    let demand = this.#demands.get(queue);
    if (demand === undefined) {
      demand = { mean: 0, meanOfSquares: 0, stampMs: nowMs };
      this.#demands.set(queue, demand);
    }
    const passedMs = nowMs - demand.stampMs;
    if (passedMs <= 0) return;
    const now = Math.min(ceiling, queue.underWay + queue.size);
    const share = passedMs / (TAU_MS + passedMs);
    demand.mean += (now - demand.mean) * share;
    demand.meanOfSquares += (now * now - demand.meanOfSquares) * share;
    demand.stampMs = nowMs;
  }

  /**
   * A request has got its slot after a wait, while those of lower priority had some. `excess`: how many it still has
   * before it where the work is done, as far as is known.
   */
  learn(queue: ClassQueue<T>, waitedMs: number, excess: number, queues: readonly ClassQueue<T>[]): void {
    const stillMs = excess === 0 ? 0 : excess / perMs(queues);
    const isLate = waitedMs + stillMs > WAIT_RATIO * queue.holdMs;
    this.#z = Math.min(Z_MAX, Math.max(Z_MIN, this.#z + (isLate ? STEP : -STEP * LATE_RATIO)));
  }

  /** Whether a class above `priority` has lately had anything here. */
  hasAbove(priority: number): boolean {
    for (const [queue, { mean }] of this.#demands) {
      if (queue.policy.priority < priority && (mean >= NEGLIGIBLE || queue.underWay > 0)) return true;
    }
    return false;
  }

  /** Slots to leave free for those above `priority`, of all these classes. */
  wanted(priority: number, queues: readonly ClassQueue<T>[]): number {
    let shortestMs = Number.POSITIVE_INFINITY;
    let longestMs = 0;
    for (const queue of queues) {
      const holdMs = Math.max(queue.holdMs, Number.MIN_VALUE);
      if (queue.policy.priority >= priority || this.#meanOf(queue) < NEGLIGIBLE) continue;
      shortestMs = Math.min(shortestMs, holdMs);
      longestMs = Math.max(longestMs, holdMs);
    }
    if (longestMs === 0) return 0;
    const growth = ((longestMs * LAST_LOOK) / (shortestMs * FIRST_LOOK)) ** (1 / (LOOKS - 1));
    let most = 0;
    let aheadMs = shortestMs * FIRST_LOOK;
    for (let look = 0; look < LOOKS; look++, aheadMs *= growth) {
      most = Math.max(most, this.#shortfall(priority, queues, aheadMs));
    }
    return Math.max(0, most - WAIT_RATIO * shortestMs * perMs(queues));
  }

  forget(queue: ClassQueue<T>): void {
    this.#demands.delete(queue);
  }

  #shortfall(priority: number, queues: readonly ClassQueue<T>[], aheadMs: number): number {
    let more = 0;
    let variance = 0;
    for (const queue of queues) {
      const { underWay } = queue;
      const stays = Math.exp(-aheadMs / Math.max(queue.holdMs, Number.MIN_VALUE));
      variance += underWay * stays * (1 - stays);
      more -= underWay * (1 - stays);
      if (queue.policy.priority >= priority) continue;
      const demand = this.#demands.get(queue);
      if (demand === undefined) continue;
      more += demand.mean * (1 - stays);
      variance += Math.max(demand.mean, demand.meanOfSquares - demand.mean ** 2) * (1 - stays);
    }
    return more + this.#z * Math.sqrt(variance);
  }

  #meanOf(queue: ClassQueue<T>): number {
    return this.#demands.get(queue)?.mean ?? 0;
  }
}

/** Slots that come free, on average. */
function perMs<T>(queues: readonly ClassQueue<T>[]): number {
  let sum = 0;
  for (const { underWay, holdMs } of queues) sum += underWay / Math.max(holdMs, Number.MIN_VALUE);
  return sum;
}
