/**
 * Conditions as the Gateway API shapes them, minus the time of transition: that belongs to whoever stores them, since
 * nothing here has a clock.
 */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
}

export function isTrue(type: string, reason: string, message: string, observedGeneration: number): Condition {
  return { type, status: "True", reason, message, observedGeneration };
}

export function isFalse(
  type: string,
  reason: string,
  message: string,
  observedGeneration: number,
): Condition {
  return { type, status: "False", reason, message, observedGeneration };
}
