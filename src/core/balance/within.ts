/**
 * A choice that whoever carries the request confines to some endpoints (a gateway's subset hint), under whatever policy.
 *
 * Policies know one way to be told where not to go: endpoints tried before. So all others count as tried. Costs O(endpoints)
 * and allocates, which few requests do: only a gateway that runs several kinds of endpoints in one pool sends hints.
 */
import type { Columns } from "../signals/columns.ts";
import type { Chooser } from "./chooser.ts";
import type { Eligible } from "./eligible.ts";
import type { PickFacts } from "./pick-facts.ts";
import { BY_IN_FLIGHT } from "./trace.ts";

/** Whether one of them can be chosen: `some`, `full` (they may serve, and have no room), `none`. */
export function fitWithin(eligible: Eligible, within: readonly number[]): "some" | "full" | "none" {
  if (within.some((slot) => eligible.has(slot))) return "some";
  return within.some((slot) => eligible.maySlotServe(slot)) ? "full" : "none";
}

/** One of them; at least one must be eligible. */
export function chooseWithin(
  chooser: Chooser,
  eligible: Eligible,
  columns: Columns,
  facts: PickFacts & { readonly within: readonly number[] },
  nowMs: number,
): number {
  const inside = facts.within.filter((slot) => eligible.has(slot));
  const fresh = inside.filter((slot) => !facts.tried.includes(slot));
  const open = fresh.length > 0 ? fresh : inside;
  const closed: number[] = [];
  for (let index = 0; index < eligible.size; index++) {
    const slot = eligible.at(index);
    if (!open.includes(slot)) closed.push(slot);
  }
  const slot = chooser.choose({ ...facts, tried: closed }, nowMs);
  if (open.includes(slot)) return slot;
  // Where the pool is divided, a group in panic may know only some of those who are left.
  const idlest = open.reduce((best, each) =>
    columns.inFlight[each]! < columns.inFlight[best]! ? each : best,
  );
  chooser.trace.single(idlest, BY_IN_FLIGHT);
  return idlest;
}
