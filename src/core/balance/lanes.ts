/**
 * Lanes: the parts of a pool that classes of work use, each with its own list of who may serve and its own policy, on the
 * one set of columns. Load, latency and health that one lane learns of an endpoint all lanes know.
 *
 * Lane 0 is the whole pool under the pool's own policy; it is always there, and most pools have no other. A lane whose
 * selector matches nobody serves nobody: work that was told to stay off the rest must not spill onto it.
 *
 * Invariant: every lane hears of every change of load, health and membership, so that their lists agree on all but
 * whom they are confined to.
 */
import type { Endpoint } from "../../model/endpoint.ts";
import type { Outcome } from "../../model/outcome.ts";
import type { PoolPolicy } from "../../model/policy.ts";
import type { LaneSpec } from "../../model/lane.ts";
import type { Columns } from "../signals/columns.ts";
import { FREE } from "../signals/columns.ts";
import { Chooser, type ChooserSetting } from "./chooser.ts";
import { selectsEndpoint } from "./selects.ts";
import { Eligible } from "./eligible.ts";
import type { Members } from "./members.ts";

export interface Lane {
  readonly eligible: Eligible;
  readonly chooser: Chooser;
}

export interface LanesSetting extends Omit<ChooserSetting, "eligible"> {
  readonly columns: Columns;
  readonly members: Members;
}

export class Lanes {
  readonly main: Lane;
  readonly #setting: LanesSetting;
  readonly #lanes: Lane[];
  #specs: readonly LaneSpec[] = [];

  constructor(setting: LanesSetting) {
    this.#setting = setting;
    this.main = this.#open();
    this.#lanes = [this.main];
  }

  /** Undefined: the class has no lane any more; its requests must not spill onto the whole pool. */
  at(index: number | undefined): Lane | undefined {
    return index === undefined ? this.main : this.#lanes[index];
  }

  /** Before membership is taken over. `specs[i]` describes lane i + 1; a lane that is asked for again keeps what it learnt. */
  adopt(policy: PoolPolicy, specs: readonly LaneSpec[], nowMs: number): void {
    const known = new Map(this.#specs.map((spec, index) => [JSON.stringify(spec), this.#lanes[index + 1]!]));
    const lanes = specs.map((spec) => known.get(JSON.stringify(spec)) ?? this.#open());
    this.#specs = specs;
    this.#lanes.splice(1, this.#lanes.length, ...lanes);
    this.main.chooser.adopt(policy, nowMs);
    specs.forEach(({ balancing, balancingOptions }, index) =>
      this.#lanes[index + 1]!.chooser.adopt({ ...policy, balancing, balancingOptions }, nowMs),
    );
  }

  /** After membership was taken over. */
  refreshAll(bound: number, limit: number, nowMs: number): void {
    this.#lanes.forEach(({ eligible }, index) => {
      if (index > 0) eligible.confine(this.#confines(this.#specs[index - 1]!, bound));
      eligible.refreshAll(bound, limit, nowMs);
    });
  }

  /** After leavers were let go: zones and priorities may divide a lane now, or no more. */
  settle(nowMs: number): void {
    for (const { chooser } of this.#lanes) chooser.settle(nowMs);
  }

  filled(slot: number): void {
    for (const { eligible } of this.#lanes) eligible.filled(slot);
  }

  drained(slot: number, nowMs: number): void {
    for (const { eligible } of this.#lanes) eligible.drained(slot, nowMs);
  }

  answered(slot: number, nowMs: number): void {
    for (const { chooser } of this.#lanes) chooser.picker.answered(slot, nowMs);
  }

  ended(slot: number, outcome: Outcome, nowMs: number): void {
    for (const { chooser } of this.#lanes) chooser.picker.ended(slot, outcome, nowMs);
  }

  reported(slot: number, nowMs: number): void {
    for (const { chooser } of this.#lanes) chooser.picker.reported(slot, nowMs);
  }

  probesWanted(): readonly number[] {
    if (this.#lanes.length === 1) return this.main.chooser.picker.probesWanted();
    return [...new Set(this.#lanes.flatMap(({ chooser }) => chooser.picker.probesWanted()))];
  }

  rebalance(nowMs: number): void {
    for (const { chooser } of this.#lanes) chooser.rebalance(nowMs);
  }

  // ---- what health judges by and tells (ejections.ts) -------------------------------------------------------------

  get bound(): number {
    return this.main.eligible.bound;
  }

  get present(): number {
    return this.main.eligible.present;
  }

  get well(): number {
    return this.main.eligible.well;
  }

  wellnessChanged(slot: number, before: number, nowMs: number): void {
    for (const { eligible } of this.#lanes) eligible.wellnessChanged(slot, before, nowMs);
  }

  #open(): Lane {
    const eligible = new Eligible(this.#setting.columns, { entered() {}, left() {} });
    return { eligible, chooser: new Chooser({ ...this.#setting, eligible }) };
  }

  #confines({ endpointSelector }: LaneSpec, bound: number): Uint8Array | undefined {
    if (endpointSelector.length === 0) return undefined;
    const { columns, members } = this.#setting;
    const lane = new Uint8Array(columns.capacity);
    const selects = (endpoint: Endpoint): boolean => selectsEndpoint(endpointSelector, endpoint);
    for (let slot = 0; slot < bound; slot++) {
      if (columns.state[slot] !== FREE && selects(members.endpointAt(slot))) lane[slot] = 1;
    }
    return lane;
  }
}
