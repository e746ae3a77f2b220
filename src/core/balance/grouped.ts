/**
 * A divided pool: endpoints in groups by priority and, where the local zone is preferred, by zone. A choice first draws
 * the group in proportion to its share, then lets the policy choose inside it.
 *
 * Shares are made anew at each tick: priorities.ts says how much each level carries, zones.ts how a level's traffic
 * splits over zones, zone-utilisation.ts how full each zone is. A request with a hash draws its group by the
 * hash, so that a key stays in its zone as long as the shares stay.
 *
 * A group whose endpoints have no room, or were all tried, gives way to the next best: same level first. A request that
 * has failed in a zone is sent to one where it has not: zones are lost as a whole, and ejection (a tenth of the pool) would leave
 * most of a dead zone standing for all of its attempts.
 * While the pool is in panic, ill endpoints are let in only where their own level panics too.
 *
 * Invariant: a group's set holds exactly the candidates of its priority and zone that it may use.
 */
import type { Outcome } from "../../model/outcome.ts";
import type { Factor } from "../../model/explanation.ts";
import { mixed } from "../../std/murmur3.ts";
import type { Columns } from "../signals/columns.ts";
import { errorRatioNow } from "../signals/error-ratio.ts";
import { wellness } from "./eligible.ts";
import { ANY_ZONE, levelsOf, standsInBefore, weighGroups, type Group } from "./group.ts";
import { NO_HASH, type PickFacts } from "./pick-facts.ts";
import { PickerBase, type Picker, type PickerAccount, type PickerWorld } from "./picker.ts";
import { levelLoads } from "./priorities.ts";
import { SlotSet } from "./slot-set.ts";
import { BY_CHANCE } from "./trace.ts";
import { ZoneUtilisation } from "./zone-utilisation.ts";
import { zoneShares, type Zone } from "./zones.ts";

export interface Division {
  /** Undefined: zones do not divide. */
  readonly localZone: string | undefined;
}

export type MakePicker = (world: PickerWorld) => Picker;

const NOBODY = -1;
/** Of groups that have no share all are alike. */
const SHARE_MIN = 1e-9;
/** More than this share of a zone's requests must have failed for the zone to be held lost. */
const LOST_RATIO = 0.5;
const TWO_TO_MINUS_32 = 1 / 4_294_967_296;

export class Grouped extends PickerBase {
  readonly #world: PickerWorld;
  readonly #division: Division;
  readonly #make: MakePicker;
  /** In order of priority, then of appearance. */
  #groups: Group[] = [];
  /** Shares of #groups, running total. */
  #cumulative = new Float64Array(0);
  /** By priority; levels that are not there do not panic. */
  #panics: readonly boolean[] = [];
  /** By priority: the local zone's share of the level after the last tick. */
  readonly #localShares = new Map<number, number>();
  #last = NOBODY;

  constructor(world: PickerWorld, division: Division, make: MakePicker) {
    super();
    this.#world = world;
    this.#division = division;
    this.#make = make;
  }

  choose(facts: PickFacts, nowMs: number): number {
    let index = this.#drawGroup(facts.hash ?? NO_HASH);
    if (facts.tried.length > 0 && this.#division.localZone !== undefined)
      index = this.#besides(index, facts.tried);
    if (!this.#hasUntried(index, facts.tried)) index = this.#nextBest(index, facts.tried);
    this.#last = index;
    if (index === NOBODY) return this.#anybody(facts.tried);
    return this.#groups[index]!.picker.choose(facts, nowMs);
  }

  override entered(slot: number, nowMs: number): void {
    const group = this.#groupFor(slot);
    if (!this.#mayUse(slot) || group.set.has(slot)) return;
    group.set.add(slot);
    group.picker.entered(slot, nowMs);
  }

  override left(slot: number): void {
    for (const { set, picker } of this.#groups) {
      if (!set.has(slot)) continue;
      set.remove(slot);
      picker.left(slot);
    }
  }

  override answered(slot: number, nowMs: number): void {
    const group = this.#groupFor(slot);
    group.utilisation.answered(this.#world.columns, slot);
    group.picker.answered(slot, nowMs);
  }

  override ended(slot: number, outcome: Outcome, nowMs: number): void {
    this.#groupFor(slot).picker.ended(slot, outcome, nowMs);
  }

  override reported(slot: number, nowMs: number): void {
    this.#groupFor(slot).picker.reported(slot, nowMs);
  }

  override probesWanted(): readonly number[] {
    return this.#groups.flatMap(({ picker, set }) => (set.size === 0 ? [] : picker.probesWanted()));
  }

  override rebalance(nowMs: number): void {
    this.#assign();
    const loads = levelLoads(levelsOf(this.#groups, this.#world.columns));
    this.#panics = loads.map(({ panic }) => panic);
    this.#resync(nowMs);
    for (const [priority, { load }] of loads.entries()) this.#split(priority, load, nowMs);
    this.#accumulate();
    for (const group of this.#groups) group.picker.rebalance(nowMs);
  }

  shareOf(): number {
    return 0;
  }

  override weigh(slots: readonly number[], nowMs: number, shares: Float64Array): void {
    const used = slots.filter((slot) => this.#mayUse(slot));
    // Nobody well: as when choosing, the ill are better than nobody.
    weighGroups(this.#groups, used.length > 0 ? used : slots, (slot) => this.#groupFor(slot), nowMs, shares);
  }

  override account(): PickerAccount {
    const group = this.#groups[this.#last];
    if (group === undefined) return super.account();
    const { priority, zone, share } = group;
    return { carriedOutBy: group.picker.account().carriedOutBy, group: { priority, zone, share } };
  }

  factors(slot: number, nowMs: number): readonly Factor[] {
    const { share, utilisation, picker } = this.#groupFor(slot);
    return [
      { name: "groupShare", value: share, unit: "" },
      ...(utilisation.value === undefined
        ? []
        : [{ name: "groupUtilisation", value: utilisation.value, unit: "" }]),
      ...picker.factors(slot, nowMs),
    ];
  }

  copy(world: PickerWorld): Grouped {
    const copied = new Grouped(world, this.#division, this.#make);
    copied.#groups = this.#groups.map((group) => {
      const set = SlotSet.of(group.set);
      const inner = { ...world, candidates: set, members: () => group.members };
      return { ...group, set, picker: group.picker.copy(inner), utilisation: group.utilisation.copy() };
    });
    copied.#cumulative = this.#cumulative.slice();
    copied.#panics = this.#panics;
    for (const [priority, share] of this.#localShares) copied.#localShares.set(priority, share);
    copied.#last = this.#last;
    return copied;
  }

  #drawGroup(hash: number): number {
    const cumulative = this.#cumulative;
    const last = cumulative.length - 1;
    if (last < 0) return NOBODY;
    // Mixed once more: the hash's own bits decide the place inside the group.
    const draw =
      hash === NO_HASH ? this.#world.prng.float() : (mixed(hash ^ 0x5f356495) >>> 0) * TWO_TO_MINUS_32;
    const point = draw * cumulative[last]!;
    let index = 0;
    while (index < last && point >= cumulative[index]!) index++;
    return index;
  }

  #hasUntried(index: number, tried: readonly number[]): boolean {
    return this.#groups[index]?.set.hasBeside(tried) ?? false;
  }

  /** A zone of the same level where nobody was tried, if somebody was in that of `index`; drawn by share. */
  #besides(index: number, tried: readonly number[]): number {
    if (index === NOBODY || !this.#wasTried(index, tried)) return index;
    const level = this.#groups[index]!.priority;
    let chosen = index;
    let total = 0;
    for (let other = 0; other < this.#groups.length; other++) {
      const group = this.#groups[other]!;
      if (group.priority !== level || group.set.size === 0 || this.#wasTried(other, tried)) continue;
      // Each takes the place of those before it with the chance of its share among them.
      const share = Math.max(group.share, SHARE_MIN);
      total += share;
      if (this.#world.prng.float() * total < share) chosen = other;
    }
    return chosen;
  }

  #wasTried(index: number, tried: readonly number[]): boolean {
    const { traits } = this.#world.columns;
    const { priority, zone } = this.#groups[index]!;
    for (const slot of tried) {
      if (traits.priority[slot] === priority && traits.zoneNames[traits.zone[slot]!] === zone) return true;
    }
    return false;
  }

  /** Of the other groups with somebody untried, same level first; if all were tried, of those with anybody. */
  #nextBest(from: number, tried: readonly number[]): number {
    const level = this.#groups[from]?.priority ?? 0;
    let best = NOBODY;
    for (const exclude of [tried, []]) {
      for (let index = 0; index < this.#groups.length; index++) {
        if (!this.#hasUntried(index, exclude)) continue;
        const isBetter = best === NOBODY || standsInBefore(this.#groups[index]!, this.#groups[best]!, level);
        if (isBetter) best = index;
      }
      if (best !== NOBODY) return best;
    }
    return best;
  }

  /** Nobody well has room, and the levels see no panic: then the ill who may serve are better than nobody. */
  #anybody(tried: readonly number[]): number {
    const { candidates, prng, trace } = this.#world;
    const slot = candidates.at(prng.below(candidates.untried(tried)));
    trace.single(slot, BY_CHANCE);
    return slot;
  }

  #mayUse(slot: number): boolean {
    const { columns } = this.#world;
    return wellness(columns, slot) === 1 || this.#panics[columns.traits.priority[slot]!] !== false;
  }

  #groupFor(slot: number): Group {
    const { traits } = this.#world.columns;
    const priority = traits.priority[slot]!;
    const zone = this.#division.localZone === undefined ? ANY_ZONE : traits.zoneNames[traits.zone[slot]!]!;
    for (let index = 0; index < this.#groups.length; index++) {
      const group = this.#groups[index]!;
      if (group.priority === priority && group.zone === zone) return group;
    }
    return this.#found(priority, zone);
  }

  #found(priority: number, zone: string): Group {
    const set = new SlotSet();
    const group: Group = {
      priority,
      zone,
      set,
      picker: this.#make({ ...this.#world, candidates: set, members: () => group.members }),
      utilisation: new ZoneUtilisation(),
      members: [],
      share: 0,
    };
    this.#groups.push(group);
    this.#groups.sort((a, b) => a.priority - b.priority);
    // The new one has no share until the next tick.
    this.#accumulate();
    return group;
  }

  #accumulate(): void {
    let total = 0;
    this.#cumulative = Float64Array.from(this.#groups, ({ share }) => (total += share));
  }

  /** Members may have changed zone or priority. */
  #assign(): void {
    const byGroup = new Map<Group, number[]>(this.#groups.map((group) => [group, []]));
    for (const slot of this.#world.members()) {
      const group = this.#groupFor(slot);
      const list = byGroup.get(group);
      if (list === undefined) byGroup.set(group, [slot]);
      else list.push(slot);
    }
    for (const [group, members] of byGroup) group.members = members;
  }

  #resync(nowMs: number): void {
    const { candidates } = this.#world;
    for (let index = 0; index < candidates.size; index++) {
      const slot = candidates.at(index);
      const group = this.#groupFor(slot);
      if (group.set.has(slot) === this.#mayUse(slot)) continue;
      // It may stand in a group it has left, or in its own and may not be used.
      this.left(slot);
      this.entered(slot, nowMs);
    }
  }

  #split(priority: number, load: number, nowMs: number): void {
    const { columns, limit } = this.#world;
    const groups = this.#groups.filter((group) => group.priority === priority);
    const zones = groups.map((group): Zone => {
      group.utilisation.update(columns, group.members, group.set, limit(), nowMs);
      return {
        endpoints: group.members.filter((slot) => this.#mayUse(slot)).length,
        utilisation: group.utilisation.value,
        latest: group.utilisation.latest,
        isLost: errorRatioOf(columns, group.members, nowMs) > LOST_RATIO,
        isLocal: group.zone === this.#division.localZone,
      };
    });
    const shares = zoneShares(zones, this.#localShares.get(priority));
    for (const [i, group] of groups.entries()) {
      group.share = load * shares[i]!;
      // What is left to a lost zone is no share to go on from.
      if (zones[i]!.isLocal && zones[i]!.isLost !== true) this.#localShares.set(priority, shares[i]!);
    }
  }
}

/** Mean of the endpoints'. */
function errorRatioOf(columns: Columns, members: readonly number[], nowMs: number): number {
  const sum = members.reduce((total, slot) => total + errorRatioNow(columns, slot, nowMs), 0);
  return members.length === 0 ? 0 : sum / members.length;
}
