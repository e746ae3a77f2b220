/**
 * From what an endpoint has reported to one number that says how full it is, as the policy wants it reckoned.
 *
 * The application's own verdict goes before everything else (gRFC A114): it knows what it is short of. Otherwise the
 * named resources that it reports, by their highest (`max`) or their weighted mean. Below 0: nothing to go by.
 */
import type { ResourcePolicy } from "../../model/balancing.ts";
import type { Load } from "../signals/load.ts";

export function utilisationOf(load: Load, slot: number, policy: ResourcePolicy): number {
  const application = load.application[slot]!;
  if (application >= 0) return application;
  const { resources, combine } = policy;
  let highest = -1;
  let sum = 0;
  let weights = 0;
  const take = (value: number, weight: number): void => {
    if (value < 0 || weight <= 0) return;
    highest = Math.max(highest, value);
    sum += value * weight;
    weights += weight;
  };
  take(load.cpu[slot]!, resources.cpu);
  take(load.memory[slot]!, resources.memory);
  take(load.network[slot]!, resources.network);
  take(load.disk[slot]!, resources.disk);
  take(load.gpu[slot]!, resources.gpu);
  if (weights === 0) return -1;
  return combine === "max" ? highest : sum / weights;
}
