/**
 * From the policy's public name to the code that carries it out.
 */
import type { BalancingPolicy } from "../../model/policy.ts";
import { Auto } from "./auto.ts";
import { ConsistentHash } from "./consistent-hash.ts";
import { Inference } from "./inference.ts";
import { LeastRequest } from "./least-request.ts";
import { LocalityAware } from "./locality-aware.ts";
import { PeakEwma } from "./peak-ewma.ts";
import type { Picker, PickerWorld } from "./picker.ts";
import { Prequal } from "./prequal.ts";
import { Random } from "./random.ts";
import { ResourceAware } from "./resource-aware.ts";
import { RoundRobin } from "./round-robin.ts";
import { ShortestDelay } from "./shortest-delay.ts";

export function createPicker(policy: BalancingPolicy, world: PickerWorld): Picker {
  switch (policy) {
    case "RoundRobin":
      return new RoundRobin(world);
    case "Random":
      return new Random(world);
    case "LeastRequest":
      return new LeastRequest(world);
    case "Prequal":
      return new Prequal(world);
    case "ResourceAware":
      return new ResourceAware(world);
    case "Auto":
      return new Auto(world, createPicker);
    case "Inference":
      return new Inference(world, new Auto(world, createPicker));
    case "ShortestDelay":
      return new ShortestDelay(world);
    case "PeakEwma":
      return new PeakEwma(world);
    case "LocalityAware":
      return new LocalityAware(world);
    case "ConsistentHash":
      return new ConsistentHash(world);
  }
}
