/**
 * The network: carries jobs to servers and answers back, each with the one-way delay of its pair of zones.
 *
 * A delay of 0 is a plain call. It loses nothing and keeps order; a server cut off from it is that server's condition.
 */
import type { NetworkSpec } from "../scenario/scenario.ts";
import type { Job } from "./call.ts";
import { DelayLine } from "./delay-line.ts";
import type { Engine } from "./engine.ts";

interface Way {
  readonly delayMs: number;
  readonly forth: DelayLine | undefined;
  readonly back: DelayLine | undefined;
}

const NO_DELAY: Way = { delayMs: 0, forth: undefined, back: undefined };

export class Network {
  /** By gateway's zone, then server's zone. */
  readonly #ways: readonly (readonly Way[])[];
  readonly #deliver: (job: Job) => void;

  /** `zones`: by number, as gateways and servers know them. `deliver`: an answer has come back. */
  constructor(engine: Engine, spec: NetworkSpec, zones: readonly string[], deliver: (job: Job) => void) {
    this.#deliver = deliver;
    this.#ways = zones.map((from) =>
      zones.map((to) => {
        const delayMs = delayBetween(spec, from, to);
        if (delayMs === 0) return NO_DELAY;
        return {
          delayMs,
          forth: new DelayLine(engine, delayMs, (job) => job.server.accept(job)),
          back: new DelayLine(engine, delayMs, deliver),
        };
      }),
    );
  }

  /** One way. */
  delayMs(from: number, to: number): number {
    return this.#ways[from]![to]!.delayMs;
  }

  send(job: Job): void {
    const { forth } = this.#way(job);
    if (forth === undefined) job.server.accept(job);
    else forth.send(job);
  }

  answer(job: Job): void {
    const { back } = this.#way(job);
    if (back === undefined) this.#deliver(job);
    else back.send(job);
  }

  #way(job: Job): Way {
    return this.#ways[job.gatewayZone]![job.server.zone]!;
  }
}

/** A pair that is named holds in both directions. */
function delayBetween(spec: NetworkSpec, from: string, to: string): number {
  const named = spec.pairs.find(
    (pair) => (pair.from === from && pair.to === to) || (pair.from === to && pair.to === from),
  );
  return named?.ms ?? (from === to ? spec.sameZoneMs : spec.crossZoneMs);
}
