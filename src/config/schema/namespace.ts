/** Namespace (v1): read for its labels, by which a listener may select routes. */
import * as z from "zod";
import { strict } from "./fields.ts";
import { metadata } from "./metadata.ts";
import { labelName } from "./names.ts";

export const namespaceSchema = strict({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: metadata(labelName),
  spec: z.unknown().optional(),
  status: z.unknown().optional(),
});
