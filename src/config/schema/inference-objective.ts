/**
 * InferenceObjective (llm-d.ai/v1alpha2, before that inference.networking.x-k8s.io/v1alpha2): a priority that requests
 * name in a header.
 */
import { integer, strict } from "./fields.ts";
import { manifest } from "./metadata.ts";
import { objectName } from "./names.ts";
import { poolRef } from "./pool-ref.ts";

/** Absent means 0; below 0 may be shed. */
export const inferenceObjectiveSchema = manifest(
  objectName,
  strict({ priority: integer(-2_147_483_648, 2_147_483_647).default(0), poolRef }),
);
