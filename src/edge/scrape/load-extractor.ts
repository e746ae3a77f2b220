/**
 * From the samples of one page to a LoadReport (model/load-report.ts), for balancing by resources.
 *
 * A table says which series is which field and in what unit. Shares (`ratio`, `percent`) are averaged over their samples;
 * `seconds` are a counter of busy seconds, summed, which becomes a share of `capacity` between two pages; `used` is an amount,
 * summed, over `capacity`. One page may speak of many endpoints (an exporter per node): `only` keeps the samples
 * whose labels say that they are meant.
 *
 * Source of GPU_SERIES: NVIDIA's dcgm-exporter, default counters; its samples carry `pod` and `namespace` where it runs
 * in Kubernetes.
 */
import type { SampleLabels } from "../../core/signals/exposition-labels.ts";
import { WantedNames } from "../../core/signals/exposition-names.ts";
import type { LoadReport } from "../../model/load-report.ts";
import type { Extractor, Movement } from "./extractor.ts";

export type LoadField = "cpu" | "memory" | "network" | "disk" | "gpu" | "application";

export interface LoadSeries {
  readonly name: string;
  readonly field: LoadField;
  readonly unit: "ratio" | "percent" | "seconds" | "used";
  /** For `seconds`: processors; for `used`: as much as there is, in the series' own unit. */
  readonly capacity?: number;
  /** Goes before another series of the same field, if it occurs in the page. */
  readonly preferred?: boolean;
}

export const GPU_SERIES: readonly LoadSeries[] = [
  // How much of the graphics engine's time was busy: finer than "a kernel ran", which the second says.
  { name: "DCGM_FI_PROF_GR_ENGINE_ACTIVE", field: "gpu", unit: "ratio", preferred: true },
  { name: "DCGM_FI_DEV_GPU_UTIL", field: "gpu", unit: "percent" },
];

/** What the Prometheus client libraries say of any process they are in. `limits`: what it may use. */
export function processSeries(limits: {
  readonly processors: number;
  readonly memoryBytes: number;
}): readonly LoadSeries[] {
  return [
    { name: "process_cpu_seconds_total", field: "cpu", unit: "seconds", capacity: limits.processors },
    { name: "process_resident_memory_bytes", field: "memory", unit: "used", capacity: limits.memoryBytes },
  ];
}

export interface LoadExtractorOptions {
  readonly series: readonly LoadSeries[];
  /** Labels and their values that a sample must have to be counted; none: all samples are. */
  readonly only?: Readonly<Record<string, string>>;
}

/** A share that moves by less has not moved. */
const MOVE_RATIO = 0.05;
/** Below this nothing is being done. */
const IDLE_RATIO = 0.02;

interface Tally {
  sum: number;
  count: number;
}

export class LoadExtractor implements Extractor<LoadReport> {
  readonly wanted: WantedNames;
  readonly asked: readonly string[];
  readonly #series: readonly LoadSeries[];
  readonly #only: readonly (readonly [string, string])[];
  readonly #tallies: readonly Tally[];
  /** By series, of counters: the sum on the page before; NaN: none. */
  readonly #before: Float64Array;
  #beforeMs = 0;
  #shares = new Map<LoadField, number>();
  #movement: Movement = "idle";

  constructor({ series, only = {} }: LoadExtractorOptions) {
    this.#series = series;
    this.#only = Object.entries(only);
    this.wanted = new WantedNames(series.map(({ name }) => name));
    this.asked = this.wanted.names;
    this.#tallies = series.map(() => ({ sum: 0, count: 0 }));
    this.#before = new Float64Array(series.length).fill(Number.NaN);
  }

  get movement(): Movement {
    return this.#movement;
  }

  begin(): void {
    for (const tally of this.#tallies) tally.sum = tally.count = 0;
  }

  sample(name: number, value: number, labels: SampleLabels): void {
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) return;
    if (!this.#only.every(([label, wanted]) => labels.is(label, wanted))) return;
    const tally = this.#tallies[name]!;
    tally.sum += value;
    tally.count++;
  }

  end(nowMs: number): LoadReport | undefined {
    const shares = new Map<LoadField, number>();
    for (const [index, series] of this.#series.entries()) {
      const share = this.#share(series, index, nowMs);
      if (share === undefined || (shares.has(series.field) && series.preferred !== true)) continue;
      shares.set(series.field, share);
    }
    this.#beforeMs = nowMs;
    this.#movement = movementOf(shares, this.#shares);
    this.#shares = shares;
    return shares.size === 0 ? undefined : Object.fromEntries(shares);
  }

  #share(series: LoadSeries, index: number, nowMs: number): number | undefined {
    const { sum, count } = this.#tallies[index]!;
    const before = this.#before[index]!;
    if (series.unit === "seconds") this.#before[index] = count === 0 ? Number.NaN : sum;
    if (count === 0) return undefined;
    switch (series.unit) {
      case "ratio":
        return sum / count;
      case "percent":
        return sum / count / 100;
      case "used":
        return (series.capacity ?? 0) > 0 ? sum / series.capacity! : undefined;
      case "seconds": {
        const elapsedSec = (nowMs - this.#beforeMs) / 1000;
        // A counter that went back is that of another process.
        if (!(sum >= before) || elapsedSec <= 0 || !((series.capacity ?? 0) > 0)) return undefined;
        return (sum - before) / elapsedSec / series.capacity!;
      }
    }
  }
}

function movementOf(now: ReadonlyMap<LoadField, number>, before: ReadonlyMap<LoadField, number>): Movement {
  let isBusy = false;
  for (const [field, share] of now) {
    if (Math.abs(share - (before.get(field) ?? share)) > MOVE_RATIO) return "moving";
    if (share > IDLE_RATIO && field !== "memory" && field !== "disk") isBusy = true;
  }
  return isBusy ? "steady" : "idle";
}
