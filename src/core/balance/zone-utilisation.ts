/**
 * How full a zone is, as well as can be told: the input of zones.ts.
 *
 * 1. From reports, where at least half of the zone's endpoints have sent one in the last 3 min: the mean of their
 *    utilisation (application, else processors).
 * 2. Else from what this gateway sees, the higher of
 *    - requests in flight over the limit of the endpoints' connections, and
 *    - 1 - calm / now, of the zone's mean time to the first byte: in a queue with one server the answer takes
 *      service / (1 - utilisation), so the ratio of now to calm tells how full it is; with several servers it tells later, and
 *      surely in time, since nothing grows without a queue.
 *    `now` is the mean age of what waits, if that is more, and follows the last 256 answers or so. `calm` is the least it has been, forgotten by 0.1 % a second, so
 *    that a service that has become slower for good is not taken for a busy one for longer than some ten minutes.
 *
 * Smoothed with a time constant of 2 s; the first value counts as it is.
 */
import type { Columns } from "../signals/columns.ts";
import { waitingAgeMs } from "../signals/in-flight.ts";
import { EXPIRY_MS } from "../signals/load.ts";
import type { Candidates } from "./candidates.ts";

const SAMPLE_SHARE = 1 / 256;
const CALM_FORGOTTEN_PER_SEC = 0.001;
const SMOOTHING_MS = 2_000;

/** Below this many answers the mean is that of its first few. */
const TRUSTED_SAMPLES = 64;

const UNKNOWN = -1;

export class ZoneUtilisation {
  /** [mean latency, calm latency, smoothed utilisation, time of it, answers seen, latest utilisation]. */
  readonly #cells = new Float64Array([0, 0, UNKNOWN, 0, 0, UNKNOWN]);

  /** Undefined: nothing known. As of the last update. */
  get value(): number | undefined {
    const value = this.#cells[2]!;
    return value < 0 ? undefined : value;
  }

  /** The same, not smoothed. */
  get latest(): number | undefined {
    const latest = this.#cells[5]!;
    return latest < 0 ? undefined : latest;
  }

  /** A good answer of one of the zone's endpoints has begun. */
  answered(columns: Columns, slot: number): void {
    const cells = this.#cells;
    const sampleMs = columns.latencySampleMs[slot]!;
    const seen = cells[4]! + 1;
    cells[4] = seen;
    cells[0] = cells[0]! + (sampleMs - cells[0]!) * Math.max(SAMPLE_SHARE, 1 / seen);
  }

  update(
    columns: Columns,
    members: readonly number[],
    slots: Candidates,
    limit: number,
    nowMs: number,
  ): void {
    const cells = this.#cells;
    const sinceMs = nowMs - cells[3]!;
    this.#calmDown(sinceMs);
    const reported = meanReported(columns, members, nowMs);
    const ageMs = meanAgeMs(columns, members, nowMs);
    const seen = Math.max(this.#byQueue(ageMs), this.#byRoom(columns, members, limit));
    const sample = reported >= 0 ? reported : slots.size === 0 ? 1 : seen;
    const share = cells[2]! < 0 ? 1 : 1 - Math.exp(-sinceMs / SMOOTHING_MS);
    if (sample >= 0) cells[2] = Math.max(0, cells[2]!) + (sample - Math.max(0, cells[2]!)) * share;
    cells[3] = nowMs;
    cells[5] = sample;
  }

  copy(): ZoneUtilisation {
    const copied = new ZoneUtilisation();
    copied.#cells.set(this.#cells);
    return copied;
  }

  #calmDown(sinceMs: number): void {
    const cells = this.#cells;
    if (cells[4]! < TRUSTED_SAMPLES) return;
    const risen = cells[1]! * (1 + (CALM_FORGOTTEN_PER_SEC * Math.max(0, sinceMs)) / 1000);
    cells[1] = cells[1] === 0 ? cells[0]! : Math.min(cells[0]!, risen);
  }

  #byQueue(ageMs: number): number {
    const cells = this.#cells;
    const latencyMs = Math.max(cells[0]!, ageMs);
    return cells[1]! > 0 && latencyMs > 0 ? Math.max(0, 1 - cells[1]! / latencyMs) : UNKNOWN;
  }

  #byRoom({ inFlight }: Columns, members: readonly number[], limit: number): number {
    let total = 0;
    for (const slot of members) total += inFlight[slot]!;
    return members.length === 0 ? UNKNOWN : total / (members.length * limit);
  }
}

/** How long the zone's requests without an answer have waited, on average. */
function meanAgeMs(columns: Columns, members: readonly number[], nowMs: number): number {
  let sumMs = 0;
  let count = 0;
  for (const slot of members) {
    const waiting = columns.waiting[slot]!;
    sumMs += waiting * waitingAgeMs(columns, slot, nowMs);
    count += waiting;
  }
  return count === 0 ? 0 : sumMs / count;
}

function meanReported({ load }: Columns, members: readonly number[], nowMs: number): number {
  let sum = 0;
  let known = 0;
  for (const slot of members) {
    const application = load.application[slot]!;
    const utilisation = application >= 0 ? application : load.cpu[slot]!;
    if (utilisation < 0 || nowMs - load.stampMs[slot]! > EXPIRY_MS) continue;
    sum += utilisation;
    known++;
  }
  return known > 0 && known * 2 >= members.length ? sum / known : UNKNOWN;
}
