/**
 * Classes of work as requests hold on to them: one object follows a class from view to view, for a request may wait or be tried
 * again long after the configuration that it came with.
 *
 * A class that a reload takes away has an heir, and what is held of it is the heir from then on: the class that is recognised in the
 * same way (it was renamed), else the built-in one of its kind. For prompts of a priority that is gone: those of ordinary
 * priority.
 *
 * Invariant: an object's index and lane are those of the present view.
 */
import { ORDINARY_PRIORITY } from "../core/admission/prompt-classes.ts";
import type { WorkloadClass } from "../model/workload.ts";

/** A class of work as it is met at one pool. */
export interface LiveClass {
  readonly workload: WorkloadClass;
  /** Its place in the pool's admission. */
  readonly index: number;
  /** Its lane in the pool's brain. */
  readonly lane: number;
}

export interface ClassPlace {
  readonly index: number;
  readonly lane: number;
}

export class FollowedClass implements LiveClass {
  #workload: WorkloadClass;
  #place: ClassPlace;
  #heir: FollowedClass | undefined = undefined;

  constructor(workload: WorkloadClass, place: ClassPlace) {
    this.#workload = workload;
    this.#place = place;
  }

  get workload(): WorkloadClass {
    return this.#heir === undefined ? this.#workload : this.#heir.workload;
  }

  get index(): number {
    return this.#heir === undefined ? this.#place.index : this.#heir.index;
  }

  get lane(): number {
    return this.#heir === undefined ? this.#place.lane : this.#heir.lane;
  }

  update(workload: WorkloadClass, place: ClassPlace): void {
    this.#workload = workload;
    this.#place = place;
  }

  giveWayTo(heir: FollowedClass): void {
    this.#heir = heir;
  }
}

/** The objects of those classes that were there before, brought up to date, and new ones for the others. */
export function followed(
  before: readonly FollowedClass[],
  classes: readonly WorkloadClass[],
  placeOf: (position: number) => ClassPlace,
): readonly FollowedClass[] {
  const known = new Map(before.map((each) => [each.workload.name, each]));
  return classes.map((workload, position) => {
    const each = known.get(workload.name);
    if (each === undefined) return new FollowedClass(workload, placeOf(position));
    each.update(workload, placeOf(position));
    return each;
  });
}

/** Gives each class of `before` that is not in `now` its heir; by name of the class that is gone, the index of it. */
export function inherit(
  before: readonly FollowedClass[],
  now: readonly FollowedClass[],
): ReadonlyMap<string, number> {
  const heirs = new Map<string, number>();
  for (const each of before) {
    if (now.includes(each)) continue;
    const heir = heirOf(each.workload, before, now);
    heirs.set(each.workload.name, heir.index);
    each.giveWayTo(heir);
  }
  return heirs;
}

function heirOf(
  gone: WorkloadClass,
  before: readonly FollowedClass[],
  now: readonly FollowedClass[],
): FollowedClass {
  const match = JSON.stringify(gone.match);
  const named = (name: string): FollowedClass | undefined =>
    now.find(({ workload }) => workload.name === name);
  const renamed =
    gone.match.length === 0
      ? undefined
      : now.find((each) => !before.includes(each) && JSON.stringify(each.workload.match) === match);
  const ordinary = gone.name.startsWith("prompts/") ? named(`prompts/${ORDINARY_PRIORITY}`) : undefined;
  // The built-in classes are always there.
  return renamed ?? ordinary ?? named(gone.kind) ?? now[0]!;
}
