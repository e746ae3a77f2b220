/**
 * The route table against a matcher that is slow and reads like the specification: every rule of every listener is
 * asked, and the winners of each criterion go on to the next.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { AttachedRule, ListenerSpec, PathMatch, RouteMatch, ValueMatch } from "../../model/route.ts";
import type { RouteFacts } from "./facts.ts";
import { compileRoutes, matchRoute } from "./table.ts";

interface Entry {
  readonly attached: AttachedRule;
  readonly match: RouteMatch;
  readonly hostname: string;
}

function hostCovers(hostname: string, host: string): boolean {
  if (hostname === "*") return true;
  if (!hostname.startsWith("*.")) return hostname === host;
  return host.endsWith(hostname.slice(1)) && host.length > hostname.length - 1;
}

/** Exact above wildcard, longer wildcard first, any last. */
function hostRank(hostname: string): number {
  if (hostname === "*") return 0;
  return hostname.startsWith("*.") ? hostname.length : 10_000;
}

function elements(path: string): readonly string[] {
  const parts = path.split("/");
  return parts.at(-1) === "" ? parts.slice(0, -1) : parts;
}

function pathCovers(match: PathMatch, path: string): boolean {
  switch (match.kind) {
    case "exact":
      return match.value === path;
    case "prefix": {
      const wanted = elements(match.value);
      const found = path.split("/");
      return wanted.every((element, index) => found[index] === element);
    }
    case "regex":
      return new RegExp(`^(?:${match.value})$`, "u").test(path);
  }
}

function valueCovers(match: ValueMatch, found: string | undefined | null): boolean {
  if (found === undefined || found === null) return false;
  return match.kind === "exact" ? found === match.value : new RegExp(`^(?:${match.value})$`, "u").test(found);
}

function covers({ match, hostname }: Entry, facts: RouteFacts): boolean {
  const params = new URLSearchParams(facts.query);
  return (
    hostCovers(hostname, facts.host) &&
    pathCovers(match.path, facts.path) &&
    (match.method === undefined || match.method === facts.method) &&
    match.headers.every((header) => valueCovers(header, facts.header(header.name))) &&
    match.query.every((param) => valueCovers(param, params.get(param.name)))
  );
}

const PATH_KIND_RANK = { exact: 2, regex: 1, prefix: 0 };

/** Greater wins; in the order the specification lists. */
const CRITERIA: readonly ((entry: Entry) => number | string)[] = [
  ({ hostname }) => hostRank(hostname),
  ({ match }) => PATH_KIND_RANK[match.path.kind],
  ({ match }) =>
    (match.path.kind === "prefix" ? elements(match.path.value).join("/") : match.path.value).length,
  ({ match }) => Number(match.method !== undefined),
  ({ match }) => match.headers.length,
  ({ match }) => match.query.length,
  ({ attached }) => -attached.createdMs,
];

function slowMatch(listeners: readonly ListenerSpec[], facts: RouteFacts): string | undefined {
  const willing = listeners.filter(({ hostname }) => hostCovers(hostname, facts.host));
  const top = Math.max(...willing.map(({ hostname }) => hostRank(hostname)));
  let entries = willing
    .filter(({ hostname }) => hostRank(hostname) === top)
    .flatMap(({ rules }) => rules)
    .flatMap((attached) =>
      attached.rule.matches.flatMap((match) =>
        attached.hostnames.map((hostname) => ({ attached, match, hostname })),
      ),
    )
    .filter((entry) => covers(entry, facts));
  for (const criterion of CRITERIA) {
    const best = entries.map(criterion).toSorted((a, b) => Number(b) - Number(a))[0];
    entries = entries.filter((entry) => criterion(entry) === best);
  }
  const [route] = entries.map(({ attached }) => attached.rule.route).toSorted();
  const first = entries
    .filter(({ attached }) => attached.rule.route === route)
    .toSorted((a, b) => a.attached.index - b.attached.index)[0];
  return first?.attached.rule.id;
}

const LABELS = ["a", "b", "com"];
const host = fc
  .array(fc.constantFrom(...LABELS), { minLength: 1, maxLength: 4 })
  .map((labels) => labels.join("."));
const hostname = fc.oneof(
  host,
  host.map((name) => `*.${name}`),
  { arbitrary: fc.constant("*"), weight: 3 },
);
const path = fc
  .tuple(fc.array(fc.constantFrom("a", "b", "ab", ""), { maxLength: 4 }), fc.boolean())
  .map(([parts, slash]) => `/${parts.join("/")}${slash ? "/" : ""}`);
const cleanPath = fc
  .tuple(fc.array(fc.constantFrom("a", "b", "ab"), { maxLength: 3 }), fc.boolean())
  .map(([parts, slash]) => `/${parts.join("/")}${slash && parts.length > 0 ? "/" : ""}`);
const pathMatch: fc.Arbitrary<PathMatch> = fc.oneof(
  fc.record({ kind: fc.constant("exact" as const), value: cleanPath }),
  fc.record({ kind: fc.constant("prefix" as const), value: cleanPath }),
  fc.record({
    kind: fc.constant("regex" as const),
    value: fc.constantFrom("/a.*", "/[ab]+", "/a|/b", ".*b"),
  }),
);
const valueMatches: fc.Arbitrary<ValueMatch[]> = fc.uniqueArray(
  fc.record({
    kind: fc.constantFrom("exact" as const, "regex" as const),
    name: fc.constantFrom("x", "y"),
    value: fc.constantFrom("1", "2", "1|2"),
  }),
  { selector: ({ name }) => name, maxLength: 2, size: "-1" },
);
const routeMatch: fc.Arbitrary<RouteMatch> = fc.record({
  path: pathMatch,
  method: fc.constantFrom(undefined, "GET", "POST"),
  headers: valueMatches,
  query: valueMatches,
});
const attached: fc.Arbitrary<AttachedRule> = fc
  .record({
    route: fc.constantFrom("a/x", "a/y", "a-b/x"),
    index: fc.nat(3),
    createdMs: fc.constantFrom(0, 1),
    hostnames: fc.uniqueArray(hostname, { minLength: 1, maxLength: 3 }),
    matches: fc.array(routeMatch, { minLength: 1, maxLength: 3 }),
  })
  .map(({ route, index, createdMs, hostnames, matches }) => ({
    rule: {
      id: `${route}/${index}`,
      route,
      matches,
      backends: [],
      requestTimeoutMs: undefined,
      backendRequestTimeoutMs: undefined,
    },
    hostnames,
    createdMs,
    index,
  }));
const listeners: fc.Arbitrary<ListenerSpec[]> = fc.array(
  fc.record({
    name: fc.constantFrom("l1", "l2"),
    port: fc.constant(80),
    hostname,
    rules: fc.array(attached, { minLength: 3, maxLength: 12 }),
  }),
  { minLength: 1, maxLength: 4 },
);
const facts: fc.Arbitrary<RouteFacts> = fc
  .record({
    host,
    path,
    method: fc.constantFrom("GET", "POST", "PUT"),
    query: fc.constantFrom("", "x=1", "y=2&x=1", "x=2&x=1", "%78=1", "x", "x=%zz&y=%32", "&&x=1&"),
    headers: fc.dictionary(fc.constantFrom("x", "y"), fc.constantFrom("1", "2", "1,2")),
  })
  .map(({ headers, ...rest }) => Object.assign(rest, { header: (name: string) => headers[name] }));

test("the table and the specification's sentence agree", () => {
  let hits = 0;
  fc.assert(
    fc.property(listeners, facts, (specs, request) => {
      const table = compileRoutes(specs, (rule) => rule.id);
      const expected = slowMatch(specs, request);
      if (expected !== undefined) hits++;
      assert.equal(matchRoute(table, request), expected);
    }),
    { numRuns: 3_000, seed: 7 },
  );
  // Agreement on "nothing matches" alone would prove nothing.
  assert.ok(hits > 300, `only ${hits} requests found a rule`);
});
