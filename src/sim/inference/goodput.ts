/**
 * Whether a request was served well: first token within one second and twice the time its prompt would take alone on an idle
 * engine without a cache, and from then on at most 50 ms a token in the mean.
 */
import { prefillMs } from "../engine/kernel-times.ts";
import type { EngineProfile } from "../engine/profiles.ts";
import type { Call } from "./call.ts";

export const TTFT_BASE_MS = 1000;
export const TTFT_PREFILLS = 2;
export const TPOT_MAX_MS = 50;

/** A running count, so that a run that is lost can end early. */
export interface Judgement {
  /** Requests that have been judged, of `total`. */
  counted: number;
  failed: number;
  readonly total: number;
}

export function ttftLimitMs(promptTokens: number, { kernels, hostMs, stepTokensMax }: EngineProfile): number {
  return TTFT_BASE_MS + TTFT_PREFILLS * prefillMs(kernels, hostMs, promptTokens, stepTokensMax);
}

/** Its first token came too late: whatever follows, it will not count as good. */
export function isLate(call: Call, reference: EngineProfile): boolean {
  return call.ttftMs > ttftLimitMs(call.work.promptTokens, reference);
}

/** `reference`: the machine the limit is made for. */
export function meets(call: Call, reference: EngineProfile): boolean {
  return call.end === "done" && call.tpotMs <= TPOT_MAX_MS && !isLate(call, reference);
}
