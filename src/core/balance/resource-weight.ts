/**
 * Scorer: the weight of an endpoint by what it reports of its resources. 0: not known.
 *
 * `throughput`, the default, is ORCA's weighted round robin (gRFC A58, Envoy client_side_weighted_round_robin):
 *
 *     weight = requestsPerSec / (utilisation + errorsPerSec / requestsPerSec * 1.0)      [1/s]
 *
 * an estimate of what the endpoint could serve when full. Since utilisation grows with the requests, the weight does
 * not depend on how many it gets now, and the shares come to rest; a weight made of utilisation alone moves with the
 * shares it sets, and swings.
 *
 * `source-text` is the formula of the source text, as written there:
 *
 *     weight = 1 / (cpu + 0.1) * 1 / (memory + 0.1) * networkMbitPerSec / 1000
 *
 * It rewards whoever is busy on the network and swings as said; it is offered for comparison and fidelity.
 */
import type { ResourcePolicy } from "../../model/balancing.ts";
import type { Load } from "../signals/load.ts";
import { utilisationOf } from "./resource-utilisation.ts";

/** A58's default: an endpoint whose requests all fail counts as full. */
const ERROR_PENALTY = 1;

/** `ownPerSec`: what this gateway sends it, for endpoints that report no rate of their own. */
export function resourceWeight(load: Load, slot: number, policy: ResourcePolicy, ownPerSec: number): number {
  return policy.formula === "source-text"
    ? sourceTextWeight(load, slot)
    : throughputWeight(load, slot, policy, ownPerSec);
}

function throughputWeight(load: Load, slot: number, policy: ResourcePolicy, ownPerSec: number): number {
  const utilisation = utilisationOf(load, slot, policy);
  const told = load.requestsPerSec[slot]!;
  const rate = told > 0 ? told : ownPerSec;
  if (utilisation <= 0 || rate <= 0) return 0;
  const errors = Math.max(0, load.errorsPerSec[slot]!);
  return rate / (utilisation + (errors / rate) * ERROR_PENALTY);
}

function sourceTextWeight(load: Load, slot: number): number {
  const cpu = load.cpu[slot]!;
  const memory = load.memory[slot]!;
  const network = load.networkMbitPerSec[slot]!;
  if (cpu < 0 || memory < 0 || network < 0) return 0;
  return (1 / (cpu + 0.1)) * (1 / (memory + 0.1)) * (network / 1000);
}
