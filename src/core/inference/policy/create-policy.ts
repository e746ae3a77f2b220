/**
 * From a policy's public name to the code that carries it out.
 */
import type { InferencePolicy, InferenceWorld } from "./inference-policy.ts";
import { LeastTokens } from "./least-tokens.ts";

export const INFERENCE_POLICIES = ["least-tokens"] as const;
export type InferencePolicyName = (typeof INFERENCE_POLICIES)[number];

export function createInferencePolicy(name: InferencePolicyName, world: InferenceWorld): InferencePolicy {
  switch (name) {
    case "least-tokens":
      return new LeastTokens(world);
  }
}
