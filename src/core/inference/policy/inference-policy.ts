/**
 * What a policy for language-model requests is to those who drive it: it chooses an endpoint for a request, and is told
 * all that happens to the request afterwards, so that it can keep its own account of the work in flight.
 *
 * A policy never decides who may serve: it is handed the candidates and answers one of them. Its account rests on what
 * it was told by the data path (`sent`, `firstToken`, `tokens`, `ended`); what engines report of themselves comes late
 * and may be wrong, so it only adds to that.
 *
 * Synchronous; no clock and no chance of its own. Times are milliseconds since process start, monotonic over all calls.
 * Slots are small integers, stable while an endpoint lives. Invariants: `joined` before anything else about a slot and
 * `left` after the last `ended`; `ended` exactly once for every `sent`; `firstToken` at most once between them.
 */
import type { Factor } from "../../../model/explanation.ts";
import type { PromptBlocks } from "../../../model/inference-facts.ts";
import type { OutcomeKind } from "../../../model/outcome.ts";
import type { Prng } from "../../../std/prng.ts";
import type { Attempt } from "./attempt.ts";
import type { Choice } from "./choice.ts";

/** The chained hashes of a prompt's blocks, as `PromptBlocks` of model/inference-facts.ts has them. */
export type BlockHashes = Pick<PromptBlocks, "hashes" | "count">;

/** One request; the caller makes it once, and it must stay as it is while in flight. Tokens are counts, 0 or more. */
export interface InferenceRequest {
  /** Estimated length of the prompt. */
  readonly promptTokens: number;
  readonly blocks: BlockHashes;
  /** May have a fraction, where it is estimated from bytes. */
  readonly tokensPerBlock: number;
  /** How long the answer will probably be. */
  readonly expectedOutputTokens: number;
  /** What the client allows; 0: not said. */
  readonly maxOutputTokens: number;
  /** The answer comes token by token; otherwise `firstToken` comes with the end and says nothing of its own. */
  readonly streamed: boolean;
  /** Hash of the session; 0: none. */
  readonly session: number;
  /** Hash of who pays; 0: not known. */
  readonly tenant: number;
  /** Higher is more important; 0: ordinary. */
  readonly priority: number;
  /** Hash of the adapter's name; 0: the base model. */
  readonly adapter: number;
  /** Wanted time to the first token; 0: none given. */
  readonly ttftTargetMs: number;
  /** Wanted mean time between tokens; 0: none given. */
  readonly tpotTargetMs: number;
  /** The policy's own notes on the one attempt that may be open at a time: give it `newAttempt()` and leave it alone. */
  readonly attempt: Attempt;
}

/** How an attempt ended; counts as the endpoint reported them, undefined where it did not. */
export interface InferenceEnd {
  readonly kind: OutcomeKind;
  readonly promptTokens: number | undefined;
  /** Prompt tokens the engine found in its prefix cache. */
  readonly cachedTokens: number | undefined;
  readonly outputTokens: number | undefined;
}

/** What an engine says of itself; undefined: not reported. */
export interface EngineReport {
  readonly running: number | undefined;
  readonly waiting: number | undefined;
  /** Share of the KV cache in use by running requests, 0 to 1. */
  readonly kvUsedRatio: number | undefined;
  readonly blocksTotal: number | undefined;
  /** Tokens per block of the engine, which need not be the router's. */
  readonly blockTokens: number | undefined;
  /** Share of queried prefix tokens that were hits, 0 to 1. */
  readonly prefixHitRatio: number | undefined;
  readonly maxSequences: number | undefined;
  /** Hashes of adapter names; undefined: not reported. */
  readonly adaptersRunning: readonly number[] | undefined;
  readonly adaptersWaiting: readonly number[] | undefined;
  readonly adaptersMax: number | undefined;
  /** When this was true. */
  readonly asOfMs: number;
}

/** What is known of an endpoint before its first request; undefined: not known. */
export interface EngineProfile {
  /** Prefill time of one uncached token in a long prompt. */
  readonly prefillMsPerToken?: number | undefined;
  /** Time of one decode step with few streams. */
  readonly stepMs?: number | undefined;
  /** Tokens that fit in the KV cache. */
  readonly kvTokens?: number | undefined;
  /** Hash of the endpoint's identity, equal on all gateways; left out: the slot. */
  readonly identity?: number | undefined;
}

export interface InferencePolicy {
  /** One of the first `count` of `candidates`; `count` is at least 1. Claims nothing. */
  choose(request: InferenceRequest, candidates: Int32Array, count: number, nowMs: number): number;
  sent(slot: number, request: InferenceRequest, nowMs: number): void;
  firstToken(slot: number, request: InferenceRequest, nowMs: number): void;
  /** `total`: output tokens so far, the first included. As often as the caller likes. */
  tokens(slot: number, request: InferenceRequest, total: number, nowMs: number): void;
  ended(slot: number, request: InferenceRequest, end: InferenceEnd, nowMs: number): void;

  reported(slot: number, report: EngineReport, nowMs: number): void;
  /** The engine's cache events; hashes as in `InferenceRequest.blocks`, so translated by whoever reads the events. */
  cacheStored(slot: number, hashes: BlockHashes, nowMs: number): void;
  cacheRemoved(slot: number, hashes: BlockHashes, nowMs: number): void;
  cacheCleared(slot: number, nowMs: number): void;

  joined(slot: number, profile: EngineProfile | undefined, nowMs: number): void;
  left(slot: number): void;

  /** What the request would cost there and why, for people. Allocates. */
  factors(slot: number, request: InferenceRequest, nowMs: number): readonly Factor[];
}

/** As much of a policy as decides, and says why. */
export interface AskedPolicy extends Pick<InferencePolicy, "choose" | "factors"> {
  /** Of the last `choose`. */
  readonly choice: Choice;
}

/** A policy that can be asked for its reasons. */
export interface TellingPolicy extends InferencePolicy, AskedPolicy {
  /** Leading blocks of the prompt that the slot's cache is thought to hold. */
  cachedBlocks(slot: number, blocks: BlockHashes): number;
  /**
   * What decides as this one would now, were its generator `prng`. Asking it moves nothing here; it is good until this policy is told
   * of something. Its factors are those of the choice. Allocates.
   */
  shadow(prng: Prng): AskedPolicy;
}

/** What a policy is given to work with. */
export interface InferenceWorld {
  readonly prng: Prng;
  /** Blocks the prefix index may remember, over all endpoints together. */
  readonly indexBlocksMax: number;
}

export const DEFAULT_INDEX_BLOCKS_MAX = 1 << 20;
