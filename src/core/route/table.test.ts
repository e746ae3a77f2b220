/** The route table by example: one case per sentence of the precedence, and the shapes hostile requests take. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AttachedRule, ListenerSpec, RouteMatch } from "../../model/route.ts";
import type { RouteFacts } from "./facts.ts";
import { compileRoutes, matchRoute } from "./table.ts";

const ANY: RouteMatch = { path: { kind: "prefix", value: "/" }, method: undefined, headers: [], query: [] };

function rule(id: string, match: Partial<RouteMatch>, more: Partial<AttachedRule> = {}): AttachedRule {
  return {
    rule: {
      id,
      route: id,
      matches: [{ ...ANY, ...match }],
      backends: [],
      requestTimeoutMs: undefined,
      backendRequestTimeoutMs: undefined,
    },
    hostnames: ["*"],
    createdMs: 0,
    index: 0,
    ...more,
  };
}

function listener(hostname: string, ...rules: readonly AttachedRule[]): ListenerSpec {
  return { name: hostname, port: 80, hostname, rules };
}

interface Asked extends Partial<Omit<RouteFacts, "header">> {
  readonly headers?: Readonly<Record<string, string>>;
}

function ask(specs: readonly ListenerSpec[], { headers = {}, ...asked }: Asked): string | undefined {
  const table = compileRoutes(specs, ({ id }) => id);
  const header = (name: string): string | undefined => headers[name];
  return matchRoute(table, { host: "h", path: "/", method: "GET", query: "", header, ...asked });
}

const exact = (value: string): Partial<RouteMatch> => ({ path: { kind: "exact", value } });
const prefix = (value: string): Partial<RouteMatch> => ({ path: { kind: "prefix", value } });
const regex = (value: string): Partial<RouteMatch> => ({ path: { kind: "regex", value } });

test("the most specific listener takes the request alone", () => {
  const specs = [
    listener("*", rule("any", {})),
    listener("*.example.com", rule("wild", {}, { hostnames: ["*.example.com"] })),
    listener("*.b.example.com", rule("deep", {}, { hostnames: ["*.b.example.com"] })),
    listener("a.example.com", rule("exact", prefix("/only"), { hostnames: ["a.example.com"] })),
  ];
  assert.equal(ask(specs, { host: "other.org" }), "any");
  assert.equal(ask(specs, { host: "example.com" }), "any");
  assert.equal(ask(specs, { host: ".example.com" }), "any");
  assert.equal(ask(specs, { host: "x.example.com" }), "wild");
  assert.equal(ask(specs, { host: "x.y.example.com" }), "wild");
  assert.equal(ask(specs, { host: "x.b.example.com" }), "deep");
  assert.equal(ask(specs, { host: "a.example.com", path: "/only/this" }), "exact");
  assert.equal(ask(specs, { host: "a.example.com", path: "/else" }), undefined);
});

test("within a listener a wider hostname is tried where the narrower has no rule that matches", () => {
  const specs = [
    listener(
      "*",
      rule("exact", prefix("/a"), { hostnames: ["x.example.com"] }),
      rule("wild", prefix("/b"), { hostnames: ["*.example.com"] }),
      rule("any", prefix("/"), { hostnames: ["*"] }),
    ),
  ];
  assert.equal(ask(specs, { host: "x.example.com", path: "/a" }), "exact");
  assert.equal(ask(specs, { host: "x.example.com", path: "/b" }), "wild");
  assert.equal(ask(specs, { host: "x.example.com", path: "/c" }), "any");
});

test("exact before regular expression before the longest prefix", () => {
  const specs = [
    listener(
      "*",
      rule("root", prefix("/")),
      rule("short", prefix("/a")),
      rule("long", prefix("/a/b/")),
      rule("regex", regex("/a/b/[0-9]+")),
      rule("exact", exact("/a/b/7")),
    ),
  ];
  assert.equal(ask(specs, { path: "/a/b/7" }), "exact");
  assert.equal(ask(specs, { path: "/a/b/8" }), "regex");
  assert.equal(ask(specs, { path: "/a/b/8x" }), "long");
  assert.equal(ask(specs, { path: "/a/b" }), "long");
  assert.equal(ask(specs, { path: "/a/bc" }), "short");
  assert.equal(ask(specs, { path: "/a/" }), "short");
  assert.equal(ask(specs, { path: "/ab" }), "root");
  assert.equal(ask(specs, { path: "//a" }), "root");
  assert.equal(ask(specs, { path: "*" }), undefined);
});

test("method, then headers, then query decide among equal paths", () => {
  const header = { kind: "exact" as const, name: "x-v", value: "2" };
  const param = { kind: "exact" as const, name: "v", value: "2" };
  const specs = [
    listener(
      "*",
      rule("plain", {}),
      rule("query", { query: [param] }),
      rule("header", { headers: [header] }),
      rule("method", { method: "POST" }),
    ),
  ];
  assert.equal(ask(specs, {}), "plain");
  assert.equal(ask(specs, { query: "v=2" }), "query");
  assert.equal(ask(specs, { query: "v=2", headers: { "x-v": "2" } }), "header");
  assert.equal(ask(specs, { query: "v=2", headers: { "x-v": "2" }, method: "POST" }), "method");
  assert.equal(ask(specs, { headers: { "x-v": "2,3" } }), "plain");
});

test("a longer prefix that declines gives way to a shorter one", () => {
  const specs = [
    listener("*", rule("post", { ...prefix("/a/b"), method: "POST" }), rule("short", prefix("/a"))),
  ];
  assert.equal(ask(specs, { path: "/a/b", method: "POST" }), "post");
  assert.equal(ask(specs, { path: "/a/b" }), "short");
});

test("ties go to the oldest route, then to the name, then to the order in the route", () => {
  const older = rule("z/old", {}, { createdMs: 1 });
  const newer = rule("a/new", {}, { createdMs: 2 });
  assert.equal(ask([listener("*", newer, older)], {}), "z/old");
  assert.equal(ask([listener("*", rule("b/x", {}), rule("a/x", {}))], {}), "a/x");
  const second = { ...rule("second", {}), index: 1 };
  const first = { ...rule("first", {}), index: 0 };
  const sameRoute = (attached: AttachedRule): AttachedRule => ({
    ...attached,
    rule: { ...attached.rule, route: "ns/r" },
  });
  assert.equal(ask([listener("*", sameRoute(second), sameRoute(first))], {}), "first");
});

test("headers are asked for only where a rule that could still match needs one", () => {
  const specs = [
    listener(
      "*",
      rule("needs", { ...prefix("/h"), headers: [{ kind: "exact", name: "x", value: "1" }] }),
      rule("any", {}),
    ),
  ];
  const table = compileRoutes(specs, ({ id }) => id);
  const asked: string[] = [];
  const header = (name: string): undefined => void asked.push(name);
  assert.equal(matchRoute(table, { host: "h", path: "/", method: "GET", query: "", header }), "any");
  assert.deepEqual(asked, []);
  assert.equal(matchRoute(table, { host: "h", path: "/h", method: "GET", query: "", header }), "any");
  assert.deepEqual(asked, ["x"]);
});

test("no listener for the host: no rule", () => {
  assert.equal(ask([], {}), undefined);
  assert.equal(ask([listener("a.example.com", rule("x", {}))], { host: "b.example.com" }), undefined);
});

test("resolve is asked once for each attached rule, and its answer comes back", () => {
  let calls = 0;
  const target = { pool: 1 };
  const table = compileRoutes([listener("*", rule("x", {}))], () => {
    calls++;
    return target;
  });
  assert.equal(calls, 1);
  assert.ok(Object.isFrozen(table));
  assert.equal(
    matchRoute(table, { host: "h", path: "/", method: "GET", query: "", header: () => undefined }),
    target,
  );
});

test("a path of slashes and a host of dots look nothing up beyond the lengths that exist", () => {
  const specs = [listener("*.example.com", rule("deep", prefix("/a/b/c"), { hostnames: ["*.example.com"] }))];
  const path = `${"/".repeat(100_000)}a`;
  const host = `${"a.".repeat(100_000)}example.com`;
  const table = compileRoutes(specs, ({ id }) => id);
  const facts = { host, path, method: "GET", query: "", header: () => undefined };
  const started = process.cpuUsage();
  for (let i = 0; i < 100; i++) assert.equal(matchRoute(table, facts), undefined);
  // Without the bound this takes minutes; with it, far less than a second even on a busy machine.
  assert.ok(process.cpuUsage(started).user < 5_000_000);
});
