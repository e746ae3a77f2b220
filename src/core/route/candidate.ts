/**
 * A candidate: one match of one attached rule, ready to be asked, and its place in the order of precedence.
 *
 * Order (Gateway API HTTPRouteRule.matches): method match, most header matches, most query matches, oldest route,
 * namespace/name, position of the rule. Hostname and path come before all of these and are decided by the tables that
 * hold the candidates.
 */
import type { AttachedRule, RouteMatch, ValueMatch } from "../../model/route.ts";
import type { RouteFacts } from "./facts.ts";
import { queryParam } from "./query.ts";
import { compileRegex } from "./regex.ts";

interface ValueTest {
  readonly name: string;
  /** Exactly one of the two is set. */
  readonly value: string | undefined;
  readonly regex: RegExp | undefined;
}

export interface Candidate<T> {
  readonly target: T;
  readonly method: string | undefined;
  readonly headers: readonly ValueTest[];
  readonly query: readonly ValueTest[];
  readonly createdMs: number;
  readonly route: string;
  readonly index: number;
}

/** Undefined where a regular expression does not compile: configuration reports that, routing just never matches. */
export function candidateOf<T>(
  attached: AttachedRule,
  match: RouteMatch,
  target: T,
): Candidate<T> | undefined {
  const headers = match.headers.map(valueTest);
  const query = match.query.map(valueTest);
  if (headers.includes(undefined) || query.includes(undefined)) return undefined;
  return {
    target,
    method: match.method,
    headers: headers.filter((test) => test !== undefined),
    query: query.filter((test) => test !== undefined),
    createdMs: attached.createdMs,
    route: attached.rule.route,
    index: attached.index,
  };
}

function valueTest(match: ValueMatch): ValueTest | undefined {
  if (match.kind === "exact") return { name: match.name, value: match.value, regex: undefined };
  const regex = compileRegex(match.value);
  return regex === undefined ? undefined : { name: match.name, value: undefined, regex };
}

/** Negative where `a` is asked first. */
export function byPrecedence(a: Candidate<unknown>, b: Candidate<unknown>): number {
  return (
    Number(b.method !== undefined) - Number(a.method !== undefined) ||
    b.headers.length - a.headers.length ||
    b.query.length - a.query.length ||
    a.createdMs - b.createdMs ||
    (a.route < b.route ? -1 : a.route > b.route ? 1 : 0) ||
    a.index - b.index
  );
}

/** The first of the candidates, in their order, that the request satisfies; hostname and path are already decided. */
export function firstSatisfied<T>(
  candidates: readonly Candidate<T>[],
  facts: RouteFacts,
): Candidate<T> | undefined {
  for (const candidate of candidates) {
    if (candidateSatisfied(candidate, facts)) return candidate;
  }
  return undefined;
}

export function candidateSatisfied(candidate: Candidate<unknown>, facts: RouteFacts): boolean {
  if (candidate.method !== undefined && candidate.method !== facts.method) return false;
  for (const test of candidate.headers) {
    if (!valueSatisfied(test, facts.header(test.name))) return false;
  }
  for (const test of candidate.query) {
    if (!valueSatisfied(test, queryParam(facts.query, test.name))) return false;
  }
  return true;
}

function valueSatisfied(test: ValueTest, found: string | undefined): boolean {
  if (found === undefined) return false;
  return test.regex === undefined ? found === test.value : test.regex.test(found);
}
