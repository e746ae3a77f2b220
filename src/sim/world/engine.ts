/**
 * The engine: virtual time, and what happens next in it.
 *
 * Everything that happens comes from a source: the arrivals, a server, a line of messages, a line of deadlines, the agenda.
 * A source has one timer, set to its next event; the engine takes the first of all timers, moves the clock there and
 * lets the source act. So the queue of events holds a few hundred entries whatever the traffic, and none is ever stale.
 *
 * Invariants: the clock never goes back; events of the same instant happen in the order of their sources' timers.
 */
import { NO_TIMER, TimerHeap } from "../../std/timer-heap.ts";

export interface Source {
  /** The source's timer is due. Sets it anew or clears it. */
  fire(): void;
}

export class Engine {
  nowMs = 0;
  readonly #timers = new TimerHeap();
  readonly #sources: Source[] = [];
  #stopped = false;

  /** The source's timer. */
  add(source: Source): number {
    this.#sources.push(source);
    return this.#timers.add();
  }

  set(timer: number, atMs: number): void {
    this.#timers.set(timer, atMs);
  }

  clear(timer: number): void {
    this.#timers.clear(timer);
  }

  /** Ends `run` after the event that is happening. */
  stop(): void {
    this.#stopped = true;
  }

  /** Lets everything happen that is due before `untilMs`. */
  run(untilMs: number): void {
    const timers = this.#timers;
    while (!this.#stopped && timers.first !== NO_TIMER && timers.firstTime < untilMs) {
      this.nowMs = timers.firstTime;
      this.#sources[timers.first]!.fire();
    }
  }
}
