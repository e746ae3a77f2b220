/**
 * For the tests of the inference simulation: settings with everything ordinary, and policies that watch what they are told.
 */
import type {
  BlockHashes,
  EngineReport,
  InferenceEnd,
  InferencePolicy,
  InferenceRequest,
} from "../../../src/core/inference/policy/inference-policy.ts";
import { H100_8B } from "../../../src/sim/engine/profiles.ts";
import type { InferenceSetting } from "../../../src/sim/inference/run-inference.ts";
import { repeat, type Workload, type WorkloadRequest } from "../../../src/sim/inference/workload/workload.ts";

export const ORDINARY: Omit<InferenceSetting, "workload" | "ratePerSec" | "policy"> = {
  seed: 1,
  gateways: 1,
  signals: { scrapeEveryMs: 100, scrapeDelayMs: 5, cacheEvents: undefined },
  faults: [],
  dispatchMs: 0.5,
  patienceMs: Number.POSITIVE_INFINITY,
  stopBelow: 0,
  stopwatch: undefined,
};

/** One request every 100 ms: 640 tokens in, 20 out, nothing shared. */
export function steady(count: number, engines: number): Workload {
  const requests = Array.from({ length: count }, (_, index): WorkloadRequest => ({
    atMs: 100 * index,
    after: -1,
    thinkMs: 0,
    promptTokens: 640,
    outputTokens: 20,
    hashes: Int32Array.from({ length: 10 }, (_item, block) => 1 + index * 10 + block),
    session: 0,
    tenant: 0,
    counts: true,
  }));
  return {
    name: "steady",
    title: "steady",
    requests,
    nominalRatePerSec: 10,
    blockTokens: 64,
    fleet: repeat(H100_8B, engines),
    rateMin: 1,
    rateMax: 1000,
    referenceRate: 10,
  };
}

/** By turns; writes down what it is told, and what should not have been. */
export class Spy implements InferencePolicy {
  readonly faults: string[] = [];
  readonly reports: (EngineReport & { readonly slot: number; readonly atMs: number })[] = [];
  readonly cached = new Map<number, Set<number>>();
  readonly ends = new Map<string, number>();
  readonly chosen: number[] = [];
  clears = 0;
  notes = 0;
  readonly #open = new Map<InferenceRequest, { slot: number; tokens: number }>();
  readonly #joined = new Set<number>();
  #turn = 0;
  #nowMs = 0;

  get open(): number {
    return this.#open.size;
  }

  choose(_request: InferenceRequest, candidates: Int32Array, count: number, nowMs: number): number {
    this.#at(nowMs);
    const slot = candidates[this.#turn++ % count]!;
    if (!this.#joined.has(slot)) this.faults.push(`${slot} never joined`);
    return slot;
  }

  sent(slot: number, request: InferenceRequest, nowMs: number): void {
    this.#at(nowMs);
    if (this.#open.has(request)) this.faults.push("sent while open");
    this.chosen.push(slot);
    this.#open.set(request, { slot, tokens: 0 });
  }

  firstToken(slot: number, request: InferenceRequest, nowMs: number): void {
    this.#at(nowMs);
    const state = this.#open.get(request);
    if (state?.slot !== slot || state.tokens !== 0) this.faults.push("first token out of place");
    else state.tokens = 1;
  }

  tokens(slot: number, request: InferenceRequest, total: number, nowMs: number): void {
    this.#at(nowMs);
    this.notes++;
    const state = this.#open.get(request);
    if (state?.slot !== slot || total <= state.tokens) this.faults.push("tokens out of place");
    else state.tokens = total;
  }

  ended(slot: number, request: InferenceRequest, end: InferenceEnd, nowMs: number): void {
    this.#at(nowMs);
    const state = this.#open.get(request);
    if (state?.slot !== slot) this.faults.push("ended out of place");
    if (end.kind === "success" && state?.tokens === 0) this.faults.push("ended before its first token");
    this.#open.delete(request);
    this.ends.set(end.kind, (this.ends.get(end.kind) ?? 0) + 1);
  }

  reported(slot: number, report: EngineReport, nowMs: number): void {
    this.#at(nowMs);
    this.reports.push({ ...report, slot, atMs: nowMs });
  }

  cacheStored(slot: number, { hashes, count }: BlockHashes): void {
    const cached = this.cached.get(slot)!;
    for (let index = 0; index < count; index++) cached.add(hashes[index]!);
  }

  cacheRemoved(slot: number, { hashes, count }: BlockHashes): void {
    const cached = this.cached.get(slot)!;
    for (let index = 0; index < count; index++) cached.delete(hashes[index]!);
  }

  cacheCleared(slot: number): void {
    this.clears++;
    this.cached.get(slot)!.clear();
  }

  joined(slot: number): void {
    this.#joined.add(slot);
    this.cached.set(slot, new Set());
  }

  left(): void {}

  factors(): readonly never[] {
    return [];
  }

  #at(nowMs: number): void {
    if (nowMs < this.#nowMs) this.faults.push("time went back");
    this.#nowMs = nowMs;
  }
}
