/**
 * Who takes part in a comparison: the policies of the gateway under their public names.
 */
import { createInferencePolicy, INFERENCE_POLICIES } from "../../core/inference/policy/create-policy.ts";
import type { InferencePolicy, InferenceWorld } from "../../core/inference/policy/inference-policy.ts";
import type { Host } from "./host.ts";

/** Hosts are for those that may know what no gateway knows. */
export type PolicyMaker = (world: InferenceWorld, hosts: readonly Host[]) => InferencePolicy;

export const CONTENDERS: ReadonlyMap<string, PolicyMaker> = new Map(
  INFERENCE_POLICIES.map((name): [string, PolicyMaker] => [
    name,
    (world) => createInferencePolicy(name, world),
  ]),
);
