/**
 * The policy in its seat: makes the picker that the configuration asks for, keeps it while that stays the same,
 * and sees to it that its slower work is done.
 *
 * Whoever runs the pool ticks `rebalance` about once a second; should ticks stay out, a pick does it after 2 s, so a
 * forgotten tick costs a hiccup and nothing worse.
 */
import { DEFAULT_BALANCING_OPTIONS, type BalancingOptions } from "../../model/balancing.ts";
import type { BalancingPolicy, PoolPolicy } from "../../model/policy.ts";
import { copyPrng, type Prng } from "../../std/prng.ts";
import { copyColumns, DRAINING, READY, type Columns } from "../signals/columns.ts";
import type { PromptWorld } from "../inference/model-servers.ts";
import { createPicker } from "./create-picker.ts";
import type { Eligible } from "./eligible.ts";
import type { Members } from "./members.ts";
import type { PickFacts } from "./pick-facts.ts";
import type { Picker, PickerWorld } from "./picker.ts";
import { Grouped, type Division } from "./grouped.ts";
import { SlotSet } from "./slot-set.ts";
import { Trace } from "./trace.ts";

const TICK_OVERDUE_MS = 2_000;

export interface ChooserSetting {
  readonly columns: Columns;
  readonly eligible: Eligible;
  readonly members: Members;
  readonly prng: Prng;
  /** Where this gateway runs; undefined: not known, and no zone is preferred. */
  readonly localZone: string | undefined;
  readonly inference: () => PromptWorld | undefined;
}

export class Chooser {
  readonly trace = new Trace();
  readonly #setting: ChooserSetting;
  #policy: BalancingPolicy = "Auto";
  #options: BalancingOptions = DEFAULT_BALANCING_OPTIONS;
  #limit = Number.POSITIVE_INFINITY;
  /** Undefined: the pool is not divided. */
  #division: Division | undefined = undefined;
  #picker: Picker;
  /** One cell: when a pick does the tick's work itself. */
  readonly #overdueMs = new Float64Array([Number.NEGATIVE_INFINITY]);

  constructor(setting: ChooserSetting) {
    this.#setting = setting;
    this.#picker = this.#create();
    setting.eligible.listen(this.#picker, 0);
  }

  get policy(): BalancingPolicy {
    return this.#policy;
  }

  get picker(): Picker {
    return this.#picker;
  }

  /** Before membership is taken over. What the new picker must know of those who are there it is told. */
  adopt(policy: PoolPolicy, nowMs: number): void {
    const options = policy.balancingOptions ?? DEFAULT_BALANCING_OPTIONS;
    this.#limit = policy.connections.maxConnections;
    if (policy.balancing === this.#policy && sameOptions(options, this.#options)) return;
    this.#policy = policy.balancing;
    this.#options = options;
    this.#replace(nowMs);
  }

  /** After membership was taken over: zones and priorities may divide the pool now, or no more. */
  settle(nowMs: number): void {
    const division = this.#divide();
    if (
      division?.localZone !== this.#division?.localZone ||
      (division === undefined) !== (this.#division === undefined)
    ) {
      this.#division = division;
      this.#replace(nowMs);
    }
    this.rebalance(nowMs);
  }

  choose(facts: PickFacts, nowMs: number): number {
    if (nowMs >= this.#overdueMs[0]!) this.rebalance(nowMs);
    return this.#picker.choose(facts, nowMs);
  }

  rebalance(nowMs: number): void {
    this.#overdueMs[0] = nowMs + TICK_OVERDUE_MS;
    this.#picker.rebalance(nowMs);
  }

  /** A picker that would decide now as the real one would with that generator, in a world of its own. O(endpoints). */
  shadow(prng: Prng, nowMs: number): { readonly picker: Picker; readonly world: PickerWorld } {
    const { columns, eligible, inference } = this.#setting;
    const chance = copyPrng(prng);
    const prompts = inference()?.shadow(chance);
    const world = {
      ...this.#world(),
      inference: () => prompts,
      columns: copyColumns(columns),
      candidates: SlotSet.of(eligible),
      prng: chance,
      trace: new Trace([]),
    };
    const picker = this.#picker.copy(world);
    // The tick's work is overdue: the real one would do it first.
    if (nowMs >= this.#overdueMs[0]!) picker.rebalance(nowMs);
    return { picker, world };
  }

  #replace(nowMs: number): void {
    this.#picker = this.#create();
    this.#setting.eligible.listen(this.#picker, nowMs);
  }

  #create(): Picker {
    const make = (world: PickerWorld): Picker => createPicker(this.#policy, world);
    return this.#division === undefined
      ? make(this.#world())
      : new Grouped(this.#world(), this.#division, make);
  }

  #divide(): Division | undefined {
    const { columns, localZone } = this.#setting;
    const { priority, zone, zoneNames } = columns.traits;
    const slots = this.#tier();
    const prefersLocal = this.#options.zones.prefer === "local" && localZone !== undefined;
    const local = prefersLocal ? zoneNames.indexOf(localZone) : -1;
    const isLocal = slots.some((slot) => zone[slot] === local);
    const isElsewhere = slots.some((slot) => zone[slot] !== local);
    const levels = new Set(slots.map((slot) => priority[slot]));
    if (isLocal && isElsewhere) return { localZone };
    return levels.size > 1 ? { localZone: undefined } : undefined;
  }

  #world(): PickerWorld {
    const { columns, eligible, prng, inference } = this.#setting;
    return {
      columns,
      inference,
      candidates: eligible,
      prng,
      trace: this.trace,
      options: this.#options,
      limit: () => this.#limit,
      members: () => this.#tier(),
    };
  }

  /** Ready members; if there is none, draining ones. */
  #tier(): readonly number[] {
    const { columns, eligible, members } = this.#setting;
    const ready: number[] = [];
    const draining: number[] = [];
    for (let slot = 0; slot < members.bound; slot++) {
      if (!eligible.isOfLane(slot)) continue;
      if (columns.state[slot] === READY) ready.push(slot);
      else if (columns.state[slot] === DRAINING) draining.push(slot);
    }
    return ready.length > 0 ? ready : draining;
  }
}

/** By value: every reload makes them anew. */
function sameOptions(a: BalancingOptions, b: BalancingOptions): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
