/**
 * The router's own account of what is in flight on each slot: exact, for it is made of what was sent and what came back.
 *
 * Attempts without a first token stand in a queue per slot in the order they were sent, which is the order engines
 * serve prompts in; so the head is what the engine works on, and how long it has done so says how far it is, or that it
 * hangs. An answer that is not streamed shows no first token: its prompt counts as done when the time predicted for
 * it is over.
 *
 * Invariants: sums are those of the open attempts, and exactly 0 where there is none (they are set, not only
 * subtracted to, so that rounding leaves nothing behind).
 */
import { grown } from "../../signals/grown.ts";
import { DECODING, IDLE, WAITING, type Attempt } from "./attempt.ts";

export class Ledger {
  #length = 0;
  /** Requests: all, those without a first token, those with. */
  inFlight = new Int32Array(0);
  waiting = new Int32Array(0);
  decoding = new Int32Array(0);
  /** Of those that wait: prompt tokens not thought to be cached, all prompt tokens, and predicted prefill at fleet's pace [ms]. */
  waitingUncached = new Float64Array(0);
  waitingTokens = new Float64Array(0);
  waitingMs = new Float64Array(0);
  /** Of all: prompt and answer so far [tokens]; the same without what was cached; expected answer still to come. */
  context = new Float64Array(0);
  ownContext = new Float64Array(0);
  outputLeft = new Float64Array(0);
  /** Context of those that decode. */
  decodeContext = new Float64Array(0);
  /** When the slot last showed that it works on prompts, or was given the first of a row. */
  progressMs = new Float64Array(0);
  /** When it last had a prompt to work on. */
  prefillSeenMs = new Float64Array(0);
  #first: (Attempt | undefined)[] = [];
  #last: (Attempt | undefined)[] = [];

  /** The same account, with attempts of its own. */
  copy(): Ledger {
    const copied = new Ledger();
    copied.#length = this.#length;
    copied.inFlight = this.inFlight.slice();
    copied.waiting = this.waiting.slice();
    copied.decoding = this.decoding.slice();
    copied.waitingUncached = this.waitingUncached.slice();
    copied.waitingTokens = this.waitingTokens.slice();
    copied.waitingMs = this.waitingMs.slice();
    copied.context = this.context.slice();
    copied.ownContext = this.ownContext.slice();
    copied.outputLeft = this.outputLeft.slice();
    copied.decodeContext = this.decodeContext.slice();
    copied.progressMs = this.progressMs.slice();
    copied.prefillSeenMs = this.prefillSeenMs.slice();
    for (const [slot, first] of this.#first.entries()) copied.#queue(slot, first);
    return copied;
  }

  #queue(slot: number, first: Attempt | undefined): void {
    let ahead: Attempt | undefined;
    for (let each = first; each !== undefined; each = each.behind) {
      const attempt: Attempt = { ...each, ahead, behind: undefined };
      if (ahead === undefined) this.#first[slot] = attempt;
      else ahead.behind = attempt;
      ahead = attempt;
    }
    this.#last[slot] = ahead;
  }

  joined(slot: number, nowMs: number): void {
    if (slot >= this.#length) this.#grow(slot);
    this.#clear(slot);
    this.progressMs[slot] = nowMs;
    this.prefillSeenMs[slot] = nowMs;
  }

  /** The slot's longest waiting attempt. */
  head(slot: number): Attempt | undefined {
    return this.#first[slot];
  }

  /** `attempt` tells its tokens, cached ones and prefill time already. */
  sent(slot: number, attempt: Attempt, expectedOutputTokens: number, nowMs: number): void {
    if (attempt.state !== IDLE) throw new Error("an attempt was sent twice");
    attempt.state = WAITING;
    attempt.slot = slot;
    attempt.sentMs = nowMs;
    attempt.outputTokens = 0;
    attempt.outputLeft = expectedOutputTokens;
    attempt.kvTokens = attempt.promptTokens;
    const last = this.#last[slot];
    attempt.ahead = last;
    attempt.behind = undefined;
    if (last === undefined) {
      this.#first[slot] = attempt;
      this.progressMs[slot] = nowMs;
    } else last.behind = attempt;
    this.#last[slot] = attempt;
    this.inFlight[slot] = this.inFlight[slot]! + 1;
    this.waiting[slot] = this.waiting[slot]! + 1;
    const uncached = attempt.promptTokens - attempt.cachedTokens;
    this.waitingUncached[slot] = this.waitingUncached[slot]! + uncached;
    this.waitingTokens[slot] = this.waitingTokens[slot]! + attempt.promptTokens;
    this.waitingMs[slot] = this.waitingMs[slot]! + attempt.prefillMs;
    this.context[slot] = this.context[slot]! + attempt.promptTokens;
    this.ownContext[slot] = this.ownContext[slot]! + uncached;
    this.outputLeft[slot] = this.outputLeft[slot]! + expectedOutputTokens;
  }

  /** The prompt is computed: seen, or taken for so. */
  began(attempt: Attempt, nowMs: number): void {
    if (attempt.state !== WAITING) return;
    const { slot } = attempt;
    this.#unwait(attempt);
    attempt.state = DECODING;
    attempt.firstTokenMs = nowMs;
    attempt.tokensMs = nowMs;
    this.decoding[slot] = this.decoding[slot]! + 1;
    this.decodeContext[slot] = this.decodeContext[slot]! + attempt.kvTokens;
    this.progressMs[slot] = nowMs;
    this.prefillSeenMs[slot] = nowMs;
  }

  /** The answer has `total` tokens by now. */
  grew(attempt: Attempt, total: number): void {
    const more = total - attempt.outputTokens;
    if (more <= 0 || attempt.state === IDLE) return;
    const { slot } = attempt;
    attempt.outputTokens = total;
    attempt.kvTokens += more;
    this.context[slot] = this.context[slot]! + more;
    this.ownContext[slot] = this.ownContext[slot]! + more;
    if (attempt.state === DECODING) this.decodeContext[slot] = this.decodeContext[slot]! + more;
    // Whoever goes on beyond what was expected will probably go on a little more.
    const left = Math.max(attempt.outputLeft - more, total >> 3, 1);
    this.outputLeft[slot] = this.outputLeft[slot]! + left - attempt.outputLeft;
    attempt.outputLeft = left;
  }

  ended(attempt: Attempt, nowMs: number): void {
    const { slot } = attempt;
    if (attempt.state === IDLE) throw new Error("an attempt ended that was not sent");
    if (attempt.state === WAITING) {
      const wasHead = attempt.ahead === undefined;
      this.#unwait(attempt);
      if (wasHead)
        this.progressMs[slot] = Math.max(this.progressMs[slot]!, Math.min(nowMs, this.#headSentMs(slot)));
      this.prefillSeenMs[slot] = nowMs;
    } else {
      this.decoding[slot] = this.decoding[slot]! - 1;
      this.decodeContext[slot] = this.decodeContext[slot]! - attempt.kvTokens;
    }
    attempt.state = IDLE;
    attempt.slot = -1;
    this.inFlight[slot] = this.inFlight[slot]! - 1;
    this.context[slot] = this.context[slot]! - attempt.kvTokens;
    this.ownContext[slot] = this.ownContext[slot]! - (attempt.kvTokens - attempt.cachedTokens);
    this.outputLeft[slot] = this.outputLeft[slot]! - attempt.outputLeft;
    if (this.inFlight[slot] === 0) this.#clear(slot);
  }

  /** Takes prompts for computed that are not streamed and whose time is over. */
  advance(slot: number, nowMs: number): void {
    for (;;) {
      const head = this.#first[slot];
      if (head === undefined || head.streamed || nowMs - head.sentMs < head.ttftMs) return;
      this.began(head, nowMs);
    }
  }

  #unwait(attempt: Attempt): void {
    const { slot, ahead, behind } = attempt;
    if (ahead === undefined) this.#first[slot] = behind;
    else ahead.behind = behind;
    if (behind === undefined) this.#last[slot] = ahead;
    else behind.ahead = ahead;
    attempt.ahead = undefined;
    attempt.behind = undefined;
    this.waiting[slot] = this.waiting[slot]! - 1;
    if (this.waiting[slot] === 0) {
      this.waitingUncached[slot] = 0;
      this.waitingTokens[slot] = 0;
      this.waitingMs[slot] = 0;
      return;
    }
    this.waitingUncached[slot] = this.waitingUncached[slot]! - (attempt.promptTokens - attempt.cachedTokens);
    this.waitingTokens[slot] = this.waitingTokens[slot]! - attempt.promptTokens;
    this.waitingMs[slot] = this.waitingMs[slot]! - attempt.prefillMs;
  }

  #headSentMs(slot: number): number {
    return this.#first[slot]?.sentMs ?? Number.POSITIVE_INFINITY;
  }

  #clear(slot: number): void {
    this.inFlight[slot] = 0;
    this.waiting[slot] = 0;
    this.decoding[slot] = 0;
    this.waitingUncached[slot] = 0;
    this.waitingTokens[slot] = 0;
    this.waitingMs[slot] = 0;
    this.context[slot] = 0;
    this.ownContext[slot] = 0;
    this.outputLeft[slot] = 0;
    this.decodeContext[slot] = 0;
    this.#first[slot] = undefined;
    this.#last[slot] = undefined;
  }

  #grow(slot: number): void {
    let length = Math.max(16, this.#length);
    while (slot >= length) length *= 2;
    this.#length = length;
    this.inFlight = grown(this.inFlight, length);
    this.waiting = grown(this.waiting, length);
    this.decoding = grown(this.decoding, length);
    this.waitingUncached = grown(this.waitingUncached, length);
    this.waitingTokens = grown(this.waitingTokens, length);
    this.waitingMs = grown(this.waitingMs, length);
    this.context = grown(this.context, length);
    this.ownContext = grown(this.ownContext, length);
    this.outputLeft = grown(this.outputLeft, length);
    this.decodeContext = grown(this.decodeContext, length);
    this.progressMs = grown(this.progressMs, length);
    this.prefillSeenMs = grown(this.prefillSeenMs, length);
  }
}
