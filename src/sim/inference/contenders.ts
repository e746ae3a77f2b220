/**
 * Who takes part in a comparison: the policies of the gateway under their public names, and those they are measured against.
 */
import { createInferencePolicy, INFERENCE_POLICIES } from "../../core/inference/policy/create-policy.ts";
import type { InferencePolicy, InferenceWorld } from "../../core/inference/policy/inference-policy.ts";
import { LeastRequest, Random, RoundRobin } from "./baselines/blind.ts";
import type { Host } from "./host.ts";

export type PolicyMaker = (world: InferenceWorld, hosts: readonly Host[]) => InferencePolicy;

const BASELINES: readonly (readonly [string, PolicyMaker])[] = [
  ["random", (world) => new Random(world)],
  ["round-robin", () => new RoundRobin()],
  ["least-request", (world) => new LeastRequest(world)],
  ["two-choices", (world) => new LeastRequest(world, 2)],
];

/** By name; a policy of the gateway goes before a baseline of the same name. */
export const CONTENDERS: ReadonlyMap<string, PolicyMaker> = new Map([
  ...BASELINES,
  ...INFERENCE_POLICIES.map((name): [string, PolicyMaker] => [
    name,
    (world) => createInferencePolicy(name, world),
  ]),
]);
