/**
 * A group of a divided pool (grouped.ts): endpoints of one priority and, where zones divide, of one zone.
 */
import type { Columns } from "../signals/columns.ts";
import { wellness } from "./eligible.ts";
import type { Picker } from "./picker.ts";
import type { Level } from "./priorities.ts";
import type { SlotSet } from "./slot-set.ts";
import type { ZoneUtilisation } from "./zone-utilisation.ts";

/** The name of the zone where zones do not divide. */
export const ANY_ZONE = "*";

export interface Group {
  readonly priority: number;
  readonly zone: string;
  /** Those it may choose from now. */
  readonly set: SlotSet;
  readonly picker: Picker;
  readonly utilisation: ZoneUtilisation;
  /** All who belong. */
  members: readonly number[];
  /** Of the whole traffic. */
  share: number;
}

/** Present and well, by priority; priorities nobody has are empty. */
export function levelsOf(groups: readonly Group[], columns: Columns): readonly Level[] {
  const levels: { present: number; well: number }[] = [];
  for (const { priority, members } of groups) {
    while (levels.length <= priority) levels.push({ present: 0, well: 0 });
    const level = levels[priority]!;
    level.present += members.length;
    for (const slot of members) level.well += wellness(columns, slot);
  }
  return levels;
}

/** Whether `one` should stand in for a group of priority `level` rather than `other`: the nearer level, then the larger share. */
export function standsInBefore(one: Group, other: Group, level: number): boolean {
  const distance = Math.abs(one.priority - level) - Math.abs(other.priority - level);
  return distance < 0 || (distance === 0 && one.share > other.share);
}

/**
 * Writes each slot's share: its part of its group, times the group's.
 */
export function weighGroups(
  groups: readonly Group[],
  slots: readonly number[],
  ownerOf: (slot: number) => Group,
  nowMs: number,
  shares: Float64Array,
): void {
  // Between two ticks all who may serve can be in groups that had no share: then groups count alike.
  const isSomebody = slots.some((slot) => ownerOf(slot).share > 0);
  for (const group of groups) {
    const own = slots.filter((slot) => ownerOf(slot) === group);
    group.picker.weigh(own, nowMs, shares);
    const total = own.reduce((sum, slot) => sum + shares[slot]!, 0);
    const share = isSomebody ? group.share : 1;
    for (const slot of own) shares[slot] = total > 0 ? (shares[slot]! / total) * share : 0;
  }
}
