/**
 * What annotations of an EndpointSlice say of its endpoints: `plimsoll.dev/weight`, how much traffic each should get
 * relative to others, and `plimsoll.dev/priority`, when they serve (0 first). A value that cannot be read is a warning, and
 * counts as left out.
 */
import { PRIORITY_MAX } from "../../model/endpoint.ts";
import type { Problem } from "../../model/problem.ts";
import type { Resource } from "../resources.ts";
import { problemIn } from "./report.ts";

const WEIGHT_ANNOTATION = "plimsoll.dev/weight";
const PRIORITY_ANNOTATION = "plimsoll.dev/priority";

const WEIGHT_MIN = 0.01;
const WEIGHT_MAX = 1_000;

type Slice = Resource<"EndpointSlice">;

export function weightOf(slice: Slice): number | undefined {
  const weight = numberIn(slice, WEIGHT_ANNOTATION);
  return weight !== undefined && weight >= WEIGHT_MIN && weight <= WEIGHT_MAX ? weight : undefined;
}

export function priorityOf(slice: Slice): number | undefined {
  const priority = numberIn(slice, PRIORITY_ANNOTATION);
  return priority !== undefined && Number.isInteger(priority) && priority >= 0 && priority <= PRIORITY_MAX
    ? priority
    : undefined;
}

export function annotationProblems(slice: Slice): readonly Problem[] {
  return [
    ...objection(slice, WEIGHT_ANNOTATION, weightOf(slice), `a number from ${WEIGHT_MIN} to ${WEIGHT_MAX}`),
    ...objection(slice, PRIORITY_ANNOTATION, priorityOf(slice), `a whole number from 0 to ${PRIORITY_MAX}`),
  ];
}

function objection(
  slice: Slice,
  name: string,
  value: number | undefined,
  expected: string,
): readonly Problem[] {
  if (value !== undefined || slice.body.metadata.annotations?.[name] === undefined) return [];
  const path = ["metadata", "annotations", name];
  const message = "the annotation cannot be read and is passed over";
  return [problemIn(slice, { severity: "warning", path, message, expected })];
}

function numberIn(slice: Slice, name: string): number | undefined {
  const text = slice.body.metadata.annotations?.[name];
  return text !== undefined && /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : undefined;
}
