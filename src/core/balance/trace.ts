/**
 * What the last decision looked at: written by pickers on every choice, read by the record of recent decisions.
 *
 * Typed cells rather than a result, so that it costs a few stores and no allocation. Scores are what was compared, lower
 * wins; NaN where nothing was.
 */
import { DECISION_REASONS, type DecisionReason } from "../../model/explanation.ts";
import { NONE } from "./two-choices.ts";

export const BY_NONE = codeOf("none");
export const BY_ONLY = codeOf("only-candidate");
export const BY_TURN = codeOf("turn");
export const BY_CHANCE = codeOf("random");
export const BY_IN_FLIGHT = codeOf("fewer-in-flight");
export const BY_COST = codeOf("lower-cost");
export const BY_EXPLORING = codeOf("explored");
export const BY_KEY = codeOf("key");
export const BY_KEY_MOVED = codeOf("key-moved");
export const BY_COLD = codeOf("cold-fastest");
export const BY_ALL_HOT = codeOf("all-hot");
export const BY_FEW_PROBES = codeOf("few-probes");
export const BY_TRIAL = codeOf("trial");
export const BY_CARRIER = codeOf("moved");

function codeOf(reason: DecisionReason): number {
  return DECISION_REASONS.indexOf(reason);
}

export class Trace {
  /** [first, second, reason]. */
  readonly cells: Int32Array = new Int32Array([NONE, NONE, BY_NONE]);
  readonly scores: Float64Array = new Float64Array([Number.NaN, Number.NaN]);

  get first(): number {
    return this.cells[0]!;
  }

  get second(): number {
    return this.cells[1]!;
  }

  get reason(): number {
    return this.cells[2]!;
  }

  /** One slot, no comparison. */
  single(slot: number, reason: number): void {
    const { cells, scores } = this;
    cells[0] = slot;
    cells[1] = NONE;
    cells[2] = reason;
    scores[0] = Number.NaN;
    scores[1] = Number.NaN;
  }

  /** Two slots; their scores are in `scores` already. */
  pair(first: number, second: number, reason: number): void {
    const { cells } = this;
    cells[0] = first;
    cells[1] = second;
    cells[2] = reason;
  }
}
