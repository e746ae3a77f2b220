/**
 * The agenda: rare events as functions, in the order of their time and, at the same instant, of their entry.
 *
 * For what happens a few thousand times per run (probes, faults, samples); what happens for every request has a source of its own.
 */
import { Heap } from "../../std/heap.ts";
import type { Engine, Source } from "./engine.ts";

interface Item {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class Agenda implements Source {
  readonly #engine: Engine;
  readonly #timer: number;
  readonly #items = new Heap<Item>((a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order));
  #entered = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#timer = engine.add(this);
  }

  /** A time that has passed means now; Infinity means never. */
  at(atMs: number, run: () => void): void {
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.#items.push({ atMs: Math.max(atMs, this.#engine.nowMs), order: this.#entered++, run });
    this.#arm();
  }

  after(delayMs: number, run: () => void): void {
    this.at(this.#engine.nowMs + delayMs, run);
  }

  /** From `fromMs` on, every `everyMs`, as long as that is before `untilMs`. */
  every(fromMs: number, everyMs: number, untilMs: number, run: () => void): void {
    if (fromMs >= untilMs) return;
    this.at(fromMs, () => {
      run();
      this.every(fromMs + everyMs, everyMs, untilMs, run);
    });
  }

  fire(): void {
    this.#items.pop()!.run();
    this.#arm();
  }

  #arm(): void {
    const next = this.#items.peek();
    if (next === undefined) this.#engine.clear(this.#timer);
    else this.#engine.set(this.#timer, next.atMs);
  }
}
