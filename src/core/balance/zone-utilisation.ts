/**
 * How full a zone is, as well as can be told: the input of zones.ts.
 *
 * 1. From reports, where at least half of the zone's endpoints have sent one in the last 3 min: the mean of their
 *    utilisation (application, else processors).
 * 2. Else from what this gateway sees, the highest of
 *    - requests in flight over the limit of the endpoints' connections, and
 *    - once the zone has been full: demand over capacity. Demand: requests per second, 1 s at a time. Capacity: answers per
 *      second while it was full, that is, while answers took more than five times as long as when calm and every endpoint owed two, at both ends of the second.
 *      Follows what is shared out at once and in proportion, where a queue tells late and then for too long; and
 *    - before that, or where nothing is answered at all: 1 - calm / now, of the zone's mean time to the first byte; in a queue with one
 *      server the answer takes service / (1 - utilisation), so the ratio tells how full it is; with several servers it tells later.
 *    `now` is the mean of the last second's answers, or the mean age of what waits if that is more. `calm` is the least that a slow
 *    mean (of the last 256 answers or so) has been. It is forgotten by 0.1 % a second, and so is capacity, upwards: a service that
 *    has become slower or faster for good is taken for what it was for some ten minutes at most.
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

/** 1 - calm / now of a full zone. */
const FULL = 0.8;
/** Fewer answers in a second do not tell a capacity. */
const ANSWERS_MIN = 8;
const CAPACITY_SHARE = 0.3;
const SPAN_MIN_MS = 200;

const UNKNOWN = -1;

export class ZoneUtilisation {
  /**
   * [mean latency, calm latency, smoothed utilisation, time of it, answers seen, latest utilisation, since the last update:
   * sum of latencies and answers; capacity per endpoint in 1/s (0: never full), waiting at the last update].
   */
  readonly #cells = new Float64Array([0, 0, UNKNOWN, 0, 0, UNKNOWN, 0, 0, 0, 0]);

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
    cells[6] = cells[6]! + sampleMs;
    cells[7] = cells[7]! + 1;
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
    // A change of membership comes between two ticks: too short to tell anything.
    if (cells[3]! > 0 && sinceMs < SPAN_MIN_MS) return;
    this.#calmDown(sinceMs);
    const reported = meanReported(columns, members, nowMs);
    const ageMs = meanAgeMs(columns, members, nowMs);
    const seen = Math.max(
      this.#byDemand(columns, members, ageMs, sinceMs),
      this.#byRoom(columns, members, limit),
    );
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

  #byDemand({ waiting }: Columns, members: readonly number[], ageMs: number, sinceMs: number): number {
    const cells = this.#cells;
    const answers = cells[7]!;
    const latencyMs = Math.max(answers > 0 ? cells[6]! / answers : 0, ageMs);
    const byQueue = cells[1]! > 0 && latencyMs > 0 ? Math.max(0, 1 - cells[1]! / latencyMs) : UNKNOWN;
    let owed = 0;
    for (const slot of members) owed += waiting[slot]!;
    const demand = Math.max(0, answers + owed - cells[9]!);
    const least = Math.min(owed, cells[9]!);
    cells[6] = 0;
    cells[7] = 0;
    cells[9] = owed;
    if (members.length === 0 || sinceMs <= 0 || (answers === 0 && owed > 0)) return byQueue;
    const perSec = 1000 / (sinceMs * members.length);
    const isFull = byQueue >= FULL && least >= 2 * members.length && answers >= ANSWERS_MIN;
    const capacity = cells[8]!;
    if (isFull) {
      const seen = answers * perSec;
      cells[8] = capacity === 0 ? seen : capacity + (seen - capacity) * CAPACITY_SHARE;
    } else {
      cells[8] = Math.max(
        capacity * (1 + (CALM_FORGOTTEN_PER_SEC * sinceMs) / 1000),
        capacity > 0 ? answers * perSec : 0,
      );
    }
    return cells[8] > 0 ? (demand * perSec) / cells[8] : byQueue;
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
