/**
 * From the cells of all rounds to the figures that are reported: per row and proxy the medians, and the ratios
 * against nginx of the same round.
 */
import type { Cell } from "./measure.ts";
import type { Row, RowName } from "./rows.ts";
import { median, type Ratio, ratioByRound } from "../lib/stats.ts";

export const BASE_PEER = "nginx";

export interface Line {
  readonly peer: string;
  readonly rounds: number;
  /** Load rows: µs per unit. Idle row: KB per connection. */
  readonly cost: number;
  readonly costRatio: Ratio | undefined;
  /** Load rows: units per second. Idle row: per cent of a core. */
  readonly rate: number;
  readonly rateRatio: Ratio | undefined;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly residentMb: number;
  readonly readsPerUnit: number;
  /** Summed over rounds: failed requests, or idle connections that did not stay open. */
  readonly errors: number;
}

export interface RowSummary {
  readonly row: Row;
  readonly lines: readonly Line[];
}

type Read = (figures: Cell["figures"]) => number;

export const cost: Read = (figures) =>
  figures.kind === "load" ? figures.cpuUsPerUnit : figures.memoryKbPerConnection;
export const rate: Read = (figures) =>
  figures.kind === "load" ? figures.unitsPerSecond : figures.cpuPercent;

/** One proxy's figure over another's, round by round; undefined where no round has both. */
export function ratio(
  cells: readonly Cell[],
  row: RowName,
  of: string,
  against: string,
  read: Read,
): Ratio | undefined {
  const byRound = (peer: string): (number | undefined)[] => {
    const values: (number | undefined)[] = [];
    for (const cell of cells) {
      if (cell.row === row && cell.peer === peer) values[cell.round] = read(cell.figures);
    }
    return values;
  };
  return ratioByRound(byRound(of), byRound(against));
}

export function summarise(cells: readonly Cell[], row: Row, peers: readonly string[]): RowSummary {
  const lines = peers.map((peer): Line => {
    const own = cells.filter((cell) => cell.row === row.name && cell.peer === peer);
    const middle = (read: Read): number => median(own.map((cell) => read(cell.figures)));
    return {
      peer,
      rounds: own.length,
      cost: middle(cost),
      costRatio: ratio(cells, row.name, peer, BASE_PEER, cost),
      rate: middle(rate),
      rateRatio: ratio(cells, row.name, peer, BASE_PEER, rate),
      p50Ms: middle((figures) => (figures.kind === "load" ? figures.p50Ms : Number.NaN)),
      p99Ms: middle((figures) => (figures.kind === "load" ? figures.p99Ms : Number.NaN)),
      residentMb: middle((figures) => figures.residentMb),
      readsPerUnit: middle((figures) => (figures.kind === "load" ? (figures.readsPerUnit ?? 1) : Number.NaN)),
      errors: own.reduce((sum, { figures }) => sum + failures(figures), 0),
    };
  });
  return { row, lines: lines.filter((line) => line.rounds > 0) };
}

function failures(figures: Cell["figures"]): number {
  return figures.kind === "load" ? figures.errors : figures.connections - figures.open;
}
