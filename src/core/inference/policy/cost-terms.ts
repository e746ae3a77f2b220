/**
 * The terms of the default policy's cost, each in ms of delay added to the system by sending a request to a slot.
 *
 *     wait      predicted prefill ahead of it, and by how much its head is overdue               (knowledge.ts)
 *     prefill   u tokens that are not cached there, times the requests that stand still: P * (1 + n)
 *     decode    out / 2 * (step(n) - step at rest + n * (what its stream adds to each step)) + out * rest * (pace' - 1): for half
 *               of its answer on average, until those who are there now have ended theirs
 *     pressure  tokens that do not fit / (tokens in use / twice the mean time left of them), until there is room
 *     holding   H * (pressure + H / 2) * lambda / (1 - busy), H = (tokens not cached there and half the answer) / room * its
 *               duration: the memory it takes is not there for those who come meanwhile; as followers, with the cache as the server
 *     eviction  P * (1 + n) * r / (1 - r): each token that comes in pushes one out, which is asked for again with probability r
 *               (memory-outlook.ts), and then pushes out the next
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
import { MemoryOutlook } from "./memory-outlook.ts";

/** Reading an adapter of some hundred MB into the device's memory and the first step with it. */
const ADAPTER_LOAD_MS = 200;
/** As in balance/latency-cost.ts: an error costs as much as a hundred typical answers. */
const ERROR_COST = 100;
const LATE_WEIGHT = 4;
/** Of an answer's time, that those spend there who are there when it begins: they are halfway through on average. */
const OVERLAP = 0.5;
/** Of the KV cache: how well its use is known. */
const SOFT = 0.05;

export class CostTerms {
  readonly #knowledge: Knowledge;
  readonly #outlook: MemoryOutlook;
  /** wait, prefill, decode, pressure, eviction, adapter, errors, late, followers, stalls, holding: of the last `total`. */
  readonly terms = new Float64Array(11);

  constructor(knowledge: Knowledge) {
    this.#knowledge = knowledge;
    this.#outlook = new MemoryOutlook(knowledge);
  }

  /** What another has surveyed. */
  remember(other: CostTerms): void {
    this.#outlook.remember(other.#outlook);
  }

  /** What the candidates have in common, once per decision and before `total`. */
  survey(candidates: Int32Array, count: number, nowMs: number): void {
    this.#outlook.survey(candidates, count, nowMs);
  }

  /** After `index.match`. */
  total(slot: number, request: InferenceRequest, nowMs: number): number {
    const knowledge = this.#knowledge;
    const { ledger, model, capacity } = knowledge;
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
    const slowerMs = stepMs - restMs * decodePace + streams * streamMs * decodePace;
    terms[2] = output * (slowerMs * OVERLAP + restMs * (decodePace - 1));
    const uncached = request.promptTokens - cached;
    terms[3] = streams > 0 ? this.#pressureMs(slot, uncached, stepMs) : 0;
    const heldMs = ((uncached + output / 2) * output * stepMs) / capacity.engineTokens(slot);
    terms[10] =
      (knowledge.traffic.arrivalsPerMs() / (1 - this.#outlook.busy)) * heldMs * (terms[3] + heldMs / 2);
    const again = this.#outlook.again(slot);
    terms[4] = (terms[1] * again) / (1 - again);
    const share = knowledge.traffic.prefillShare(slot, output * stepMs, nowMs);
    terms[9] = (output * stepMs * share) / (1 - share);
    terms[8] = knowledge.traffic.followersPerMs() * prefillMs * (waitMs + prefillMs / 2);
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
    this.#outlook.look(slot, nowMs);
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
      "holding",
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
  #pressureMs(slot: number, uncached: number, stepMs: number): number {
    const knowledge = this.#knowledge;
    const { ledger } = knowledge;
    const room = knowledge.capacity.engineTokens(slot);
    if (room === Number.POSITIVE_INFINITY) return 0;
    const used = knowledge.kvTokens(slot);
    const left = ledger.outputLeft[slot]!;
    const over = (used + uncached - room) / (room * SOFT);
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
