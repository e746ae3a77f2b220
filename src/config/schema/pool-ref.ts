/** What points at an InferencePool: the groups it goes by, and the poolRef of objectives, rewrites and models. */
import * as z from "zod";
import { raise, strict } from "./fields.ts";
import { objectName } from "./names.ts";

export const INFERENCE_GROUP = "inference.networking.k8s.io";
/** Of everything before v1. References in either group mean the same object here. */
export const OLD_INFERENCE_GROUP = "inference.networking.x-k8s.io";

/** Where objectives and rewrites live since they left the inference extension. */
export const LLM_D_GROUP = "llm-d.ai";

export function isInferencePool(ref: { readonly group: string; readonly kind: string }): boolean {
  return ref.kind === "InferencePool" && (ref.group === INFERENCE_GROUP || ref.group === OLD_INFERENCE_GROUP);
}

/** A pool of the same namespace. */
export const poolRef = strict({
  group: z.string().default(INFERENCE_GROUP),
  kind: z.string().default("InferencePool"),
  name: objectName,
}).superRefine((ref, context) => {
  if (isInferencePool(ref)) return;
  const field = ref.kind === "InferencePool" ? "group" : "kind";
  const expected = field === "kind" ? "InferencePool" : INFERENCE_GROUP;
  raise(context, [field], "not something that can be pointed at here", expected);
});
