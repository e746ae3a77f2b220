/**
 * InferenceModelRewrite (llm-d.ai/v1alpha2, before that inference.networking.x-k8s.io/v1alpha2): which model a request
 * is really sent to, and in what shares.
 */
import * as z from "zod";
import { integer, list, raise, sized, strict } from "./fields.ts";
import { manifest } from "./metadata.ts";
import { objectName } from "./names.ts";
import { poolRef } from "./pool-ref.ts";

/** The standard sets no bound; this one keeps a manifest from being a memory leak. */
const LIST_MAX = 1_024;

/** Longer than any model's path; a bound all the same. */
export const modelName = sized(1, 1_024);

const target = strict({ weight: integer(1, 1_000_000).optional(), modelRewrite: modelName });

/** Weights on some targets only would leave the rest without any request, which nobody means. */
export function objectToSomeWeights(
  context: z.core.$RefinementCtx,
  targets: readonly { readonly weight?: number | undefined }[],
): void {
  const without = targets.findIndex(({ weight }) => weight === undefined);
  if (without === -1 || targets.every(({ weight }) => weight === undefined)) return;
  raise(context, [without, "weight"], "some targets have a weight and this one has none", "all or none");
}

const rule = strict({
  matches: list(
    strict({ model: strict({ type: z.enum(["Exact"]).default("Exact"), value: modelName }) }),
    LIST_MAX,
  ),
  targets: z
    .array(target)
    .superRefine((targets, context) => {
      if (targets.length === 0) raise(context, [], "a list of targets needs a target", "1 or more targets");
      if (targets.length > LIST_MAX) {
        raise(context, [], "the list is too long", `at most ${LIST_MAX} entries`);
      }
      objectToSomeWeights(context, targets);
    })
    .optional(),
});

export const inferenceModelRewriteSchema = manifest(
  objectName,
  strict({ poolRef, rules: list(rule, LIST_MAX) }),
);
