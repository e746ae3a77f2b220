/**
 * Which of a rule's weighted backends a request goes to.
 *
 * Weights are shares of their sum (Gateway API BackendRef.weight): 0 gets nothing, and where nothing has weight there
 * is no answer. The caller brings the chance, so the same draw always gives the same backend.
 */
export interface Weighted {
  readonly weight: number;
}

/** `draw` is in [0, 1). Undefined where no backend has any weight. */
export function splitBackend<B extends Weighted>(backends: readonly B[], draw: number): B | undefined {
  let total = 0;
  for (const backend of backends) total += backend.weight;
  let left = draw * total;
  let last: B | undefined;
  for (const backend of backends) {
    if (backend.weight <= 0) continue;
    last = backend;
    left -= backend.weight;
    if (left < 0) return backend;
  }
  // Only rounding at the very top of the range comes here with a backend in hand.
  return last;
}
