/**
 * The rules of a route in the model's words: matches with the standard's defaults, backends resolved.
 */
import type { Problem } from "../../model/problem.ts";
import type { PathMatch, RouteMatch, RouteRule, ValueMatch } from "../../model/route.ts";
import { parseDurationMs } from "../../std/duration.ts";
import type { Resource } from "../resources.ts";
import type { HttpRouteMatch, HttpValueMatch } from "../schema/http-route-match.ts";
import type { HttpRouteRule } from "../schema/http-route.ts";
import { resolveBackend } from "./backend-refs.ts";
import type { ResolvedBackend } from "./backend-refs.ts";
import type { Lookup } from "./lookup.ts";
import { problemIn } from "./report.ts";

export interface TranslatedRoute {
  readonly rules: readonly RouteRule[];
  /** Every backendRef of every rule, in order. */
  readonly backends: readonly ResolvedBackend[];
}

/** A rule without matches matches every path. */
const MATCH_ALL: RouteMatch = {
  path: { kind: "prefix", value: "/" },
  method: undefined,
  headers: [],
  query: [],
};

export function translateRoute(
  lookup: Lookup,
  route: Resource<"HTTPRoute">,
  problems: Problem[],
): TranslatedRoute {
  const backends: ResolvedBackend[] = [];
  const rules = route.body.spec.rules.map((rule, index): RouteRule => {
    const path = ["spec", "rules", index];
    const resolved = rule.backendRefs.map((ref, at) =>
      resolveBackend(lookup, route, ref, [...path, "backendRefs", at], problems),
    );
    backends.push(...resolved);
    if (resolved.length === 0 && (rule.filters ?? []).length === 0) {
      const message = "the rule has no backendRefs: what it matches is answered with 500";
      problems.push(problemIn(route, { severity: "warning", path, message }));
    }
    return {
      id: `${route.namespace}/${route.name}/${ruleName(rule, index)}`,
      route: `${route.namespace}/${route.name}`,
      matches: rule.matches.length === 0 ? [MATCH_ALL] : rule.matches.map(matchOf),
      backends: resolved.map(({ backend }) => backend),
      requestTimeoutMs: parseDurationMs(rule.timeouts?.request ?? ""),
      backendRequestTimeoutMs: parseDurationMs(rule.timeouts?.backendRequest ?? ""),
    };
  });
  return { rules, backends };
}

/** A name made of digits alone could be another rule's position, so it does not count. */
function ruleName(rule: HttpRouteRule, index: number): string {
  return rule.name === undefined || /^[0-9]+$/.test(rule.name) ? String(index) : rule.name;
}

function matchOf(match: HttpRouteMatch): RouteMatch {
  return {
    path: pathOf(match),
    method: match.method,
    headers: firstOfEachName(match.headers).map((header) => valueOf(header, header.name.toLowerCase())),
    query: match.queryParams.map((param) => valueOf(param, param.name)),
  };
}

function pathOf({ path }: HttpRouteMatch): PathMatch {
  switch (path.type) {
    case "Exact":
      return { kind: "exact", value: path.value };
    case "PathPrefix":
      return { kind: "prefix", value: path.value };
    case "RegularExpression":
      return { kind: "regex", value: path.value };
  }
}

/** Of names that differ only in case the first counts and the rest must be ignored (HTTPRouteMatch.headers). */
function firstOfEachName(headers: readonly HttpValueMatch[]): readonly HttpValueMatch[] {
  const names = headers.map(({ name }) => name.toLowerCase());
  return headers.filter((_, index) => names.indexOf(names[index] ?? "") === index);
}

function valueOf({ type, value }: HttpValueMatch, name: string): ValueMatch {
  return { kind: type === "Exact" ? "exact" : "regex", name, value };
}
