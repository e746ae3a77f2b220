/**
 * A policy's notes on one attempt of a request: where it went, what was expected of it and how far it has come.
 *
 * One object per request, used again by its next attempt, so that nothing is allocated per event. Attempts that have
 * not given a first token yet stand in a queue per slot (ledger.ts), linked through `ahead` and `behind`.
 */
export const IDLE = 0;
export const WAITING = 1;
export const DECODING = 2;

export interface Attempt {
  /** IDLE, WAITING or DECODING. */
  state: number;
  /** Where it is in flight; -1 while IDLE. */
  slot: number;
  sentMs: number;
  firstTokenMs: number;
  /** Of the last `tokens`, or of the first token. */
  tokensMs: number;
  outputTokens: number;
  /** Prompt tokens as charged to the slot, and those of them thought to be cached there. */
  promptTokens: number;
  cachedTokens: number;
  /** Prefill time as predicted when sent. */
  prefillMs: number;
  /** Time to the first token as predicted when sent, with what engines report and by the own account alone. */
  ttftMs: number;
  ownTtftMs: number;
  /** Tokens charged to the slot's KV cache: prompt and answer so far; and what is expected to come. */
  kvTokens: number;
  outputLeft: number;
  /** Leading blocks that the index held for the slot when it was sent. */
  matchedBlocks: number;
  /** Blocks the index learned of since the last matched one was used there; below 0: nothing matched. */
  reuseDistance: number;
  ahead: Attempt | undefined;
  behind: Attempt | undefined;
  /** For how the request is read by the ledger while it waits. */
  streamed: boolean;
}

export function newAttempt(): Attempt {
  return {
    state: IDLE,
    slot: -1,
    sentMs: 0.5,
    firstTokenMs: 0.5,
    tokensMs: 0.5,
    outputTokens: 0,
    promptTokens: 0,
    cachedTokens: 0,
    prefillMs: 0.5,
    ttftMs: 0.5,
    ownTtftMs: 0.5,
    kvTokens: 0,
    outputLeft: 0,
    matchedBlocks: 0,
    reuseDistance: -1,
    ahead: undefined,
    behind: undefined,
    streamed: true,
  };
}
