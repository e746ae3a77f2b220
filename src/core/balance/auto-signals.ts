/**
 * What Auto watches, at a store or two per answer: how many answers are streams, and who reports. All as shares, so that
 * nothing depends on the scale of the service.
 */
import type { Outcome } from "../../model/outcome.ts";
import type { Columns } from "../signals/columns.ts";
import type { PoolKnowledge } from "./auto-choice.ts";
import type { Candidates } from "./candidates.ts";

/** The last hundred answers or so. */
const SAMPLE_SHARE = 1 / 128;

/** A stream goes on for a second and for ten times as long as its first byte took. */
const STREAM_MS = 1_000;
const STREAM_RATIO = 10;

/** Shares of a sample of the endpoints: exact to some percent, and no look at all of ten thousand. */
const SAMPLE_MAX = 256;

const RECENT_MS = 10_000;
const UTILISATION_RECENT_MS = 60_000;

export class AutoSignals {
  /** [share of streams]. */
  readonly #cells: Float64Array = new Float64Array(1);

  ended({ kind, firstByteMs, totalMs }: Outcome): void {
    if (kind !== "success") return;
    const headMs = firstByteMs ?? totalMs;
    const isStream = totalMs - headMs >= STREAM_MS && totalMs >= headMs * STREAM_RATIO;
    const cells = this.#cells;
    cells[0] = cells[0]! + ((isStream ? 1 : 0) - cells[0]!) * SAMPLE_SHARE;
  }

  read({ load }: Columns, candidates: Candidates, nowMs: number): PoolKnowledge {
    const step = Math.max(1, Math.ceil(candidates.size / SAMPLE_MAX));
    let looked = 0;
    let rif = 0;
    let utilisation = 0;
    for (let index = 0; index < candidates.size; index += step) {
      const slot = candidates.at(index);
      looked++;
      if (load.inFlightStampMs[slot]! >= 0 && nowMs - load.inFlightStampMs[slot]! <= RECENT_MS) rif++;
      if (load.stampMs[slot]! >= 0 && nowMs - load.stampMs[slot]! <= UTILISATION_RECENT_MS) utilisation++;
    }
    return {
      endpoints: candidates.size,
      rifReported: looked === 0 ? 0 : rif / looked,
      utilisationReported: looked === 0 ? 0 : utilisation / looked,
      streams: this.#cells[0]!,
    };
  }

  copy(): AutoSignals {
    const copied = new AutoSignals();
    copied.#cells.set(this.#cells);
    return copied;
  }
}
