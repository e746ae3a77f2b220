/**
 * LeastTokens: the endpoint with the fewest tokens in flight, prompts and expected answers together, whatever its
 * cache holds.
 *
 *     score = sum over its requests in flight of (prompt + answer so far + answer to come)        [tokens]
 *
 * The simplest policy that knows that requests differ in size.
 */
import { Scored } from "./scored.ts";

export class LeastTokens extends Scored {
  score(slot: number): number {
    const { ledger } = this.knowledge;
    return ledger.context[slot]! + ledger.outputLeft[slot]!;
  }
}
