/** A Kubernetes LabelSelector: matchLabels and matchExpressions, all of which must hold. */
import * as z from "zod";
import { list, raise, strict } from "./fields.ts";

const expression = strict({
  key: z.string(),
  operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]),
  values: list(z.string(), 1_000),
}).superRefine((value, context) => {
  const takesValues = value.operator === "In" || value.operator === "NotIn";
  if (takesValues && value.values.length === 0) {
    raise(context, ["values"], `${value.operator} needs values`, "at least one value");
  }
  if (!takesValues && value.values.length > 0) {
    raise(context, ["values"], `${value.operator} takes no values`, "no values");
  }
});

export const labelSelector = strict({
  matchLabels: z.record(z.string(), z.string()).default({}),
  matchExpressions: list(expression, 1_000),
});

export type LabelSelector = z.infer<typeof labelSelector>;
