/**
 * Pod (v1): read for its labels, its address and whether it is ready, because an InferencePool selects Pods.
 *
 * A Pod has hundreds of fields of which a dozen are read; the rest, and whatever Kubernetes adds to them, passes without a
 * look and is not kept.
 */
import * as z from "zod";
import { integer } from "./fields.ts";
import { textMap, timestamp } from "./metadata.ts";
import { namespaceName, objectName } from "./names.ts";

export const podSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.object({
    name: objectName,
    namespace: namespaceName.optional(),
    labels: textMap.optional(),
    annotations: textMap.optional(),
    creationTimestamp: timestamp.optional(),
    generation: integer(0, Number.MAX_SAFE_INTEGER).optional(),
    deletionTimestamp: timestamp.optional(),
  }),
  spec: z.object({ nodeName: z.string().optional() }).default({}),
  status: z
    .object({
      phase: z.string().optional(),
      podIP: z.string().optional(),
      podIPs: z.array(z.object({ ip: z.string().optional() })).default([]),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
    })
    .default({ podIPs: [], conditions: [] }),
});
