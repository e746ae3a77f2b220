/**
 * InferenceModel (inference.networking.x-k8s.io/v1alpha2 and v1alpha1): the priority and the targets of one model name.
 *
 * What it said is said today by an InferenceObjective and an InferenceModelRewrite, and so it is understood.
 */
import * as z from "zod";
import { integer, raise, strict } from "./fields.ts";
import { modelName, objectToSomeWeights } from "./inference-model-rewrite.ts";
import { manifest } from "./metadata.ts";
import { objectName } from "./names.ts";
import { poolRef } from "./pool-ref.ts";

/** v1alpha1 called the middle one Default. */
const criticality = z.enum(["Critical", "Standard", "Default", "Sheddable"]).optional();

const targetModels = z
  .array(strict({ name: modelName, weight: integer(0, 1_000_000).optional() }))
  .superRefine((targets, context) => {
    if (targets.length > 10) raise(context, [], "the list is too long", "at most 10 entries");
    objectToSomeWeights(context, targets);
    if (targets.length > 0 && targets.every(({ weight }) => weight === 0)) {
      raise(
        context,
        [],
        "a name that is only reserved (every weight 0) is not supported yet",
        "a weight above 0",
      );
    }
  })
  .default([]);

export const inferenceModelSchema = manifest(
  objectName,
  strict({ modelName, criticality, targetModels, poolRef }),
);

type InferenceModel = z.infer<typeof inferenceModelSchema>;

/** Above, at and below what a request without objective has. */
export const CRITICALITY_PRIORITY = { Critical: 1, Standard: 0, Default: 0, Sheddable: -1 } as const;

/** What its author may write instead. */
export function inObjectiveAndRewrite({ spec }: InferenceModel): string {
  const priority = CRITICALITY_PRIORITY[spec.criticality ?? "Standard"];
  const objective = `InferenceObjective with spec: { priority: ${priority}, poolRef: { name: ${spec.poolRef.name} } }`;
  if (spec.targetModels.length === 0) return objective;
  return `${objective}, and InferenceModelRewrite with a rule for model ${spec.modelName}`;
}
