/**
 * What goes wrong, when and where: planned, so that it meets every policy alike.
 */
import type { Agenda } from "../world/agenda.ts";
import type { Host } from "./host.ts";
import type { SignalFault } from "./signals.ts";

export type InferenceFaultKind =
  /** The process dies and comes back cold at the end. */
  | "crash"
  /** It takes requests and does nothing until the end, then goes on. */
  | "hang"
  /** Steps take `factor` times as long. */
  | "slow"
  /** Its metrics stay what they were. */
  | "freeze-metrics"
  /** Its metrics are told `factor` times as large: below 1 a busy one looks idle. */
  | "lie";

export interface InferenceFault {
  readonly kind: InferenceFaultKind;
  readonly slot: number;
  /** Shares of the time in which requests arrive. */
  readonly from: number;
  readonly until: number;
  readonly factor?: number;
}

export function planFaults(
  faults: readonly InferenceFault[],
  spanMs: number,
  world: {
    readonly agenda: Agenda;
    readonly hosts: readonly Host[];
    readonly signals: readonly SignalFault[];
    readonly restarted: (slot: number) => void;
    readonly nowMs: () => number;
  },
): void {
  for (const fault of faults) {
    const host = world.hosts[fault.slot]!;
    const signal = world.signals[fault.slot]!;
    const factor = fault.factor ?? 1;
    world.agenda.at(fault.from * spanMs, () => begin(fault.kind, host, signal, factor, world.nowMs()));
    world.agenda.at(fault.until * spanMs, () => {
      end(fault.kind, host, signal, world.nowMs());
      if (fault.kind === "crash") world.restarted(fault.slot);
    });
  }
}

function begin(
  kind: InferenceFaultKind,
  host: Host,
  signal: SignalFault,
  factor: number,
  nowMs: number,
): void {
  switch (kind) {
    case "crash":
      host.engine.crash(nowMs);
      break;
    case "hang":
      host.engine.hang(nowMs);
      break;
    case "slow":
      host.engine.slow(factor);
      break;
    case "freeze-metrics":
      signal.frozen = host.engine.metrics();
      break;
    case "lie":
      signal.lie = factor;
      break;
  }
  host.rearm();
}

function end(kind: InferenceFaultKind, host: Host, signal: SignalFault, nowMs: number): void {
  switch (kind) {
    case "crash":
      host.engine.restart();
      break;
    case "hang":
      host.engine.resume(nowMs);
      break;
    case "slow":
      host.engine.slow(1);
      break;
    case "freeze-metrics":
      signal.frozen = undefined;
      break;
    case "lie":
      signal.lie = 1;
      break;
  }
  host.rearm();
}
