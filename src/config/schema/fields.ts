/**
 * The pieces schemas are built of, made so that each objection can name what was expected in plain words.
 *
 * zod decides; read/issues.ts turns its issues into problems. Two conventions tie them together: a rule of our own puts
 * `expected` into the issue's `params`, and a strict mapping answers unknown fields with the list of the known ones,
 * from which the suggestion is made.
 */
import * as z from "zod";
import { parseDurationMs, TIMER_MS_MAX } from "../../std/duration.ts";
import { describeFound } from "../read/words.ts";

export const KNOWN_FIELDS_SEPARATOR = " ";

/** Schemas of fields that are recognised only to be refused: nobody should be pointed to them. */
const REFUSED = new WeakSet<object>();

/** A mapping in which every field is known; anything else is a problem. */
export function strict<S extends z.ZodRawShape>(shape: S): z.ZodObject<S, z.core.$strict> {
  const known = Object.keys(shape)
    .filter((field) => !REFUSED.has(shape[field] ?? shape))
    .join(KNOWN_FIELDS_SEPARATOR);
  return z.strictObject(shape, {
    error: (issue) => (issue.code === "unrecognized_keys" ? known : undefined),
  }) as z.ZodObject<S, z.core.$strict>;
}

/** What a rule objects to: undefined where the value is fine. */
export interface Objection {
  readonly message: string;
  readonly expected: string;
}

/** A text that one rule judges. */
export function text(rule: (value: string) => Objection | undefined): z.ZodString {
  return z.string().superRefine((value, context) => {
    const objection = rule(value);
    if (objection !== undefined) raise(context, [], objection.message, objection.expected);
  });
}

/** A text whose whole form a pattern gives. */
export function pattern(shape: RegExp, lengthMax: number, message: string, expected: string): z.ZodString {
  return text((value) =>
    value.length <= lengthMax && shape.test(value) ? undefined : { message, expected },
  );
}

/** A text of bounded length, in UTF-16 units. */
export function sized(lengthMin: number, lengthMax: number): z.ZodString {
  return text((value) =>
    value.length >= lengthMin && value.length <= lengthMax
      ? undefined
      : {
          message: value.length < lengthMin ? "the text is too short" : "the text is too long",
          expected: `${lengthMin} to ${lengthMax} characters`,
        },
  );
}

export function integer(min: number, max: number): z.ZodNumber {
  return z.number().superRefine((value, context) => {
    if (Number.isInteger(value) && value >= min && value <= max) return;
    raise(context, [], "the number is out of range", `a whole number from ${min} to ${max}`);
  });
}

/** A number that may have a fraction. */
export function decimal(min: number, max: number): z.ZodNumber {
  return z.number().superRefine((value, context) => {
    if (value >= min && value <= max) return;
    raise(context, [], "the number is out of range", `a number from ${min} to ${max}`);
  });
}

/** A list of bounded length, given as a list even where it is left out. */
export function list<T extends z.ZodType>(item: T, countMax: number) {
  return atMost(z.array(item), countMax).default([]);
}

/** The same, left undefined where it is left out. */
export function optionalList<T extends z.ZodType>(item: T, countMax: number) {
  return atMost(z.array(item), countMax).optional();
}

function atMost<T extends z.ZodType>(array: z.ZodArray<T>, countMax: number): z.ZodArray<T> {
  return array.superRefine((items, context) => {
    if (items.length > countMax) raise(context, [], "the list is too long", `at most ${countMax} entries`);
  });
}

/** A duration as text, no longer than a timer can keep. `allowZero`: where `0s` means none. */
export function duration(allowZero: boolean): z.ZodString {
  return text((value) => {
    const durationMs = parseDurationMs(value);
    if (durationMs === undefined) {
      return { message: "not a duration", expected: "a duration such as 30s, 500ms or 1h30m" };
    }
    if (durationMs === 0 && !allowZero) return { message: "the duration is zero", expected: "1ms or more" };
    if (durationMs > TIMER_MS_MAX) return { message: "the duration is too long", expected: "at most 596h" };
    return undefined;
  });
}

/** A field that the standard has, or will have, and that Plimsoll does not act on yet: an error wherever it stands. */
export function notYet(what: string): z.ZodOptional<z.ZodUnknown> {
  const schema = z
    .unknown()
    .optional()
    .superRefine((value, context) => {
      if (value !== undefined) raise(context, [], `${what} is not supported yet`, "");
    });
  REFUSED.add(schema);
  return schema;
}

type IssueContext = Pick<z.core.$RefinementCtx, "addIssue">;

/** Raises an objection at a path below the value being judged. */
export function raise(
  context: IssueContext,
  path: readonly (string | number)[],
  message: string,
  expected: string,
  /** Where the value that stands at the path does not show what is wrong. */
  found?: string,
): void {
  context.addIssue({ code: "custom", path: [...path], message, params: { expected, found } });
}

/** Objects to every entry whose key an earlier one already had; undefined keys are not compared. */
export function objectToRepeats<T>(
  context: IssueContext,
  items: readonly T[],
  keyOf: (item: T) => string | undefined,
  what: string,
  field?: string,
): void {
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    const key = keyOf(item);
    if (key === undefined) continue;
    if (seen.has(key)) {
      const path = field === undefined ? [index] : [index, field];
      raise(context, path, `${what} stands twice`, "each only once", describeFound(key));
    }
    seen.add(key);
  }
}
