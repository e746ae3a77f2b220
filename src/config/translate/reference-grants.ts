/**
 * Whether a reference may cross into another namespace: some ReferenceGrant there must say so.
 *
 * Gateway API, ReferenceGrant: a grant lives beside its target, lists who may point (group, kind, namespace) and at
 * what (group, kind, optionally one name). Inside one namespace no grant is needed.
 */
import type { Resources } from "../resources.ts";

export interface Reference {
  readonly fromGroup: string;
  readonly fromKind: string;
  readonly fromNamespace: string;
  readonly toGroup: string;
  readonly toKind: string;
  readonly toNamespace: string;
  readonly toName: string;
}

export function isGranted(resources: Resources, reference: Reference): boolean {
  if (reference.fromNamespace === reference.toNamespace) return true;
  return resources.referenceGrants.some(
    ({ namespace, body }) =>
      namespace === reference.toNamespace &&
      body.spec.from.some(
        (from) =>
          from.group === reference.fromGroup &&
          from.kind === reference.fromKind &&
          from.namespace === reference.fromNamespace,
      ) &&
      body.spec.to.some(
        (to) =>
          to.group === reference.toGroup &&
          to.kind === reference.toKind &&
          (to.name === undefined || to.name === reference.toName),
      ),
  );
}
