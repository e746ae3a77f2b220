/**
 * zod's issues to problems: the place of each, and plain words for what was expected and found.
 *
 * An unknown field is placed at its key, a bad value at the value, a missing field at the mapping it is missing from.
 */
import type * as z from "zod";
import type { Problem } from "../../model/problem.ts";
import { KNOWN_FIELDS_SEPARATOR } from "../schema/fields.ts";
import type { Manifest } from "./documents.ts";
import { pathText, valueAt } from "./path.ts";
import type { Path } from "./path.ts";
import { describeFound, didYouMean, oneOf } from "./words.ts";

/** Beyond this a list of fields hides the sentence it stands in. */
const FIELDS_SHOWN_MAX = 12;

export function issueProblems(
  manifest: Manifest,
  object: string,
  issues: readonly z.core.$ZodIssue[],
): readonly Problem[] {
  return issues.flatMap((issue) => {
    const path = issue.path.filter((part) => typeof part !== "symbol");
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => unknownField(manifest, object, [...path, key], issue.message));
    }
    return [problemOf(manifest, object, path, issue)];
  });
}

function unknownField(manifest: Manifest, object: string, path: Path, knownFields: string): Problem {
  const known = knownFields.split(KNOWN_FIELDS_SEPARATOR);
  const key = String(path.at(-1));
  return {
    severity: "error",
    ...manifest.locate(path, "key"),
    object,
    path: pathText(path),
    message: `unknown field${didYouMean(key, known)}`,
    expected: known.length > FIELDS_SHOWN_MAX ? `one of the ${known.length} known fields` : oneOf(known),
    found: describeFound(key),
  };
}

function problemOf(manifest: Manifest, object: string, path: Path, issue: z.core.$ZodIssue): Problem {
  const found = valueAt(manifest.value, path);
  // A rule about an absent field ("needs a port") is like any other missing field: the parent is its place.
  const missing = found === undefined && path.length > 0;
  const { message, expected } = wordsOf(issue, found);
  return {
    severity: "error",
    ...manifest.locate(missing ? path.slice(0, -1) : path, "value"),
    object,
    path: pathText(path),
    message: missing && issue.code !== "custom" ? "required field is missing" : message,
    expected,
    found:
      issue.code === "custom"
        ? String(issue.params?.["found"] ?? describeFound(found))
        : describeFound(found),
  };
}

interface Words {
  readonly message: string;
  readonly expected: string;
}

function wordsOf(issue: z.core.$ZodIssue, found: unknown): Words {
  switch (issue.code) {
    case "custom":
      return { message: issue.message, expected: String(issue.params?.["expected"] ?? "") };
    case "invalid_type":
      return { message: "wrong type", expected: TYPE_WORDS[issue.expected] ?? issue.expected };
    case "invalid_value": {
      const values = issue.values.map(String);
      const hint = typeof found === "string" ? didYouMean(found, values) : "";
      return { message: `not an accepted value${hint}`, expected: oneOf(values) };
    }
    default:
      return { message: issue.message, expected: "" };
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};
