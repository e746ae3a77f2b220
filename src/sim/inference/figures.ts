/**
 * What a run tells in figures: over requests that count and arrived after the warm-up and before the tail.
 */
import type { Call } from "./call.ts";
import { meets } from "./goodput.ts";
import type { InferenceRun } from "./run-inference.ts";
import { isCounted } from "./workload/workload.ts";

export interface Quantiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

export interface InferenceFigures {
  readonly requests: number;
  /** Share of requests served well. */
  readonly goodput: number;
  /** Requests that ended in anything but an answer. */
  readonly lost: number;
  readonly ttftMs: Quantiles;
  readonly tpotMs: Quantiles;
  readonly latencyMs: Quantiles;
  /** Share of prompt tokens found in the engines' caches. */
  readonly hitShare: number;
  /** Busiest engine's time in steps over the mean. */
  readonly busyMaxOverMean: number;
  readonly busyMean: number;
  readonly preemptions: number;
  readonly triesPerRequest: number;
  /** Wall time of choose and sent, of the first gateway; 0 where it was not measured. */
  readonly decisionUs: { readonly p50: number; readonly p99: number };
}

export function figuresOf(run: InferenceRun): InferenceFigures {
  const calls = run.calls.filter(
    ({ id, work, end }) => isCounted(work, id, run.calls.length) && end !== "open",
  );
  const reference = run.setting.workload.fleet[0]!;
  const done = calls.filter(({ end }) => end === "done");
  const busy = run.hosts.map(({ engine }) => engine.totals.busyMs);
  const busyMean = mean(busy);
  const { decisionsUs } = run.gateways[0]!;
  return {
    requests: calls.length,
    goodput: share(calls, (call) => meets(call, reference)),
    lost: calls.length - done.length,
    ttftMs: quantiles(calls.map(({ ttftMs }) => ttftMs)),
    tpotMs: quantiles(done.map(({ tpotMs }) => tpotMs)),
    latencyMs: quantiles(calls.map(({ latencyMs }) => latencyMs)),
    hitShare:
      sum(done.map(({ cachedTokens }) => cachedTokens)) /
      Math.max(1, sum(done.map(({ work }) => work.promptTokens))),
    busyMaxOverMean: Math.max(...busy) / Math.max(1e-9, busyMean),
    busyMean: busyMean / run.endMs,
    preemptions: sum(run.hosts.map(({ engine }) => engine.totals.preemptions)),
    triesPerRequest: mean(calls.map(({ tries }) => tries)),
    decisionUs: { p50: decisionsUs.quantile(0.5), p99: decisionsUs.quantile(0.99) },
  };
}

function share(calls: readonly Call[], isIn: (call: Call) => boolean): number {
  return calls.length === 0 ? 0 : calls.filter(isIn).length / calls.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : sum(values) / values.length;
}

/** By nearest rank; Infinity where so many have no value. */
export function quantiles(values: readonly number[]): Quantiles {
  const sorted = Float64Array.from(values).toSorted();
  const at = (q: number): number => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}
