/** ReferenceGrant (gateway.networking.k8s.io): who may point into its namespace, and at what. */
import * as z from "zod";
import { list, sized, strict } from "./fields.ts";
import { manifest } from "./metadata.ts";
import { namespaceName, objectName } from "./names.ts";

const group = z.string().default("");

export const referenceGrantSchema = manifest(
  objectName,
  strict({
    from: list(strict({ group, kind: sized(1, 63), namespace: namespaceName }), 16),
    to: list(strict({ group, kind: sized(1, 63), name: objectName.optional() }), 16),
  }),
);
