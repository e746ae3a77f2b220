/**
 * HTTPRoute matches: path, headers, query parameters and method, with the standard's formats and limits.
 */
import * as z from "zod";
import { compileRegex } from "../../core/route/regex.ts";
import { raise, objectToRepeats, sized, strict, list } from "./fields.ts";
import type { Objection } from "./fields.ts";
import { headerName } from "./names.ts";

const PATH_LENGTH_MAX = 1024;

/** RFC 3986 section 3.3: pchar and the slash. */
const PATH_CHARACTERS = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})+$/;

/** Sequences that a normalising hop would change, so a match on them means different things in different places. */
const PATH_FORBIDDEN = ["//", "/./", "/../", "%2f", "%2F", "#"] as const;

function judgePath(value: string): Objection | undefined {
  if (!value.startsWith("/")) {
    return { message: "the path does not begin with /", expected: "a path such as /shop" };
  }
  for (const sequence of PATH_FORBIDDEN) {
    if (value.includes(sequence)) {
      return { message: `the path contains ${sequence}`, expected: `a path without ${sequence}` };
    }
  }
  if (value.endsWith("/.") || value.endsWith("/..")) {
    return { message: "the path ends in a dot segment", expected: "a path without /. or /.. at its end" };
  }
  return PATH_CHARACTERS.test(value)
    ? undefined
    : {
        message: "the path holds characters a URL path cannot",
        expected: "the characters of RFC 3986, or % and two hex digits",
      };
}

function judgeRegex(value: string): Objection | undefined {
  if (compileRegex(value) !== undefined) return undefined;
  return { message: "the regular expression does not compile", expected: "a JavaScript expression (u flag)" };
}

const pathMatch = strict({
  type: z.enum(["Exact", "PathPrefix", "RegularExpression"]).default("PathPrefix"),
  value: sized(0, PATH_LENGTH_MAX).default("/"),
}).superRefine((match, context) => {
  const objection = match.type === "RegularExpression" ? judgeRegex(match.value) : judgePath(match.value);
  if (objection !== undefined) raise(context, ["value"], objection.message, objection.expected);
});

export function valueMatch<N extends z.ZodType<string>>(name: N, lengthMax: number) {
  return strict({
    type: z.enum(["Exact", "RegularExpression"]).default("Exact"),
    name,
    value: sized(1, lengthMax),
  }).superRefine((match, context) => {
    const objection = match.type === "RegularExpression" ? judgeRegex(match.value) : undefined;
    if (objection !== undefined) raise(context, ["value"], objection.message, objection.expected);
  });
}

export const routeMatch = strict({
  path: pathMatch.default({ type: "PathPrefix", value: "/" }),
  headers: list(valueMatch(headerName, 4_096), 16).superRefine((items, context) => {
    objectToRepeats(context, items, (item) => item.name, "the header", "name");
  }),
  queryParams: list(valueMatch(headerName, 1_024), 16).superRefine((items, context) => {
    objectToRepeats(context, items, (item) => item.name, "the query parameter", "name");
  }),
  method: z.enum(["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]).optional(),
});

export type HttpRouteMatch = z.infer<typeof routeMatch>;
export type HttpValueMatch = HttpRouteMatch["headers"][number];
