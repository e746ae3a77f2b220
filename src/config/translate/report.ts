/**
 * How translation objects to something in a resource: a problem at the place of a path.
 */
import type { Problem } from "../../model/problem.ts";
import { pathText, valueAt } from "../read/path.ts";
import type { Path } from "../read/path.ts";
import { describeFound } from "../read/words.ts";
import { objectName } from "../resources.ts";
import type { ReadKind, Resource } from "../resources.ts";

export interface Objection {
  readonly severity: Problem["severity"];
  readonly path: Path;
  readonly message: string;
  readonly expected?: string;
  /** Where the field's presence is the objection and its value says nothing. */
  readonly at?: "key" | "value";
}

export function problemIn(resource: Resource<ReadKind>, objection: Objection): Problem {
  const at = objection.at ?? "value";
  const found = at === "key" ? undefined : valueAt(resource.body, objection.path);
  // A mapping or a list says nothing in a sentence; only plain values are worth showing.
  const shown = typeof found === "object" || found === undefined ? "" : describeFound(found);
  return {
    severity: objection.severity,
    ...resource.locate(objection.path, at),
    object: nameOf(resource),
    path: pathText(objection.path),
    message: objection.message,
    expected: objection.expected ?? "",
    found: shown,
  };
}

export function nameOf(resource: Resource<ReadKind>): string {
  return objectName(resource.kind, resource.namespace, resource.name);
}

/** Older first, then by namespace and name: the Gateway API's order wherever one of several must win. */
export function byAge(a: Resource<ReadKind>, b: Resource<ReadKind>): number {
  const left = `${a.namespace}/${a.name}`;
  const right = `${b.namespace}/${b.name}`;
  return a.createdMs - b.createdMs || (left < right ? -1 : left > right ? 1 : 0);
}
