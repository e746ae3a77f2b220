/**
 * The ten rules, and how a check ends otherwise than well: with a fault, or because it cannot be asked of this picker.
 */

/** What each rule asks for, by number; the order is that of the document. */
export const RULES = {
  1: "gRPC method and transport",
  2: "body modes and when to reply",
  3: "the destination goes out twice, and overrules what a client sent",
  4: "values of headers",
  5: "one endpoint",
  6: "replies in full duplex: order, form, size, one end",
  7: "content-length",
  8: "subsets, and the statuses of refusals",
  9: "half-closed and reset streams",
  10: "health",
} as const;

export type RuleNumber = keyof typeof RULES;

export class Fault extends Error {
  /** Where another rule is broken than the check's own. */
  readonly rule: RuleNumber | undefined;

  constructor(message: string, rule?: RuleNumber) {
    super(message);
    this.rule = rule;
  }
}

export class Skip extends Error {}

export function mustHold(condition: boolean, otherwise: string, rule?: RuleNumber): asserts condition {
  if (!condition) throw new Fault(otherwise, rule);
}
