/**
 * The frame of every object: apiVersion, kind, metadata and status.
 *
 * metadata accepts everything the API server writes, so that what kubectl exports passes unchanged; only name,
 * namespace, labels, creationTimestamp and generation are read. status is accepted and ignored.
 */
import * as z from "zod";
import { integer, strict, text } from "./fields.ts";
import { namespaceName } from "./names.ts";

export const timestamp = text((value) =>
  Number.isNaN(Date.parse(value))
    ? { message: "not a time", expected: "an RFC 3339 time such as 2026-01-31T12:00:00Z" }
    : undefined,
);

export const textMap = z.record(z.string(), z.string());

export function metadata<N extends z.ZodType<string>>(name: N) {
  return strict({
    name,
    namespace: namespaceName.optional(),
    labels: textMap.optional(),
    annotations: textMap.optional(),
    creationTimestamp: timestamp.optional(),
    generation: integer(0, Number.MAX_SAFE_INTEGER).optional(),
    uid: z.string().optional(),
    resourceVersion: z.string().optional(),
    generateName: z.string().optional(),
    selfLink: z.string().optional(),
    deletionTimestamp: timestamp.optional(),
    deletionGracePeriodSeconds: z.number().optional(),
    ownerReferences: z.array(z.unknown()).optional(),
    finalizers: z.array(z.string()).optional(),
    managedFields: z.array(z.unknown()).optional(),
  });
}

/** An object with a spec. */
export function manifest<N extends z.ZodType<string>, S extends z.ZodType>(name: N, spec: S) {
  return strict({
    apiVersion: z.string(),
    kind: z.string(),
    metadata: metadata(name),
    spec,
    status: z.unknown().optional(),
  });
}
