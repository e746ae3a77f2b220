/**
 * Rules that know nothing of language models: in turn, at random, fewest requests in flight, the better of two.
 */
import type { Factor } from "../../../model/explanation.ts";
import type { Prng } from "../../../std/prng.ts";
import { Choice, FOR_CHANCE, FOR_IN_FLIGHT, FOR_TURN } from "./choice.ts";
import type { InferenceRequest } from "./inference-policy.ts";
import type { Knowledge } from "./knowledge.ts";
import type { Rule } from "./rule.ts";
import { Scored } from "./scored.ts";

abstract class Plain implements Rule {
  protected readonly knowledge: Knowledge;
  protected readonly prng: Prng;
  readonly choice: Choice = new Choice();

  constructor(knowledge: Knowledge, prng: Prng, reason: number) {
    this.knowledge = knowledge;
    this.prng = prng;
    this.choice.single(reason);
  }

  abstract choose(request: InferenceRequest, candidates: Int32Array, count: number): number;

  factors(slot: number): readonly Factor[] {
    return [{ name: "inFlight", value: this.knowledge.ledger.inFlight[slot]!, unit: "requests" }];
  }
}

/** The next in the order of slots, from a random beginning. */
export class InTurn extends Plain {
  #last = -1;

  constructor(knowledge: Knowledge, prng: Prng) {
    super(knowledge, prng, FOR_TURN);
  }

  copy(knowledge: Knowledge, prng: Prng): InTurn {
    const copied = new InTurn(knowledge, prng);
    copied.#last = this.#last;
    return copied;
  }

  choose(_request: InferenceRequest, candidates: Int32Array, count: number): number {
    if (this.#last < 0) this.#last = candidates[this.prng.below(count)]!;
    let lowest = candidates[0]!;
    let next = -1;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i]!;
      if (slot < lowest) lowest = slot;
      if (slot > this.#last && (next < 0 || slot < next)) next = slot;
    }
    this.#last = next < 0 ? lowest : next;
    return this.#last;
  }
}

export class AtRandom extends Plain {
  constructor(knowledge: Knowledge, prng: Prng) {
    super(knowledge, prng, FOR_CHANCE);
  }

  choose(_request: InferenceRequest, candidates: Int32Array, count: number): number {
    return candidates[this.prng.below(count)]!;
  }
}

/** Of all, not of two. */
export class FewestInFlight extends Scored {
  score(slot: number): number {
    return this.knowledge.ledger.inFlight[slot]!;
  }
}

/** Of two drawn at random, the one with fewer in flight. */
export class BetterOfTwo extends Plain {
  constructor(knowledge: Knowledge, prng: Prng) {
    super(knowledge, prng, FOR_IN_FLIGHT);
  }

  choose(_request: InferenceRequest, candidates: Int32Array, count: number): number {
    const first = candidates[this.prng.below(count)]!;
    if (count === 1) return first;
    const { inFlight } = this.knowledge.ledger;
    let second = candidates[this.prng.below(count - 1)]!;
    if (second === first) second = candidates[count - 1]!;
    const chosen = inFlight[second]! < inFlight[first]! ? second : first;
    const other = chosen === first ? second : first;
    const { cells, scores } = this.choice;
    cells[0] = other;
    scores[0] = inFlight[chosen]!;
    scores[1] = inFlight[other]!;
    return chosen;
  }
}
