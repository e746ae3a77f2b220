/**
 * From the policy's public name to the code that carries it out. Auto is PeakEwma: docs/balancing.md says why.
 */
import type { BalancingPolicy } from "../../model/policy.ts";
import type { Prng } from "../../std/prng.ts";
import type { Columns } from "../signals/columns.ts";
import type { Eligible } from "./eligible.ts";
import { LeastRequest } from "./least-request.ts";
import { LocalityAware } from "./locality-aware.ts";
import { PeakEwma } from "./peak-ewma.ts";
import type { Picker } from "./picker.ts";
import { Random } from "./random.ts";
import { RoundRobin } from "./round-robin.ts";

export function createPicker(
  policy: BalancingPolicy,
  columns: Columns,
  eligible: Eligible,
  prng: Prng,
): Picker {
  switch (policy) {
    case "RoundRobin":
      return new RoundRobin(eligible, prng);
    case "Random":
      return new Random(eligible, prng);
    case "LeastRequest":
      return new LeastRequest(columns, eligible, prng);
    case "Auto":
    case "PeakEwma":
      return new PeakEwma(columns, eligible, prng);
    case "LocalityAware":
      return new LocalityAware(columns, eligible, prng);
  }
}
