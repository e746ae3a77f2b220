/**
 * BackendPolicy.spec.balancing.inference: the few things about an InferencePool that cannot be found out.
 *
 * docs/inference-configuration.md explains each; defaults are filled in by translate/inference-policy.ts from
 * model/inference-pool.ts.
 */
import type * as z from "zod";
import { INFERENCE_POLICIES } from "../../core/inference/policy/create-policy.ts";
import { DEFAULT_INFERENCE_POLICY, DEFAULT_KV_EVENTS } from "../../model/inference-pool.ts";
import { duration, integer, notYet, pattern, raise, strict, text } from "./fields.ts";
import { judgeWord } from "./known-names.ts";

/** `LeastTokens` for `least-tokens`: names in manifests are written as those of `balancing.policy`. */
export function manifestName(policy: string): string {
  return policy.replaceAll(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** By the name in manifests; the default first. */
export const POLICY_BY_MANIFEST_NAME: ReadonlyMap<string, string> = new Map(
  [DEFAULT_INFERENCE_POLICY.policy, ...INFERENCE_POLICIES].map((policy) => [manifestName(policy), policy]),
);

const port = integer(1, 65_535);

/** RFC 9112 section 3.2.1: what a request line can carry. */
const path = pattern(/^\/[!-"$-~]*$/, 1_024, "not a path", "a path such as /metrics");

export const inferenceBalancing = strict({
  policy: text((value) =>
    judgeWord(value, "inference policy", [...POLICY_BY_MANIFEST_NAME.keys()], []),
  ).optional(),
  metrics: strict({ path: path.optional(), port: port.optional(), scheme: notYet("scheme") }).optional(),
  kvEvents: strict({
    port: port.optional(),
    replayPort: port.optional(),
    topic: pattern(/^[ -~]*$/, 256, "not a topic", "at most 256 printable characters").optional(),
  })
    .superRefine((value, context) => {
      if (value.replayPort === undefined || value.replayPort !== (value.port ?? DEFAULT_KV_EVENTS.port))
        return;
      raise(context, ["replayPort"], "events and their replay need a port each", "another port");
    })
    .optional(),
  queue: strict({
    maxWait: duration(false).optional(),
    maxLength: integer(0, 100_000).optional(),
  }).optional(),
  slo: strict({ ttft: duration(false).optional(), tpot: duration(false).optional() }).optional(),
});

export type InferenceManifest = z.infer<typeof inferenceBalancing>;
