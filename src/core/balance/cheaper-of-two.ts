/**
 * Sampler and scorer: of two candidates drawn by weight, the one where the next request costs less (latency-cost.ts).
 *
 * PeakEwma is this and nothing else; others fall back on it where they have nothing better to go by.
 */
import { cheaperOf } from "./latency-cost.ts";
import type { PickerWorld } from "./picker.ts";
import { BY_ONLY } from "./trace.ts";
import { NONE, type TwoChoices } from "./two-choices.ts";

/** `reason`: why the comparison decides, for the trace. */
export function cheaperOfTwo(
  { candidates, columns, trace }: PickerWorld,
  choices: TwoChoices,
  tried: readonly number[],
  nowMs: number,
  reason: number,
): number {
  choices.draw(tried);
  const { first, second } = choices;
  if (second === NONE) {
    trace.single(first, BY_ONLY);
    return first;
  }
  trace.pair(first, second, reason);
  return cheaperOf(columns, first, second, candidates.size, nowMs, trace.scores);
}
