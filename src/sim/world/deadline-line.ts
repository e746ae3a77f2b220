/**
 * Deadlines that are all equally far off: the first to begin is the first to end, so a queue holds them in order and one
 * timer serves them all. Nearly all are over before they are due; those are passed over when they reach the front,
 * so the queue is as long as the oldest that is still open demands.
 */
import { Queue } from "../../std/queue.ts";
import type { Call } from "./call.ts";
import type { Engine, Source } from "./engine.ts";

export class DeadlineLine implements Source {
  readonly #engine: Engine;
  readonly #timer: number;
  readonly #afterMs: number;
  readonly #numberOf: (call: Call) => number;
  readonly #due: (call: Call) => void;
  readonly #calls = new Queue<Call>();
  readonly #numbers = new Queue<number>();
  readonly #dueMs = new Queue<number>();

  /** `numberOf`: of the try or the attempt that the deadline is for. `afterMs` 0: there is no deadline. */
  constructor(engine: Engine, afterMs: number, numberOf: (call: Call) => number, due: (call: Call) => void) {
    this.#engine = engine;
    this.#timer = engine.add(this);
    this.#afterMs = afterMs;
    this.#numberOf = numberOf;
    this.#due = due;
  }

  begin(call: Call): void {
    if (this.#afterMs === 0) return;
    this.#passOver();
    const dueMs = this.#engine.nowMs + this.#afterMs;
    if (this.#calls.size === 0) this.#engine.set(this.#timer, dueMs);
    this.#calls.push(call);
    this.#numbers.push(this.#numberOf(call));
    this.#dueMs.push(dueMs);
  }

  fire(): void {
    this.#passOver();
    const dueMs = this.#dueMs.peek();
    if (dueMs === undefined) this.#engine.clear(this.#timer);
    else if (dueMs > this.#engine.nowMs) this.#engine.set(this.#timer, dueMs);
    else {
      // The timer stays at now, so the next in line has its turn as the next event.
      const call = this.#calls.shift()!;
      this.#numbers.shift();
      this.#dueMs.shift();
      this.#due(call);
    }
  }

  /** Drops those at the front that are over. */
  #passOver(): void {
    let call = this.#calls.peek();
    while (call !== undefined && this.#numberOf(call) !== this.#numbers.peek()) {
      this.#calls.shift();
      this.#numbers.shift();
      this.#dueMs.shift();
      call = this.#calls.peek();
    }
  }
}
