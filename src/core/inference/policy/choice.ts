/**
 * What a rule compared in its last choice: who came next, the scores of both, and how the choice fell.
 *
 * Written on every choice and read by whoever records decisions, so typed cells and no allocation. Scores are in the unit of the
 * rule's formula (`cost`: ms), lower wins; NaN where the rule compares nothing.
 */
import { DECISION_REASONS, type DecisionReason } from "../../../model/explanation.ts";

export const NOBODY = -1;

export const FOR_COST = codeOf("lower-cost");
export const FOR_EXPLORING = codeOf("explored");
export const FOR_BEGINNING = codeOf("alike");
export const FOR_TURN = codeOf("turn");
export const FOR_CHANCE = codeOf("random");
export const FOR_IN_FLIGHT = codeOf("fewer-in-flight");
export const FOR_KEY = codeOf("key");

function codeOf(reason: DecisionReason): number {
  return DECISION_REASONS.indexOf(reason);
}

export class Choice {
  /** [the best beside the chosen one or NOBODY, the reason's place in DECISION_REASONS]. */
  readonly cells: Int32Array = new Int32Array([NOBODY, FOR_COST]);
  /** Of the chosen one and of that other. */
  readonly scores: Float64Array = new Float64Array([Number.NaN, Number.NaN]);
  /** Of all, by index among the candidates: the rule's own array, good until its next choice. Undefined: it has none. */
  all: Float64Array | undefined = undefined;

  get other(): number {
    return this.cells[0]!;
  }

  get reason(): number {
    return this.cells[1]!;
  }

  /** Nothing was compared. */
  single(reason: number): void {
    const { cells, scores } = this;
    cells[0] = NOBODY;
    cells[1] = reason;
    scores[0] = Number.NaN;
    scores[1] = Number.NaN;
    this.all = undefined;
  }

  /** `chosen`: its index among the candidates. */
  among(candidates: Int32Array, all: Float64Array, count: number, chosen: number, reason: number): void {
    let other = NOBODY;
    for (let i = 0; i < count; i++)
      if (i !== chosen && (other === NOBODY || all[i]! < all[other]!)) other = i;
    const { cells, scores } = this;
    cells[0] = other === NOBODY ? NOBODY : candidates[other]!;
    cells[1] = reason;
    scores[0] = all[chosen]!;
    scores[1] = other === NOBODY ? Number.NaN : all[other]!;
    this.all = all;
  }
}
