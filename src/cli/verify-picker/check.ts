/**
 * A check: one named question to an endpoint picker, the test of the suite it belongs to and the rule of the protocol it holds.
 *
 * The rules and tests are those of docs/verify-picker.md. A check that finds a fault throws `Fault`; one that cannot be asked of this
 * picker, as it was told, throws `Skip` with what is missing. Anything else that is thrown is a defect of ours and is told as such.
 */
import type { RuleNumber } from "./fault.ts";
import type { Stand } from "./stand.ts";

export interface Check {
  readonly name: string;
  /** 1 to 15. */
  readonly test: number;
  readonly rule: RuleNumber;
  readonly title: string;
  /** What is worth knowing although it is no fault, if anything. */
  readonly run: (stand: Stand) => Promise<string | void>;
}
