/**
 * How many replays may be under way over all engines: when many come back at once, they are asked one after the other.
 */

/** Each may bring thousands of batches; a few at a time keep the event loop free for requests. */
const TURNS = 8;

export interface Turn {
  /** The replay is over, or was called off before it began. May be called again. */
  end(): void;
}

export class ReplayTurns {
  #free = TURNS;
  readonly #queue = new Set<() => void>();

  /** `begin` is called once, later or before this returns, unless the turn is ended before. */
  take(begin: () => void): Turn {
    let state: "waiting" | "running" | "over" = "waiting";
    const start = (): void => {
      state = "running";
      begin();
    };
    if (this.#free > 0) {
      this.#free--;
      start();
    } else this.#queue.add(start);
    return {
      end: () => {
        if (state === "waiting") this.#queue.delete(start);
        else if (state === "running") this.#passOn();
        state = "over";
      },
    };
  }

  #passOn(): void {
    const [next] = this.#queue;
    if (next === undefined) this.#free++;
    else {
      this.#queue.delete(next);
      next();
    }
  }
}
