/**
 * How much of the pool's traffic an endpoint is meant to get before anything is known of its load: its configured
 * weight, times its ramp while it starts slowly (health/slow-start.ts).
 */
import type { Factor } from "../../model/explanation.ts";
import type { Columns } from "../signals/columns.ts";

/** Above 0. */
export function nominalWeight(columns: Columns, slot: number): number {
  return columns.traits.weight[slot]! * columns.ramp[slot]!;
}

/** What most policies have to say of an endpoint. */
export function commonFactors(columns: Columns, slot: number): readonly Factor[] {
  return [
    { name: "inFlight", value: columns.inFlight[slot]!, unit: "requests" },
    { name: "weight", value: columns.traits.weight[slot]!, unit: "" },
    ...(columns.ramp[slot] === 1 ? [] : [{ name: "ramp", value: columns.ramp[slot]!, unit: "" }]),
  ];
}
