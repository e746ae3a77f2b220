/**
 * Auto: ShortestDelay until something better is known to fit (auto-choice.ts), and always able to say what and why.
 *
 * A change must have been asked for ten seconds without a break, and comes at most once a minute: policies are exchanged
 * for lasting facts, not for moods, and each exchange costs what the old one had learned.
 */
import type { Factor } from "../../model/explanation.ts";
import type { Outcome } from "../../model/outcome.ts";
import type { BalancingPolicy } from "../../model/policy.ts";
import { autoChoice, type AutoChoice } from "./auto-choice.ts";
import { AutoSignals } from "./auto-signals.ts";
import type { PickFacts } from "./pick-facts.ts";
import { PickerBase, type Picker, type PickerAccount, type PickerWorld } from "./picker.ts";

const ASKED_MS = 10_000;
const KEPT_MS = 60_000;

export type MakeNamed = (policy: Exclude<BalancingPolicy, "Auto">, world: PickerWorld) => Picker;

const AT_FIRST: AutoChoice = { policy: "ShortestDelay", because: "nothing else is known yet" };

export class Auto extends PickerBase {
  readonly #world: PickerWorld;
  readonly #make: MakeNamed;
  #signals = new AutoSignals();
  #choice = AT_FIRST;
  #picker: Picker;
  /** The other policy asked for, and since when. */
  #asked: AutoChoice["policy"] | undefined = undefined;
  #askedMs = 0;
  #chosenMs = Number.NEGATIVE_INFINITY;

  constructor(world: PickerWorld, make: MakeNamed, picker: Picker = make(AT_FIRST.policy, world)) {
    super();
    this.#world = world;
    this.#make = make;
    this.#picker = picker;
  }

  choose(facts: PickFacts, nowMs: number): number {
    return this.#picker.choose(facts, nowMs);
  }

  override entered(slot: number, nowMs: number): void {
    this.#picker.entered(slot, nowMs);
  }

  override left(slot: number): void {
    this.#picker.left(slot);
  }

  override answered(slot: number, nowMs: number): void {
    this.#picker.answered(slot, nowMs);
  }

  override ended(slot: number, outcome: Outcome, nowMs: number): void {
    this.#signals.ended(outcome);
    this.#picker.ended(slot, outcome, nowMs);
  }

  override reported(slot: number, nowMs: number): void {
    this.#picker.reported(slot, nowMs);
  }

  override probesWanted(): readonly number[] {
    return this.#picker.probesWanted();
  }

  override rebalance(nowMs: number): void {
    const { columns, candidates } = this.#world;
    const known = this.#signals.read(columns, candidates, nowMs);
    const choice = autoChoice(known, this.#choice.policy);
    if (choice.policy === this.#choice.policy) {
      this.#choice = choice;
      this.#asked = undefined;
    } else if (choice.policy !== this.#asked) {
      this.#asked = choice.policy;
      this.#askedMs = nowMs;
    } else if (nowMs - this.#askedMs >= ASKED_MS && nowMs - this.#chosenMs >= KEPT_MS) {
      this.#exchange(choice, nowMs);
    }
    this.#picker.rebalance(nowMs);
  }

  override weigh(slots: readonly number[], nowMs: number, shares: Float64Array): void {
    this.#picker.weigh(slots, nowMs, shares);
  }

  override account(): PickerAccount {
    return { carriedOutBy: this.#choice, group: undefined };
  }

  shareOf(): number {
    return 1;
  }

  factors(slot: number, nowMs: number): readonly Factor[] {
    return this.#picker.factors(slot, nowMs);
  }

  copy(world: PickerWorld): Auto {
    const copied = new Auto(world, this.#make, this.#picker.copy(world));
    copied.#signals = this.#signals.copy();
    copied.#choice = this.#choice;
    copied.#asked = this.#asked;
    copied.#askedMs = this.#askedMs;
    copied.#chosenMs = this.#chosenMs;
    return copied;
  }

  #exchange(choice: AutoChoice, nowMs: number): void {
    this.#choice = choice;
    this.#asked = undefined;
    this.#chosenMs = nowMs;
    this.#picker = this.#make(choice.policy, this.#world);
    const { candidates } = this.#world;
    for (let index = 0; index < candidates.size; index++) this.#picker.entered(candidates.at(index), nowMs);
  }
}
