/**
 * From the samples of one page to one EngineReport.
 *
 * Which engine it is comes from the endpoint's label, or else from the page: the first engine of which a series with a count
 * or a ratio occurs is taken for good. Triton's own series stand beside those of its TensorRT-LLM backend, which go first.
 *
 * Numbers are judged, not believed: what is negative or not finite is as if not said, ratios are cut to [0, 1].
 * A prefix hit ratio that comes as two counters is that of the time between two pages, so the first page has none.
 */
import type { EngineReport } from "../../core/inference/policy/inference-policy.ts";
import type { SampleLabels } from "../../core/signals/exposition-labels.ts";
import type { WantedNames } from "../../core/signals/exposition-names.ts";
import {
  ENGINE_NAMES,
  FOLDING,
  namesOf,
  RULES_OF_NAME,
  SERIES,
  type EngineField,
  type EngineKind,
  type SeriesRule,
} from "./engine-series.ts";
import type { Extractor, Movement } from "./extractor.ts";

/** Adapters of one list that are taken note of; vLLM holds far fewer at a time (`max_loras`). */
const ADAPTERS_MAX = 256;
/** A change of less than this of the KV cache is breathing. */
const KV_MOVE_RATIO = 0.01;
/** And of less than this share of the requests, at least one of them. */
const COUNT_MOVE_RATIO = 0.1;

const ENGINES: readonly EngineKind[] = ["vllm", "sglang", "trtllm-serve", "triton-tensorrt-llm", "triton"];

interface Fold {
  sum: number;
  max: number;
  count: number;
  rank: number;
}

interface Adapters {
  readonly running: readonly number[];
  readonly waiting: readonly number[];
  readonly max: number | undefined;
}

export class EngineExtractor implements Extractor<EngineReport> {
  readonly wanted: WantedNames = ENGINE_NAMES;
  readonly #hashName: (name: string) => number;
  #engine: EngineKind | undefined;
  /** By engine and field, of this page. */
  readonly #folds = new Map<string, Fold>();
  /** Of this page: the newest series of the adapters' gauge, whose value is a time. */
  #adapters: Adapters | undefined;
  #adaptersStamp = Number.NEGATIVE_INFINITY;
  #hits: { readonly hits: number; readonly queries: number } | undefined;
  #hitRatio: number | undefined;
  #last: EngineReport | undefined;
  #movement: Movement = "idle";

  /** `hashName`: an adapter's name as requests have it in `adapter`. `engine` undefined: the page tells. */
  constructor(engine: EngineKind | undefined, hashName: (name: string) => number) {
    this.#engine = engine;
    this.#hashName = hashName;
  }

  get engine(): EngineKind | undefined {
    return this.#engine;
  }

  get movement(): Movement {
    return this.#movement;
  }

  get asked(): readonly string[] {
    return this.#engine === undefined ? [] : namesOf(this.#engine);
  }

  begin(): void {
    this.#folds.clear();
    this.#adapters = undefined;
    this.#adaptersStamp = Number.NEGATIVE_INFINITY;
  }

  sample(name: number, value: number, labels: SampleLabels): void {
    for (const index of RULES_OF_NAME[name]!) {
      const rule = SERIES[index]!;
      if (this.#engine !== undefined && rule.engine !== this.#engine) continue;
      if (rule.label !== undefined && !labels.is(rule.label[0], rule.label[1])) continue;
      if (rule.field === "adapters") this.#takeAdapters(value, labels);
      else
        this.#fold(
          rule,
          rule.fromLabel === undefined ? value : wholeNumber(labels.get(rule.fromLabel) ?? ""),
        );
    }
  }

  #fold(rule: SeriesRule, value: number): void {
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) return;
    const key = `${rule.engine} ${rule.field}`;
    const rank = rule.rank ?? 0;
    const fold = this.#folds.get(key);
    if (fold === undefined || rank > fold.rank) {
      this.#folds.set(key, { sum: value, max: value, count: 1, rank });
    } else if (rank === fold.rank) {
      fold.sum += value;
      fold.max = Math.max(fold.max, value);
      fold.count++;
    }
  }

  #takeAdapters(stamp: number, labels: SampleLabels): void {
    // Series of combinations long gone stay in the page, each with the time at which it was true.
    if (!(stamp >= this.#adaptersStamp)) return;
    this.#adaptersStamp = stamp;
    const max = wholeNumber(labels.get("max_lora") ?? "");
    this.#adapters = {
      running: this.#hashes(labels.get("running_lora_adapters") ?? ""),
      waiting: this.#hashes(labels.get("waiting_lora_adapters") ?? ""),
      max: Number.isNaN(max) ? undefined : max,
    };
  }

  #hashes(list: string): readonly number[] {
    const names = list
      .split(",", ADAPTERS_MAX)
      .map((name) => name.trim())
      .filter((name) => name !== "");
    return [...new Set(names)].map((name) => this.#hashName(name));
  }

  end(nowMs: number): EngineReport | undefined {
    this.#engine ??= ENGINES.find(
      (engine) =>
        this.#has(engine, "running") || this.#has(engine, "waiting") || this.#has(engine, "kvUsedRatio"),
    );
    const engine = this.#engine;
    if (engine === undefined || this.#folds.size === 0) return undefined;
    const kvUsedRatio = this.#value(engine, "kvUsedRatio");
    const report: EngineReport = {
      running: this.#value(engine, "running"),
      waiting: this.#value(engine, "waiting"),
      kvUsedRatio: kvUsedRatio === undefined ? undefined : Math.min(1, kvUsedRatio),
      blocksTotal: this.#value(engine, "blocksTotal"),
      blockTokens: this.#value(engine, "blockTokens"),
      prefixHitRatio: this.#prefixHitRatio(engine),
      maxSequences: this.#value(engine, "maxSequences"),
      adaptersRunning: this.#adapters?.running,
      adaptersWaiting: this.#adapters?.waiting,
      adaptersMax: this.#adapters?.max,
      asOfMs: nowMs,
    };
    this.#movement = movementOf(report, this.#last);
    this.#last = report;
    return report;
  }

  #has(engine: EngineKind, field: EngineField): boolean {
    return this.#folds.has(`${engine} ${field}`);
  }

  #value(engine: EngineKind, field: EngineField): number | undefined {
    const fold = this.#folds.get(`${engine} ${field}`);
    if (fold === undefined) return undefined;
    switch (FOLDING[field]) {
      case "sum":
        return fold.sum;
      case "mean":
        return fold.sum / fold.count;
      case "max":
        return fold.max;
    }
  }

  #prefixHitRatio(engine: EngineKind): number | undefined {
    const stated = this.#value(engine, "prefixHitRatio");
    if (stated !== undefined) return Math.min(1, stated);
    const hits = this.#value(engine, "prefixHits");
    const queries = this.#value(engine, "prefixQueries");
    if (hits === undefined || queries === undefined) return undefined;
    const before = this.#hits;
    this.#hits = { hits, queries };
    // Smaller than before: the engine has started anew.
    if (before === undefined || queries < before.queries || hits < before.hits) this.#hitRatio = undefined;
    else if (queries > before.queries) {
      this.#hitRatio = Math.min(1, (hits - before.hits) / (queries - before.queries));
    }
    return this.#hitRatio;
  }
}

function movementOf(now: EngineReport, before: EngineReport | undefined): Movement {
  if (before !== undefined && (countMoved(now, before, "running") || countMoved(now, before, "waiting"))) {
    return "moving";
  }
  if (Math.abs((now.kvUsedRatio ?? 0) - (before?.kvUsedRatio ?? now.kvUsedRatio ?? 0)) > KV_MOVE_RATIO) {
    return "moving";
  }
  return (now.running ?? 0) + (now.waiting ?? 0) > 0 ? "steady" : "idle";
}

function countMoved(now: EngineReport, before: EngineReport, field: "running" | "waiting"): boolean {
  const difference = Math.abs((now[field] ?? 0) - (before[field] ?? 0));
  return difference >= Math.max(1, COUNT_MOVE_RATIO * (before[field] ?? 0));
}

/** A number in a label (`"16"`, also `"16.0"`); NaN where it is none, as `"None"` of an engine that is starting. */
function wholeNumber(text: string): number {
  return /^\d{1,12}(?:\.0*)?$/.test(text) ? Number(text) : Number.NaN;
}
