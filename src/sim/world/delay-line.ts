/**
 * A line with a constant delay: what goes in comes out in the same order, so much later. A message on the network.
 */
import { Queue } from "../../std/queue.ts";
import type { Job } from "./call.ts";
import type { Engine, Source } from "./engine.ts";

export class DelayLine<T = Job> implements Source {
  readonly #engine: Engine;
  readonly #timer: number;
  readonly #delayMs: number;
  readonly #deliver: (job: T) => void;
  readonly #jobs = new Queue<T>();
  readonly #dueMs = new Queue<number>();

  constructor(engine: Engine, delayMs: number, deliver: (job: T) => void) {
    this.#engine = engine;
    this.#timer = engine.add(this);
    this.#delayMs = delayMs;
    this.#deliver = deliver;
  }

  send(job: T): void {
    const dueMs = this.#engine.nowMs + this.#delayMs;
    if (this.#jobs.size === 0) this.#engine.set(this.#timer, dueMs);
    this.#jobs.push(job);
    this.#dueMs.push(dueMs);
  }

  fire(): void {
    const job = this.#jobs.shift()!;
    this.#dueMs.shift();
    const next = this.#dueMs.peek();
    if (next === undefined) this.#engine.clear(this.#timer);
    else this.#engine.set(this.#timer, next);
    this.#deliver(job);
  }
}
