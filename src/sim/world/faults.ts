/**
 * Faults: lays the scenario's troubles on servers and takes them off again, and keeps a list of what lay where and when.
 */
import type { Prng } from "../../std/prng.ts";
import { exponential } from "../chance/work.ts";
import type { AntagonistSpec, FaultKind, FaultSpec, Scenario } from "../scenario/scenario.ts";
import type { Agenda } from "./agenda.ts";
import type { Failing } from "./condition.ts";
import type { Fleet } from "./fleet.ts";
import type { Server } from "./server.ts";

/** One fault, once. */
export interface Episode {
  readonly kind: FaultKind;
  readonly servers: readonly Server[];
  readonly fromMs: number;
  /** Not beyond the end of the run. */
  readonly untilMs: number;
}

export interface FaultsContext {
  readonly agenda: Agenda;
  readonly fleet: Fleet;
  readonly prng: Prng;
}

export class Faults {
  readonly episodes: readonly Episode[];
  readonly #context: FaultsContext;

  constructor(scenario: Scenario, context: FaultsContext) {
    this.#context = context;
    this.episodes = scenario.faults
      .flatMap((fault) => this.#schedule(fault, scenario.durationMs))
      .toSorted((a, b) => a.fromMs - b.fromMs);
    for (const antagonist of scenario.antagonists) {
      for (const server of context.fleet.select(antagonist.on)) this.#haunt(server, antagonist);
    }
  }

  #schedule(fault: FaultSpec, durationMs: number): readonly Episode[] {
    const servers = this.#context.fleet.select(fault.on);
    const episodes: Episode[] = [];
    let fromMs = fault.atMs;
    do {
      const untilMs = Math.min(fromMs + fault.forMs, durationMs);
      episodes.push({ kind: fault.kind, servers, fromMs, untilMs });
      for (const server of servers) this.#plan(fault, server, fromMs, fromMs + fault.forMs);
      fromMs += fault.everyMs;
    } while (fault.everyMs > 0 && fromMs < durationMs);
    return episodes;
  }

  #plan(fault: FaultSpec, server: Server, fromMs: number, untilMs: number): void {
    const { agenda, fleet, prng } = this.#context;
    const failing: Failing = {
      status: fault.status,
      answerMs: fault.answerMs,
      fails: fault.ratio >= 1 ? () => true : () => prng.float() < fault.ratio,
    };
    agenda.at(fromMs, () => lay(fault, failing, server, 1));
    agenda.at(untilMs, () => {
      lay(fault, failing, server, -1);
      if (fault.kind === "hang") server.restart();
      if (fault.kind === "hang" || fault.kind === "crash") fleet.warmUp(server.index);
    });
    const removedMs = fromMs + fault.removedAfterMs;
    if (removedMs >= untilMs) return;
    agenda.at(removedMs, () => fleet.absent(server.index, 1));
    agenda.at(untilMs, () => fleet.absent(server.index, -1));
  }

  /** Begins in the state the process is in at rest. */
  #haunt(server: Server, spec: AntagonistSpec): void {
    const { agenda, prng } = this.#context;
    const quietMs = (spec.burstMs * (1 - spec.ratio)) / spec.ratio;
    const begin = (): void => {
      server.condition.slow(spec.factor, 1);
      server.conditionChanged();
      agenda.after(spec.burstMs * exponential(prng), end);
    };
    const end = (): void => {
      server.condition.slow(spec.factor, -1);
      server.conditionChanged();
      agenda.after(quietMs * exponential(prng), begin);
    };
    if (prng.float() < spec.ratio) begin();
    else agenda.after(quietMs * exponential(prng), begin);
  }
}

function lay(fault: FaultSpec, failing: Failing, server: Server, by: 1 | -1): void {
  const { condition } = server;
  condition.faults += by;
  if (fault.probesFail) condition.probeFailures += by;
  switch (fault.kind) {
    case "hang":
    case "pause":
      condition.stop(by);
      break;
    case "crash":
      condition.crash(by);
      break;
    case "unreachable":
      condition.cut(by);
      break;
    case "fail":
      condition.fail(failing, by);
      break;
    case "slow":
      condition.slow(fault.factor, by);
      break;
  }
  server.conditionChanged();
}
