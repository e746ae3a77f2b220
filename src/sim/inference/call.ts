/**
 * One request on its way through a simulated gateway: what the client asked, what the gateway believes of it, and what became of it.
 */
import { newAttempt } from "../../core/inference/policy/attempt.ts";
import type { BlockHashes, InferenceRequest } from "../../core/inference/policy/inference-policy.ts";
import type { EngineRequest } from "../engine/sequence.ts";
import type { WorkloadRequest } from "./workload/workload.ts";

export type CallEnd =
  | "open"
  | "done"
  /** The stream broke after its first token. */
  | "truncated"
  /** No endpoint took it, or all attempts broke. */
  | "failed"
  /** The client left before the first token. */
  | "abandoned";

export class Call implements InferenceRequest, EngineRequest {
  readonly id: number;
  readonly work: WorkloadRequest;
  readonly gateway: number;

  // What the engine takes.
  readonly outputTokens: number;
  readonly hashes: ArrayLike<number>;

  // What the gateway believes. Sizes are estimates: a gateway reads bytes, not tokens.
  readonly promptTokens: number;
  readonly blocks: BlockHashes;
  readonly tokensPerBlock: number;
  expectedOutputTokens = 0;
  readonly maxOutputTokens = 0;
  readonly streamed = true;
  readonly session: number;
  readonly tenant: number;
  readonly priority = 0;
  readonly adapter = 0;
  readonly ttftTargetMs = 0;
  readonly tpotTargetMs = 0;
  readonly attempt = newAttempt();

  // What happens.
  arrivedMs = -1;
  slot = -1;
  tries = 0;
  firstMs = -1;
  endedMs = -1;
  end: CallEnd = "open";
  generated = 0;
  cachedTokens = 0;
  /** It is known whether it was served well. */
  isJudged = false;

  constructor(
    id: number,
    work: WorkloadRequest,
    gateway: number,
    estimate: { readonly ratio: number; readonly blockTokens: number; readonly blocks: BlockHashes },
  ) {
    this.id = id;
    this.work = work;
    this.gateway = gateway;
    this.outputTokens = work.outputTokens;
    this.hashes = work.hashes;
    this.promptTokens = Math.max(1, Math.round(work.promptTokens * estimate.ratio));
    this.blocks = estimate.blocks;
    this.tokensPerBlock = estimate.blockTokens * estimate.ratio;
    this.session = work.session;
    this.tenant = work.tenant;
  }

  /** Milliseconds from arrival to the first token; Infinity where none came. */
  get ttftMs(): number {
    return this.firstMs < 0 ? Number.POSITIVE_INFINITY : this.firstMs - this.arrivedMs;
  }

  /** Mean time between tokens; 0 for an answer of one. */
  get tpotMs(): number {
    return this.generated <= 1 ? 0 : (this.endedMs - this.firstMs) / (this.generated - 1);
  }

  get latencyMs(): number {
    return this.end === "done" ? this.endedMs - this.arrivedMs : Number.POSITIVE_INFINITY;
  }
}
