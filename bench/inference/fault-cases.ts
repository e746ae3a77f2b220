/**
 * What is done to a fleet for the fault table: one engine of eight, through the middle of the run, at a rate the other seven can carry.
 */
import type { InferenceFault } from "../../src/sim/inference/faults.ts";

export interface FaultCase {
  readonly label: string;
  readonly workload: string;
  readonly ratePerSec: number;
  readonly faults: readonly InferenceFault[];
  readonly cacheEventLoss?: number;
}

/** Clients leave after so long without a first token. */
export const FAULT_PATIENCE_MS = 10_000;

const MIDDLE = { slot: 3, from: 0.4, until: 0.7 } as const;
const CHATS = { workload: "conversations", ratePerSec: 45 } as const;
const PRESSURE = { workload: "pressure", ratePerSec: 12 } as const;

export const FAULT_CASES: readonly FaultCase[] = [
  { label: "none", ...CHATS, faults: [] },
  { label: "crash", ...CHATS, faults: [{ kind: "crash", ...MIDDLE }] },
  { label: "hang", ...CHATS, faults: [{ kind: "hang", ...MIDDLE }] },
  { label: "4x slower", ...CHATS, faults: [{ kind: "slow", ...MIDDLE, factor: 4 }] },
  // Frozen before the first request: it says that it is idle, for ever.
  { label: "metrics frozen", ...CHATS, faults: [{ kind: "freeze-metrics", slot: 3, from: 0, until: 1 }] },
  { label: "metrics tenfold", ...CHATS, faults: [{ kind: "lie", slot: 3, from: 0, until: 1, factor: 10 }] },
  { label: "pressure, no events", ...PRESSURE, faults: [] },
  { label: "pressure, events", ...PRESSURE, faults: [], cacheEventLoss: 0 },
  { label: "pressure, 5 % of events lost", ...PRESSURE, faults: [], cacheEventLoss: 0.05 },
];
