/**
 * All that is known of the endpoints, kept up to date by what happens: own account, prefix index, step model, reports.
 *
 * It joins these and decides nothing; rules (one file each) read it. What it derives itself:
 *
 *     cached(slot)  = min(leading blocks held * tokens per block, prompt - 1) * trust                      [tokens]
 *     wait(slot)    = prefill of those that wait there - what the head has had of its + how far it is overdue      [ms]
 *
 * The head is overdue when it has had its time and half as much again without a first token: then it may take as
 * long once more as it is late. That is all that is needed against an engine that hangs, is out of memory for the
 * cache, or is slower than ever before: its wait grows by a second each second until it answers.
 */
import { isFailure } from "../../../model/outcome.ts";
import { grown } from "../../signals/grown.ts";
import { StepModel } from "../estimate/step-model.ts";
import { CapacityEstimate } from "../prefix/capacity-estimate.ts";
import { PrefixIndex } from "../prefix/prefix-index.ts";
import { DECODING, WAITING } from "./attempt.ts";
import { EngineReports } from "./engine-reports.ts";
import type {
  BlockHashes,
  EngineProfile,
  EngineReport,
  InferenceEnd,
  InferenceRequest,
} from "./inference-policy.ts";
import { Ledger } from "./ledger.ts";
import { Traffic } from "./traffic.ts";

const ERROR_RATE = 0.2;
const ERROR_HALF_MS = 10_000;
/** Lateness that is no sign of anything yet. */
const LATE_MS = 100;
const TYPICAL_RATE = 0.02;
/** Above this share of the KV cache prompts may wait for room, and their time says nothing of prefill. */
const TIGHT = 0.85;

export class Knowledge {
  ledger: Ledger = new Ledger();
  readonly index: PrefixIndex;
  readonly model = new StepModel();
  readonly reports = new EngineReports();
  readonly capacity = new CapacityEstimate();
  readonly traffic = new Traffic();
  /** Hash of the endpoint, the same on all gateways. */
  identity = new Int32Array(16);
  #errorRatio = new Float64Array(16);
  #errorStampMs = new Float64Array(16);
  /** Fading means over requests: tokens per block; prefill [ms]; prompt; answer. */
  readonly #typical = Float64Array.of(64, 100, 1000, 256);

  constructor(indexBlocksMax: number) {
    this.index = new PrefixIndex(indexBlocksMax);
  }

  /** Runs what asks and does not tell: all that asking moves is forgotten afterwards. */
  aside<T>(ask: () => T): T {
    const { ledger } = this;
    this.ledger = ledger.copy();
    try {
      return ask();
    } finally {
      this.ledger = ledger;
    }
  }

  /** Tokens in use in the slot's KV cache once all that waits there is in: as reported, within what the own account allows. */
  kvTokens(slot: number): number {
    const { ledger, reports } = this;
    const least = ledger.ownContext[slot]!;
    const ratio = reports.kvUsedRatio[slot]!;
    const room = this.capacity.engineTokens(slot);
    if (ratio < 0 || room === Number.POSITIVE_INFINITY) return least;
    const told = ratio * room + ledger.waitingUncached[slot]!;
    return Math.min(Math.max(told, least), ledger.context[slot]! + room * ratio * this.#foreignShare(slot));
  }

  /**
   * How long the slot's cache keeps what is not used [ms]: the age of the oldest it keeps, and no longer than what is not in use now
   * lasts for what comes in.
   */
  keepsMs(slot: number, nowMs: number): number {
    const free = Math.max(0, this.capacity.engineTokens(slot) - this.kvTokens(slot));
    const inflow = this.traffic.tokensPerMs(slot, nowMs);
    return Math.min(this.index.keepsMs(slot), inflow > 0 ? free / inflow : Number.POSITIVE_INFINITY);
  }

  /** Of a request's own prefill, lately, at fleet's pace. */
  get typicalPrefillMs(): number {
    return this.#typical[1]!;
  }

  get typicalPromptTokens(): number {
    return this.#typical[2]!;
  }

  get typicalOutputTokens(): number {
    return this.#typical[3]!;
  }

  /** After `index.match`. */
  cachedTokens(slot: number, request: InferenceRequest): number {
    return this.#cachedOf(slot, request, this.index.depths[slot]!);
  }

  /** Prefill at the slot's pace, should `cached` tokens be there. */
  prefillMs(slot: number, request: InferenceRequest, cached: number, nowMs: number): number {
    const work = this.model.prefillWorkMs(request.promptTokens - cached, cached);
    return work * this.model.prefillPace(slot, nowMs);
  }

  /** Streams there, others' included. */
  streams(slot: number, nowMs: number): number {
    return this.ledger.inFlight[slot]! + this.reports.foreignRunning(slot, nowMs);
  }

  /** One decode step as it is now. */
  stepMs(slot: number, nowMs: number): number {
    const { ledger } = this;
    const foreign = this.reports.foreignRunning(slot, nowMs);
    const context = ledger.decodeContext[slot]! + foreign * this.typicalPromptTokens;
    return this.model.stepMs(ledger.decoding[slot]! + foreign, context) * this.model.decodePace(slot, nowMs);
  }

  /** Until the slot would begin with another prompt, by the own account. */
  ownWaitMs(slot: number, nowMs: number): number {
    const { ledger } = this;
    ledger.advance(slot, nowMs);
    const head = ledger.head(slot);
    if (head === undefined) return 0;
    const pace = this.model.prefillPace(slot, nowMs);
    const headMs = head.prefillMs * pace;
    const allMs = ledger.waitingMs[slot]! * pace;
    const hadMs = nowMs - Math.max(ledger.progressMs[slot]!, head.sentMs);
    const wholeMs = headMs + this.stepMs(slot, nowMs) * this.model.beginSteps;
    const lateMs = hadMs - wholeMs * 1.5 - LATE_MS;
    return Math.max(0, allMs - Math.min(headMs, hadMs)) + Math.max(0, lateMs);
  }

  /** The same with those that others have queued there. */
  waitMs(slot: number, nowMs: number): number {
    const foreign = this.reports.foreignWaiting(slot, nowMs);
    const ownMs = this.ownWaitMs(slot, nowMs);
    if (foreign === 0) return ownMs;
    return ownMs + foreign * this.typicalPrefillMs * this.model.prefillPace(slot, nowMs);
  }

  /** Time to the first token, queue, prefill and the steps around it. */
  ttftMs(slot: number, request: InferenceRequest, cached: number, nowMs: number): number {
    const beginMs = this.stepMs(slot, nowMs) * this.model.beginSteps;
    return this.waitMs(slot, nowMs) + this.prefillMs(slot, request, cached, nowMs) + beginMs;
  }

  /** Recent share of attempts that failed there, in [0, 1]. */
  errorRatio(slot: number, nowMs: number): number {
    const ratio = this.#errorRatio[slot]!;
    return ratio === 0 ? 0 : ratio * 2 ** ((this.#errorStampMs[slot]! - nowMs) / ERROR_HALF_MS);
  }

  sent(slot: number, request: InferenceRequest, nowMs: number): void {
    const { attempt, blocks } = request;
    const { index, model, ledger } = this;
    model.settle(slot, nowMs);
    const depth = index.depthOf(slot, blocks);
    attempt.matchedBlocks = depth;
    index.at(nowMs);
    attempt.reuseDistance = index.hit(slot, blocks, depth);
    attempt.streamed = request.streamed;
    attempt.promptTokens = request.promptTokens;
    attempt.cachedTokens = this.#cachedOf(slot, request, depth);
    const uncached = request.promptTokens - attempt.cachedTokens;
    attempt.prefillMs = model.prefillWorkMs(uncached, attempt.cachedTokens);
    const pacedMs = attempt.prefillMs * model.prefillPace(slot, nowMs);
    const beginMs = this.stepMs(slot, nowMs) * model.beginSteps;
    attempt.ownTtftMs = this.ownWaitMs(slot, nowMs) + pacedMs + beginMs;
    attempt.ttftMs = this.waitMs(slot, nowMs) + pacedMs + beginMs;
    ledger.sent(slot, attempt, request.expectedOutputTokens, nowMs);
    index.used(slot, blocks);
    this.traffic.sent(slot, attempt.prefillMs, pacedMs, uncached + request.expectedOutputTokens, nowMs);
    const typical = this.#typical;
    if (blocks.count > 0) typical[0] = request.tokensPerBlock;
    typical[1] = typical[1]! + TYPICAL_RATE * (attempt.prefillMs - typical[1]!);
    typical[2] = typical[2]! + TYPICAL_RATE * (request.promptTokens - typical[2]!);
  }

  firstToken(slot: number, request: InferenceRequest, nowMs: number): void {
    const { attempt } = request;
    const { ledger, model } = this;
    const isTight = this.kvTokens(slot) > TIGHT * this.capacity.engineTokens(slot);
    if (attempt.state === WAITING && attempt.streamed && !isTight) {
      const uncached = attempt.promptTokens - attempt.cachedTokens;
      model.firstToken(slot, attempt.sentMs, uncached, attempt.cachedTokens, this.stepMs(slot, nowMs), nowMs);
      this.reports.judge(slot, nowMs - attempt.sentMs, attempt.ownTtftMs, attempt.ttftMs);
    }
    ledger.began(attempt, nowMs);
    if (attempt.outputTokens === 0) ledger.grew(attempt, 1);
  }

  tokens(slot: number, request: InferenceRequest, total: number, nowMs: number): void {
    const { attempt } = request;
    const { ledger, model } = this;
    model.settle(slot, nowMs);
    const steps = total - attempt.outputTokens;
    // Only where no prompt came between: then the time is the decode's alone.
    if (ledger.waiting[slot] !== 0) ledger.prefillSeenMs[slot] = nowMs;
    else if (attempt.state === DECODING && attempt.streamed && ledger.prefillSeenMs[slot]! < attempt.tokensMs)
      model.decoded(
        slot,
        steps,
        nowMs - attempt.tokensMs,
        ledger.decoding[slot]!,
        ledger.decodeContext[slot]!,
        nowMs,
      );
    attempt.tokensMs = nowMs;
    ledger.grew(attempt, total);
  }

  ended(slot: number, request: InferenceRequest, end: InferenceEnd, nowMs: number): void {
    const { attempt, blocks } = request;
    const { ledger, index, capacity } = this;
    const began = attempt.state === DECODING;
    const output = end.outputTokens ?? attempt.outputTokens;
    const promised = attempt.matchedBlocks * request.tokensPerBlock;
    const distance = attempt.reuseDistance;
    ledger.ended(attempt, nowMs);
    index.at(nowMs);
    const isError = isFailure(end.kind);
    this.#learnError(slot, isError, nowMs);
    // What was not computed is not in the cache.
    if (!began && isError) index.removed(slot, blocks, attempt.matchedBlocks);
    // Free again, and so youngest, is what it used.
    else index.used(slot, blocks);
    if (end.kind !== "success") return;
    const typical = this.#typical;
    typical[3] = typical[3]! + TYPICAL_RATE * (output - typical[3]!);
    capacity.filled(
      slot,
      Math.max(0, request.promptTokens - (end.cachedTokens ?? attempt.cachedTokens)),
      output,
    );
    if (end.cachedTokens !== undefined && blocks.count > 0) {
      const most = Math.min(promised, (end.promptTokens ?? request.promptTokens) - 1);
      // An engine rounds down to blocks of its own.
      const cached = end.cachedTokens + request.tokensPerBlock;
      capacity.learn(
        slot,
        most - request.tokensPerBlock,
        cached,
        distance,
        index.held(slot),
        request.tokensPerBlock,
      );
      if (end.cachedTokens === 0 && capacity.isReset(slot)) {
        index.cleared(slot);
        index.used(slot, blocks);
      }
    }
    this.#fit(slot);
  }

  reported(slot: number, report: EngineReport): void {
    this.reports.take(slot, report, this.ledger.inFlight[slot]!);
    if (report.blocksTotal !== undefined && report.blockTokens !== undefined)
      this.capacity.stated(slot, report.blocksTotal * report.blockTokens);
    this.#fit(slot);
  }

  cacheStored(slot: number, hashes: BlockHashes): void {
    this.index.used(slot, hashes);
  }

  cacheRemoved(slot: number, hashes: BlockHashes): void {
    this.index.mayHaveGaps(slot);
    this.index.removed(slot, hashes);
  }

  cacheCleared(slot: number): void {
    this.index.cleared(slot);
  }

  joined(slot: number, profile: EngineProfile | undefined, nowMs: number): void {
    if (slot >= this.identity.length) this.#grow(slot);
    this.identity[slot] = (profile?.identity ?? slot + 1) | 0;
    this.#errorRatio[slot] = 0;
    this.traffic.joined(slot, nowMs);
    this.ledger.joined(slot, nowMs);
    this.index.joined(slot);
    this.model.joined(slot, nowMs);
    this.reports.joined(slot);
    this.capacity.joined(slot, profile?.kvTokens);
    this.#fit(slot);
  }

  left(slot: number): void {
    this.traffic.left();
    this.index.left(slot);
  }

  /** Of what runs there. */
  #foreignShare(slot: number): number {
    const running = this.reports.running[slot]!;
    return running > this.ledger.inFlight[slot]! ? 1 - this.ledger.inFlight[slot]! / running : 0;
  }

  #cachedOf(slot: number, request: InferenceRequest, depth: number): number {
    if (depth === 0) return 0;
    // The last token is always computed: it gives the first of the answer.
    const held = Math.min(depth * request.tokensPerBlock, Math.max(0, request.promptTokens - 1));
    return held * this.capacity.trust(slot);
  }

  #learnError(slot: number, isError: boolean, nowMs: number): void {
    const ratio = this.errorRatio(slot, nowMs);
    if (ratio === 0 && !isError) return;
    this.#errorRatio[slot] = ratio + ERROR_RATE * ((isError ? 1 : 0) - ratio);
    this.#errorStampMs[slot] = nowMs;
  }

  /** Lets the index hold what the engine has room for; small changes wait. */
  #fit(slot: number): void {
    const blocks = this.capacity.blocks(slot, this.#typical[0]!);
    const before = this.index.capacity(slot);
    if (blocks < before * 0.98 || blocks > before * 1.02) this.index.setCapacity(slot, blocks);
  }

  #grow(slot: number): void {
    let length = this.identity.length;
    while (slot >= length) length *= 2;
    this.identity = grown(this.identity, length);
    this.#errorRatio = grown(this.#errorRatio, length);
    this.#errorStampMs = grown(this.#errorStampMs, length);
  }
}
