/**
 * Prompts that are prefilled at one endpoint and decoded at another (llm-d's roles): beside the attempt at the decoding endpoint, a
 * claim on one that does prefill only, named to the decoding one in a header that its sidecar understands.
 *
 * Invariant: the claim is settled exactly once: when the first token shows that the prefill is done, or with its attempt.
 */
import type { LivePool } from "../../../app/live-pool.ts";
import { newAttempt } from "../../../core/inference/policy/attempt.ts";
import type { InferenceRequest } from "../../../core/inference/policy/inference-policy.ts";
import type { OutcomeKind } from "../../../model/outcome.ts";
import type { Ticket } from "../../../model/verdict.ts";

export const PREFILLER_HEADER = "x-prefiller-host-port";

/** Shorter prompts are prefilled where they are decoded: moving their cache costs more than making it. */
const PREFILL_TOKENS_MIN = 256;

export class Prefill {
  readonly #pool: LivePool;
  readonly #ticket: Ticket;
  #open = true;

  private constructor(pool: LivePool, ticket: Ticket) {
    this.#pool = pool;
    this.#ticket = ticket;
  }

  /** Undefined: the prompt is prefilled where it is decoded. */
  static begin(pool: LivePool, prompt: InferenceRequest, nowMs: number): Prefill | undefined {
    const { servers } = pool.brain;
    if (!servers.hasPrefillers || prompt.promptTokens < PREFILL_TOKENS_MIN) return undefined;
    const only = { ...prompt, expectedOutputTokens: 0, streamed: false, attempt: newAttempt() };
    const verdict = pool.brain.pick({ tried: [], prompt: only, stage: "prefill" }, nowMs);
    if (verdict.kind === "refuse") return undefined;
    const prefill = new Prefill(pool, verdict.ticket);
    if (servers.isPrefiller(verdict.ticket.slot)) return prefill;
    // None of those that prefill may serve now.
    prefill.end("cancelled", nowMs);
    return undefined;
  }

  /** `address:port`. */
  get endpointKey(): string {
    return this.#ticket.endpoint.key;
  }

  /** Harmless a second time. */
  end(kind: OutcomeKind, nowMs: number): void {
    if (!this.#open) return;
    this.#open = false;
    const totalMs = nowMs - this.#ticket.pickedMs;
    const firstByteMs = kind === "success" ? totalMs : undefined;
    const status = kind === "success" ? 200 : 0;
    this.#pool.brain.settle(this.#ticket, { kind, status, firstByteMs, totalMs }, nowMs);
  }
}
