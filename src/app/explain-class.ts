/**
 * Of which class of work a request is at a pool, how the class is treated, and whether there is room for it now.
 */
import type { Treatment, WorkloadKind } from "../model/workload.ts";
import type { LiveClass } from "./followed-classes.ts";
import type { LivePool } from "./live-pool.ts";

export interface ClassExplanation {
  /** `namespace/name`, or the name of a built-in class. */
  readonly name: string;
  readonly kind: WorkloadKind;
  readonly treatment: Treatment;
  /** Part of the pool it uses (core/balance/lanes.ts); 0 = the whole pool. */
  readonly lane: number;
  readonly room: RoomExplanation;
}

/** Requests at the pool, this one not counted. */
export interface RoomExplanation {
  /** That may be under way; undefined: no limit. */
  readonly limit: number | undefined;
  readonly underWay: number;
  readonly waiting: number;
  /** Of this class. */
  readonly classUnderWay: number;
  readonly classWaiting: number;
}

export function explainClass(
  { admission }: LivePool,
  { workload, index, lane }: LiveClass,
): ClassExplanation {
  const { name, kind, treatment } = workload;
  const queue = admission.classes[index];
  const { limit, underWay, waiting } = admission;
  return {
    name,
    kind,
    treatment,
    lane,
    room: {
      limit: Number.isFinite(limit) ? limit : undefined,
      underWay,
      waiting,
      classUnderWay: queue?.underWay ?? 0,
      classWaiting: queue?.size ?? 0,
    },
  };
}

/** It would have to wait for its turn, whatever its class. */
export function isFull({ limit, underWay, waiting }: RoomExplanation): boolean {
  return waiting > 0 || (limit !== undefined && underWay >= limit);
}
