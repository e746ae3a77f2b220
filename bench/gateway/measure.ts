/**
 * One cell: one row on one proxy in one round. Processor time is read right before and right after the load, so
 * that the whole of it, connecting and closing included, is divided by all that was answered.
 */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { stop } from "../lib/children.ts";
import { type IdleResult, measureIdle } from "./idle.ts";
import { type Generator, load, type LoadResult } from "./load.ts";
import type { Origin } from "./origin.ts";
import type { Peer, RunningPeer } from "./peers/peer.ts";
import { familyOf, usage } from "../lib/processes.ts";
import { type Row, type RowName, ROWS } from "./rows.ts";

export interface LoadCell extends LoadResult {
  readonly kind: "load";
  readonly cpuSeconds: number;
  /** Microseconds of the proxy's processor time per unit of the row. */
  readonly cpuUsPerUnit: number;
  readonly unitsPerSecond: number;
  readonly residentMb: number;
}

export interface IdleCell extends IdleResult {
  readonly kind: "idle";
}

export interface Cell {
  readonly round: number;
  readonly row: RowName;
  readonly peer: string;
  readonly figures: LoadCell | IdleCell;
}

export interface Bench {
  readonly origin: Origin;
  readonly generator: Generator;
  readonly folder: string;
  readonly seconds: number;
}

const WARM_UP_SECONDS = 1;

export function freshFolder(bench: { readonly folder: string }, peer: string): string {
  return mkdtempSync(join(bench.folder, `${peer}-`));
}

export async function measure(
  bench: Bench,
  peer: Peer,
  running: RunningPeer,
  row: Row,
): Promise<Cell["figures"]> {
  return row.unit === "connection" ? measureFresh(bench, peer, row) : measureLoad(bench, running, row);
}

async function measureLoad(bench: Bench, running: RunningPeer, row: Row): Promise<LoadCell> {
  const family = familyOf(running.child.pid);
  const before = usage(family);
  const result = await load(bench.generator, running.port, row, bench.seconds);
  const after = usage(family);
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  const stalled = result.units === 0;
  return {
    kind: "load",
    ...result,
    // Neither generator counts a request that is simply never answered; where that befell all of them, say so.
    errors: stalled ? Math.max(result.errors, row.connections) : result.errors,
    cpuSeconds,
    cpuUsPerUnit: stalled ? Number.NaN : (cpuSeconds / result.units) * 1e6,
    unitsPerSecond: result.units / result.seconds,
    residentMb: after.residentBytes / 1024 / 1024,
  };
}

async function measureFresh(bench: Bench, peer: Peer, row: Row): Promise<IdleCell> {
  const running = await peer.start(bench.origin, freshFolder(bench, peer.name));
  try {
    await warmUp(bench, running, ["small"]);
    return { kind: "idle", ...(await measureIdle(running, row, bench.seconds)) };
  } finally {
    await stop(running.child);
  }
}

/** Load before anything counts: compilers optimise, heaps grow, upstream connections open. */
export async function warmUp(bench: Bench, running: RunningPeer, rows: readonly RowName[]): Promise<void> {
  for (const row of ROWS) {
    if (rows.includes(row.name) && row.unit !== "connection") {
      await load(bench.generator, running.port, row, WARM_UP_SECONDS);
    }
  }
}
