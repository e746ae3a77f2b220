/**
 * The record of recent decisions: enough of each to say later why it fell as it did, at the price of a few stores.
 *
 * A ring of typed arrays; the endpoints themselves are kept by reference, so that the record can name one that has
 * left since, which is when people ask. A decision's number is its place: number modulo capacity. Until the capacity is
 * DECISIONS_KEPT the ring does not come round: it grows first, and every number keeps its place.
 *
 * Invariant: `numbers[i]` is the number of the decision recorded at i, or 0 for none; numbers count from 1 and begin again
 * after NUMBER_MAX, so that a number never needs a box.
 */
import type { Endpoint } from "../../model/endpoint.ts";
import { DECISION_REASONS, type RecordedDecision, type RecordedPrompt } from "../../model/explanation.ts";
import type { Attempt } from "../inference/policy/attempt.ts";
import { grown } from "../signals/grown.ts";
import type { Members } from "./members.ts";
import type { Trace } from "./trace.ts";
import { NONE } from "./two-choices.ts";

/** About 300 KB; two seconds of a busy pool, a minute of a common one. A power of two. */
export const DECISIONS_KEPT = 4096;

/** Most of a thousand pools decide little: the record begins with this and doubles as decisions come. A power of two. */
const DECISIONS_FIRST = 64;

const NO_PROMPT = -1;

const NUMBER_MAX = 2 ** 30 - 1;

export class RecentDecisions {
  #capacity = DECISIONS_FIRST;
  #numbers = new Int32Array(DECISIONS_FIRST);
  #atMs = new Float64Array(DECISIONS_FIRST);
  #tried = new Int32Array(DECISIONS_FIRST);
  #reasons = new Uint8Array(DECISIONS_FIRST);
  #compared = new Int32Array(DECISIONS_FIRST);
  #scores = new Float64Array(DECISIONS_FIRST * 2);
  readonly #chosen: (Endpoint | undefined)[] = nobody(DECISIONS_FIRST);
  readonly #first: (Endpoint | undefined)[] = nobody(DECISIONS_FIRST);
  readonly #second: (Endpoint | undefined)[] = nobody(DECISIONS_FIRST);
  /** Of a prompt: its tokens, those of them thought to be cached there, and the time to the first [ms]; -1: it was none. */
  #prompts = new Float32Array(DECISIONS_FIRST * 3);
  #last = 0;

  /** The number given to the decision. */
  note(chosen: Endpoint, trace: Trace, members: Members, tried: number, nowMs: number): number {
    const number = this.#last === NUMBER_MAX ? 1 : this.#last + 1;
    this.#last = number;
    if (number === this.#capacity && number < DECISIONS_KEPT) this.#grow();
    const at = number & (this.#capacity - 1);
    const { first, second } = trace;
    this.#numbers[at] = number;
    this.#atMs[at] = nowMs;
    this.#tried[at] = tried;
    this.#reasons[at] = trace.reason;
    this.#compared[at] = trace.compared;
    this.#scores[at * 2] = trace.scores[0]!;
    this.#scores[at * 2 + 1] = trace.scores[1]!;
    this.#prompts[at * 3] = NO_PROMPT;
    this.#chosen[at] = chosen;
    this.#first[at] = first === NONE ? undefined : members.endpointAt(first);
    this.#second[at] = second === NONE ? undefined : members.endpointAt(second);
    return number;
  }

  /** What the decision's prompt was expected to cost where it has just been sent. */
  notePrompt(number: number, attempt: Attempt): void {
    const at = (number & (this.#capacity - 1)) * 3;
    this.#prompts[at] = attempt.promptTokens;
    this.#prompts[at + 1] = attempt.cachedTokens;
    this.#prompts[at + 2] = attempt.ttftMs;
  }

  /** Undefined: never made, or overwritten since. */
  find(number: number): RecordedDecision | undefined {
    const at = number & (this.#capacity - 1);
    if (number < 1 || this.#numbers[at] !== number) return undefined;
    return {
      id: number,
      atMs: this.#atMs[at]!,
      tried: this.#tried[at]!,
      chosen: this.#chosen[at]!.key,
      reason: DECISION_REASONS[this.#reasons[at]!] ?? "none",
      considered: [
        ...looked(this.#first[at], this.#scores[at * 2]!),
        ...looked(this.#second[at], this.#scores[at * 2 + 1]!),
      ],
      compared: this.#compared[at]!,
      prompt: this.#promptAt(at),
    };
  }

  #promptAt(at: number): RecordedPrompt | undefined {
    const [promptTokens, cachedTokens, ttftMs] = this.#prompts.subarray(at * 3, at * 3 + 3);
    if (promptTokens === NO_PROMPT) return undefined;
    return { promptTokens: promptTokens!, cachedTokens: cachedTokens!, ttftMs: ttftMs! };
  }

  /** Newest first. */
  newest(count: number): readonly RecordedDecision[] {
    const found: RecordedDecision[] = [];
    for (let number = this.#last; found.length < count; number--) {
      const decision = this.find(number);
      if (decision === undefined) break;
      found.push(decision);
    }
    return found;
  }

  #grow(): void {
    const more = this.#capacity;
    const capacity = more * 2;
    this.#numbers = grown(this.#numbers, capacity);
    this.#atMs = grown(this.#atMs, capacity);
    this.#tried = grown(this.#tried, capacity);
    this.#reasons = grown(this.#reasons, capacity);
    this.#compared = grown(this.#compared, capacity);
    this.#scores = grown(this.#scores, capacity * 2);
    this.#prompts = grown(this.#prompts, capacity * 3);
    for (const list of [this.#chosen, this.#first, this.#second]) list.push(...nobody(more));
    this.#capacity = capacity;
  }
}

function nobody(count: number): (Endpoint | undefined)[] {
  return Array.from({ length: count }, () => undefined);
}

function looked(endpoint: Endpoint | undefined, score: number): RecordedDecision["considered"] {
  if (endpoint === undefined) return [];
  return [{ key: endpoint.key, score: Number.isNaN(score) ? undefined : score }];
}
