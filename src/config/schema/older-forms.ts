/**
 * Older forms of kinds that are read: their schema, whose output is the newer form, and what their author may write
 * instead. Whoever uses one is told in a warning.
 */
import type * as z from "zod";
import type { Bodies, ReadKind } from "../resources.ts";
import { inferenceModelRewriteSchema } from "./inference-model-rewrite.ts";
import { inferenceModelSchema, inObjectiveAndRewrite } from "./inference-model.ts";
import { inferenceObjectiveSchema } from "./inference-objective.ts";
import { inferencePoolV1alpha1Schema, inferencePoolV1alpha2Schema, inV1 } from "./inference-pool.ts";
import { INFERENCE_GROUP, LLM_D_GROUP, OLD_INFERENCE_GROUP } from "./pool-ref.ts";

interface OlderForm<K extends ReadKind> {
  readonly schema: z.ZodType<Bodies[K]>;
  /** The newer apiVersion. */
  readonly newer: string;
  /** The newer form of this very object, in short; empty: the same but for its apiVersion. */
  readonly instead: (body: Bodies[K]) => string;
}

type OlderForms<K extends ReadKind> = Readonly<Record<string, OlderForm<K>>>;

const POOL_V1 = `${INFERENCE_GROUP}/v1`;
const LLM_D = `${LLM_D_GROUP}/v1alpha2`;

const OLDER: { readonly [K in ReadKind]?: OlderForms<K> } = {
  InferencePool: {
    [`${OLD_INFERENCE_GROUP}/v1alpha2`]: {
      schema: inferencePoolV1alpha2Schema,
      newer: POOL_V1,
      instead: inV1,
    },
    [`${OLD_INFERENCE_GROUP}/v1alpha1`]: {
      schema: inferencePoolV1alpha1Schema,
      newer: POOL_V1,
      instead: inV1,
    },
  },
  InferenceObjective: {
    [`${OLD_INFERENCE_GROUP}/v1alpha2`]: {
      schema: inferenceObjectiveSchema,
      newer: LLM_D,
      instead: () => "",
    },
  },
  InferenceModelRewrite: {
    [`${OLD_INFERENCE_GROUP}/v1alpha2`]: {
      schema: inferenceModelRewriteSchema,
      newer: LLM_D,
      instead: () => "",
    },
  },
  InferenceModel: {
    [`${OLD_INFERENCE_GROUP}/v1alpha2`]: {
      schema: inferenceModelSchema,
      newer: LLM_D,
      instead: inObjectiveAndRewrite,
    },
    [`${OLD_INFERENCE_GROUP}/v1alpha1`]: {
      schema: inferenceModelSchema,
      newer: LLM_D,
      instead: inObjectiveAndRewrite,
    },
  },
};

export function olderForm(kind: ReadKind, apiVersion: string): OlderForm<ReadKind> | undefined {
  const forms = OLDER[kind] as OlderForms<ReadKind> | undefined;
  return forms !== undefined && Object.hasOwn(forms, apiVersion) ? forms[apiVersion] : undefined;
}

/** The apiVersions of a kind's older forms. */
export function olderVersions(kind: ReadKind): readonly string[] {
  return Object.keys(OLDER[kind] ?? {});
}
