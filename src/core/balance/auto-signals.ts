/**
 * What Auto watches, at a few stores per answer: how latencies vary, how many answers are streams, how far endpoints
 * differ, who reports. All as shares or ratios, so that nothing depends on the scale of the service.
 */
import type { Outcome } from "../../model/outcome.ts";
import type { Columns } from "../signals/columns.ts";
import { windowLatencyMs, windowRatePerSec } from "../signals/rate-window.ts";
import type { PoolKnowledge } from "./auto-choice.ts";
import type { Candidates } from "./candidates.ts";

/** The last thousand answers or so: one in a hundred that is slow must be in it ten times. */
const SAMPLE_SHARE = 1 / 1024;

/** A stream goes on for a second and for ten times as long as its first byte took. */
const STREAM_MS = 1_000;
const STREAM_RATIO = 10;

/** Percentiles of a sample of the endpoints: exact to some percent, and no sorting of ten thousand. */
const SAMPLE_MAX = 256;

const RECENT_MS = 10_000;
const UTILISATION_RECENT_MS = 60_000;

export class AutoSignals {
  /** [mean latency, mean squared latency, share of streams, answers]. */
  readonly #cells: Float64Array = new Float64Array(4);

  answered(columns: Columns, slot: number): void {
    const cells = this.#cells;
    const sampleMs = columns.latencySampleMs[slot]!;
    const count = cells[3]! + 1;
    const share = Math.max(SAMPLE_SHARE, 1 / count);
    cells[3] = count;
    cells[0] = cells[0]! + (sampleMs - cells[0]!) * share;
    cells[1] = cells[1]! + (sampleMs * sampleMs - cells[1]!) * share;
  }

  ended({ kind, firstByteMs, totalMs }: Outcome): void {
    if (kind !== "success") return;
    const headMs = firstByteMs ?? totalMs;
    const isStream = totalMs - headMs >= STREAM_MS && totalMs >= headMs * STREAM_RATIO;
    const cells = this.#cells;
    cells[2] = cells[2]! + ((isStream ? 1 : 0) - cells[2]!) * SAMPLE_SHARE * 8;
  }

  read(columns: Columns, candidates: Candidates, gateways: number, nowMs: number): PoolKnowledge {
    const { load } = columns;
    const step = Math.max(1, Math.ceil(candidates.size / SAMPLE_MAX));
    const latencies: number[] = [];
    const rates: number[] = [];
    let looked = 0;
    let rif = 0;
    let utilisation = 0;
    for (let index = 0; index < candidates.size; index += step) {
      const slot = candidates.at(index);
      looked++;
      if (load.inFlightStampMs[slot]! >= 0 && nowMs - load.inFlightStampMs[slot]! <= RECENT_MS) rif++;
      if (load.stampMs[slot]! >= 0 && nowMs - load.stampMs[slot]! <= UTILISATION_RECENT_MS) utilisation++;
      const rate = windowRatePerSec(columns, slot);
      if (rate < 0) continue;
      rates.push(rate);
      latencies.push(windowLatencyMs(columns, slot));
    }
    const [mean, square, streams] = this.#cells as unknown as readonly [number, number, number];
    return {
      endpoints: candidates.size,
      gateways,
      rifReported: looked === 0 ? 0 : rif / looked,
      utilisationReported: looked === 0 ? 0 : utilisation / looked,
      streams,
      // Too few measured, and their extremes would be taken for the pool's.
      spread: rates.length * 2 < looked ? 1 : Math.max(spreadOf(latencies), spreadOf(rates)),
      variation: mean > 0 ? square / (mean * mean) - 1 : 0,
    };
  }

  copy(): AutoSignals {
    const copied = new AutoSignals();
    copied.#cells.set(this.#cells);
    return copied;
  }
}

function spreadOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const low = sorted[Math.floor(sorted.length * 0.1)] ?? 0;
  const high = sorted[Math.ceil(sorted.length * 0.9) - 1] ?? 0;
  return low > 0 ? high / low : 1;
}
