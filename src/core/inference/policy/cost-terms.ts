/**
 * The terms of the default policy's cost, each in ms of delay added to the system by sending a request to a slot.
 *
 *     wait      predicted prefill ahead of it, and by how much its head is overdue               (knowledge.ts)
 *     prefill   u tokens that are not cached there, times the requests that stand still: P * (1 + n)
 *     decode    out * (step(n + 1) - step at rest) + out * n * (what its stream adds to each step)
 *     pressure  tokens that do not fit / (tokens in use / twice the mean time left of them), until there is room
 *     eviction  prefill * r / (1 - r), where the cache is full: each token that comes in pushes one out, which is asked for
 *               again with probability r, the share of prompts found in caches, and then pushes out the next
 *     adapter   ADAPTER_LOAD_MS where it is not loaded, twice that where another must go for it
 *     errors    error ratio * ERROR_COST * (its typical prefill and the mean wait of a request)
 *     stalls    out * step * s / (1 - s), s the share of the slot's time that goes to prompts meanwhile
 *     followers P * (wait + P / 2) * lambda / (1 - rho): those who come while the queue drains, after Hyytia, Penttinen and Aalto
 *               (2012): what a job of known size adds to a first-come queue
 *     late      LATE_WEIGHT * (time to first token beyond the target), and the same for the time between tokens
 */
import type { Factor } from "../../../model/explanation.ts";
import type { InferenceRequest } from "./inference-policy.ts";
import type { Knowledge } from "./knowledge.ts";

/** Reading an adapter of some hundred MB into the device's memory and the first step with it. */
const ADAPTER_LOAD_MS = 200;
/** As in balance/latency-cost.ts: an error costs as much as a hundred typical answers. */
const ERROR_COST = 100;
const LATE_WEIGHT = 4;
const REUSE_RATE = 0.02;
/** Of the answers still to come, what will be there at the same time as this request's prompt. */
const GROWTH = 0.25;
/** Share of the KV cache in use above which what comes in pushes out what is kept, whatever the index thinks of its size. */
const FULL = 0.85;
const REUSE_MAX = 0.9;
/** Of the KV cache: how well its use is known. */
const SOFT = 0.05;

export class CostTerms {
  readonly #knowledge: Knowledge;
  /** Fading share of prompt tokens that are found in caches somewhere. */
  readonly #reuse = new Float64Array(1);
  /** wait, prefill, decode, pressure, eviction, adapter, errors, late, followers, stalls: of the last `total`. */
  readonly terms = new Float64Array(10);

  constructor(knowledge: Knowledge) {
    this.#knowledge = knowledge;
  }

  /** What another has seen. */
  remember(other: CostTerms): void {
    this.#reuse.set(other.#reuse);
  }

  /** How much of the prompt is found on whoever has most of it: `tokens`. Once per decision. */
  found(request: InferenceRequest, tokens: number): void {
    const share = request.promptTokens === 0 ? 0 : Math.min(1, tokens / request.promptTokens);
    this.#reuse[0] = this.#reuse[0]! + REUSE_RATE * (share - this.#reuse[0]!);
  }

  /** After `index.match`. */
  total(slot: number, request: InferenceRequest, nowMs: number): number {
    const knowledge = this.#knowledge;
    const { ledger, model, index, capacity } = knowledge;
    const { terms } = this;
    const cached = knowledge.cachedTokens(slot, request);
    const prefillMs = knowledge.prefillMs(slot, request, cached, nowMs);
    const streams = knowledge.streams(slot, nowMs);
    const waitMs = knowledge.waitMs(slot, nowMs);
    const output = request.expectedOutputTokens;
    const context = request.promptTokens + output / 2;
    const decodePace = model.decodePace(slot, nowMs);
    const streamMs = model.streamMs(context);
    const restMs = model.stepMs(0, 0);
    const stepMs = model.stepMs(streams, ledger.context[slot]!) * decodePace;
    terms[0] = waitMs;
    terms[1] = prefillMs * (1 + streams);
    terms[2] = output * (stepMs - restMs + streams * streamMs * decodePace);
    const roomTokens = capacity.engineTokens(slot);
    const used = knowledge.kvTokens(slot);
    const share = knowledge.prefillShare(slot, output * stepMs, nowMs);
    terms[9] = (output * stepMs * share) / (1 - share);
    terms[3] = streams > 0 ? this.#pressureMs(slot, request.promptTokens - cached, used, stepMs) : 0;
    terms[4] = 0;
    if (index.isFull(slot) || used > roomTokens * FULL) {
      const again = Math.min(REUSE_MAX, this.#reuse[0]!);
      terms[4] = (terms[1] * again) / (1 - again);
    }
    terms[8] = knowledge.followersPerMs() * prefillMs * (waitMs + prefillMs / 2);
    terms[5] = request.adapter === 0 ? 0 : this.#adapterMs(slot, request.adapter);
    const errors = knowledge.errorRatio(slot, nowMs);
    terms[6] = errors === 0 ? 0 : errors * ERROR_COST * (knowledge.typicalPrefillMs + restMs * 10);
    terms[7] = 0;
    if (request.ttftTargetMs > 0) {
      const lateMs = waitMs + prefillMs + stepMs * model.beginSteps - request.ttftTargetMs;
      if (lateMs > 0) terms[7] = LATE_WEIGHT * lateMs;
    }
    if (request.tpotTargetMs > 0) {
      const lateMs = stepMs + streamMs * decodePace - request.tpotTargetMs;
      if (lateMs > 0) terms[7] = terms[7] + LATE_WEIGHT * lateMs * output;
    }
    let sum = 0;
    for (let i = 0; i < terms.length; i++) sum += terms[i]!;
    return sum;
  }

  explain(slot: number, request: InferenceRequest, nowMs: number): readonly Factor[] {
    const total = this.total(slot, request, nowMs);
    const knowledge = this.#knowledge;
    const names = [
      "wait",
      "prefill",
      "decode",
      "pressure",
      "eviction",
      "adapter",
      "errors",
      "late",
      "followers",
      "stalls",
    ];
    return [
      { name: "cost", value: total, unit: "ms" },
      ...names.map((name, i) => ({ name, value: this.terms[i]!, unit: "ms" })),
      { name: "cachedTokens", value: knowledge.cachedTokens(slot, request), unit: "tokens" },
      { name: "inFlight", value: knowledge.ledger.inFlight[slot]!, unit: "requests" },
      { name: "prefillPace", value: knowledge.model.prefillPace(slot, nowMs), unit: "" },
      { name: "decodePace", value: knowledge.model.decodePace(slot, nowMs), unit: "" },
      {
        name: "ttft",
        value: knowledge.ttftMs(slot, request, knowledge.cachedTokens(slot, request), nowMs),
        unit: "ms",
      },
    ];
  }

  /** Until there is room in the KV cache. */
  #pressureMs(slot: number, uncached: number, used: number, stepMs: number): number {
    const knowledge = this.#knowledge;
    const { ledger } = knowledge;
    const room = knowledge.capacity.engineTokens(slot);
    if (room === Number.POSITIVE_INFINITY) return 0;
    const left = ledger.outputLeft[slot]!;
    const over = (used + uncached + left * GROWTH - room) / (room * SOFT);
    // Smooth, for what is in use is not known that well: a softplus.
    const excess = room * SOFT * (over > 20 ? over : Math.log1p(Math.exp(over)));
    const leftMs = (left / Math.max(1, ledger.inFlight[slot]!)) * stepMs;
    return (excess / Math.max(1, used)) * 2 * leftMs;
  }

  #adapterMs(slot: number, adapter: number): number {
    const { reports } = this.#knowledge;
    const loaded = reports.adapters[slot]!;
    for (let i = 0; i < loaded.length; i++) if (loaded[i] === adapter) return 0;
    const most = reports.adaptersMax[slot]!;
    return most > 0 && loaded.length >= most ? ADAPTER_LOAD_MS * 2 : ADAPTER_LOAD_MS;
  }
}
