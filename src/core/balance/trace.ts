/**
 * What the last decision compared: written by pickers on every choice, read by the record of recent decisions.
 *
 * Typed cells rather than a result, so that it costs a few stores and no allocation. Scores are what was compared, lower
 * wins; NaN where nothing was. Of more than two the best and the next best are kept, and how many they were; who they all
 * were is told only to those who ask for the reasons.
 */
import { DECISION_REASONS, type DecisionReason } from "../../model/explanation.ts";
import { NONE } from "./two-choices.ts";

const BY_NONE = codeOf("none");
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
  /** [first, second, reason, how many were compared]. */
  readonly cells: Int32Array = new Int32Array([NONE, NONE, BY_NONE, 0]);
  readonly scores: Float64Array = new Float64Array([Number.NaN, Number.NaN]);
  /** Gets the slots of all that were compared where they are more than two. Undefined: nobody asks. */
  readonly scan: number[] | undefined;
  /** Where somebody asks: scores in the order of `scan`, from policies that tell all of them. */
  readonly scanScores: number[] = [];

  constructor(scan?: number[]) {
    this.scan = scan;
  }

  get first(): number {
    return this.cells[0]!;
  }

  get second(): number {
    return this.cells[1]!;
  }

  get reason(): number {
    return this.cells[2]!;
  }

  /** With each other, the first and the second among them; 0: nobody was. */
  get compared(): number {
    return this.cells[3]!;
  }

  /** One slot, no comparison. */
  single(slot: number, reason: number): void {
    const { cells, scores } = this;
    cells[0] = slot;
    cells[1] = NONE;
    cells[2] = reason;
    cells[3] = 0;
    scores[0] = Number.NaN;
    scores[1] = Number.NaN;
  }

  /** Two slots, the best two of `compared`; their scores are in `scores` already. */
  pair(first: number, second: number, reason: number, compared = 2): void {
    const { cells } = this;
    cells[0] = first;
    cells[1] = second;
    cells[2] = reason;
    cells[3] = second === NONE ? 0 : compared;
  }
}
