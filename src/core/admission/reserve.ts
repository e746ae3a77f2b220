/**
 * Room kept for classes of higher priority, so that work of a lower one fills what they leave and does not stand in
 * their way.
 *
 * A request under way cannot be taken back. If batch filled every slot, the next interactive request would wait for the
 * rest of a batch request, however the queue is ordered. So work of a lower priority starts only while, after it, there is
 * still room for what those above have lately needed at once and do not use now:
 *
 *     free slots > sum over classes above of max(0, target - under way)
 *     target = min(ceiling of the class, peak + sqrt(peak))
 *
 * `peak` is the greatest number the class had under way and waiting (or could have had), fading by e^(-t / 30 s). For Poisson arrivals that is about
 * a + 2.5 sqrt(a) at a mean of a, so a request finds its class's room taken about once in a thousand times. When the
 * class falls silent its room is lent out again within a minute or two.
 *
 * A class of lower priority with nothing under way may always have one slot of what is free: the reserve slows it down and
 * never stops it.
 *
 * Times in ms.
 */
import type { ClassQueue } from "./class-queue.ts";

const TAU_MS = 30_000;
/** Below half a request there is nobody to keep room for. */
const NEGLIGIBLE = 0.5;

export class Reserve<T> {
  readonly #peaks = new Map<ClassQueue<T>, { peak: number; stampMs: number }>();

  /** A request of the class has come, and is counted among those under way or waiting. `ceiling`: all it could have. */
  arrived(queue: ClassQueue<T>, ceiling: number, nowMs: number): void {
    const demand = Math.min(ceiling, queue.underWay + queue.size);
    const known = this.#peaks.get(queue);
    if (known === undefined) {
      this.#peaks.set(queue, { peak: demand, stampMs: nowMs });
      return;
    }
    known.peak = Math.max(demand, faded(known.peak, known.stampMs, nowMs));
    known.stampMs = nowMs;
  }

  /** Slots to leave free for those above `priority`. `ceilingOf`: what a class may have at most. */
  unused(priority: number, ceilingOf: (queue: ClassQueue<T>) => number, nowMs: number): number {
    let sum = 0;
    for (const [queue, { peak, stampMs }] of this.#peaks) {
      if (queue.policy.priority >= priority) continue;
      const now = faded(peak, stampMs, nowMs);
      if (now < NEGLIGIBLE) continue;
      const target = Math.min(ceilingOf(queue), Math.ceil(now + Math.sqrt(now)));
      sum += Math.max(0, target - queue.underWay);
    }
    return sum;
  }

  forget(queue: ClassQueue<T>): void {
    this.#peaks.delete(queue);
  }
}

function faded(peak: number, stampMs: number, nowMs: number): number {
  return peak * Math.exp(-Math.max(0, nowMs - stampMs) / TAU_MS);
}
