/**
 * What endpoints have reported of their own load, by slot: see model/load-report.ts for the fields and units.
 *
 * A report replaces what it mentions and leaves the rest: an ORCA header without a field has not said that it is 0.
 * Below 0 means never said. Freshness is one stamp for the whole report, since reports are taken as a whole, save that
 * the two fields that Prequal needs (`inFlight`, `latencyMs`) have their own: they age in a second, not in minutes.
 */
import type { LoadReport } from "../../model/load-report.ts";
import { grown } from "./grown.ts";

export interface Load {
  /** Newest report; below 0: none yet. */
  stampMs: Float64Array;
  /** First report after a gap of more than EXPIRY_MS: the blackout counts from here. */
  sinceMs: Float64Array;
  cpu: Float64Array;
  memory: Float64Array;
  network: Float64Array;
  disk: Float64Array;
  gpu: Float64Array;
  application: Float64Array;
  requestsPerSec: Float64Array;
  errorsPerSec: Float64Array;
  networkMbitPerSec: Float64Array;
  inFlight: Float64Array;
  inFlightStampMs: Float64Array;
  latencyMs: Float64Array;
}

/** gRFC A58: after this long without a report what was said is worth nothing. */
export const EXPIRY_MS = 180_000;

const UNKNOWN = -1;

const COLUMNS = [
  "stampMs",
  "sinceMs",
  "cpu",
  "memory",
  "network",
  "disk",
  "gpu",
  "application",
  "requestsPerSec",
  "errorsPerSec",
  "networkMbitPerSec",
  "inFlight",
  "inFlightStampMs",
  "latencyMs",
] as const satisfies readonly (keyof Load)[];

export function createLoad(capacity: number): Load {
  const column = (): Float64Array => new Float64Array(capacity).fill(UNKNOWN);
  return {
    stampMs: column(),
    sinceMs: column(),
    cpu: column(),
    memory: column(),
    network: column(),
    disk: column(),
    gpu: column(),
    application: column(),
    requestsPerSec: column(),
    errorsPerSec: column(),
    networkMbitPerSec: column(),
    inFlight: column(),
    inFlightStampMs: column(),
    latencyMs: column(),
  };
}

export function growLoad(load: Load, capacity: number): void {
  for (const name of COLUMNS) load[name] = grown(load[name], capacity, UNKNOWN);
}

export function resetLoad(load: Load, slot: number): void {
  for (const name of COLUMNS) load[name][slot] = UNKNOWN;
}

export function takeReport(load: Load, slot: number, report: LoadReport, nowMs: number): void {
  if (load.stampMs[slot]! < 0 || nowMs - load.stampMs[slot]! > EXPIRY_MS) {
    resetLoad(load, slot);
    load.sinceMs[slot] = nowMs;
  }
  load.stampMs[slot] = nowMs;
  put(load.cpu, slot, report.cpu);
  put(load.memory, slot, report.memory);
  put(load.network, slot, report.network);
  put(load.disk, slot, report.disk);
  put(load.gpu, slot, report.gpu);
  put(load.application, slot, report.application);
  put(load.requestsPerSec, slot, report.requestsPerSec);
  put(load.errorsPerSec, slot, report.errorsPerSec);
  put(load.networkMbitPerSec, slot, report.networkMbitPerSec);
  if (report.inFlight === undefined) return;
  put(load.inFlight, slot, report.inFlight);
  load.inFlightStampMs[slot] = nowMs;
  // A probe without a latency has none: an older one belongs to an older queue.
  load.latencyMs[slot] = report.latencyMs ?? UNKNOWN;
}

/** A negative number or NaN would be taken for silence or spread; whoever built the report should have left it out. */
function put(column: Float64Array, slot: number, value: number | undefined): void {
  if (value !== undefined && value >= 0 && value < Number.POSITIVE_INFINITY) column[slot] = value;
}
