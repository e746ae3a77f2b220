/** Why a rule takes a request, which come after it, and which came nearest where none does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { explainRoute, type RouteExplanation } from "../../src/app/explain-route.ts";
import type { RouteFacts } from "../../src/core/route/facts.ts";
import { compileRoutes, matchRoute } from "../../src/core/route/table.ts";
import type { AttachedRule, ListenerSpec, RouteMatch } from "../../src/model/route.ts";

function rule(id: string, matches: readonly Partial<RouteMatch>[], hostnames = ["*"]): AttachedRule {
  const whole = matches.map((match): RouteMatch => ({
    path: { kind: "prefix", value: "/" },
    method: undefined,
    headers: [],
    query: [],
    ...match,
  }));
  return {
    rule: {
      id,
      route: "ns/r",
      matches: whole,
      backends: [],
      requestTimeoutMs: undefined,
      backendRequestTimeoutMs: undefined,
    },
    hostnames,
    createdMs: 0,
    index: 0,
  };
}

function listener(rules: readonly AttachedRule[], hostname = "*", name = "ns/g/http"): ListenerSpec {
  return { name, port: 80, hostname, rules };
}

function explained(listeners: readonly ListenerSpec[], request: Partial<RouteFacts>): RouteExplanation {
  const facts: RouteFacts = {
    host: "a.b",
    path: "/",
    method: "GET",
    query: "",
    header: () => undefined,
    ...request,
  };
  const taken = matchRoute(
    compileRoutes(listeners, ({ id }) => id),
    facts,
  );
  return explainRoute(listeners, facts, taken);
}

const CART = rule("cart", [
  {
    path: { kind: "exact", value: "/cart" },
    method: "POST",
    headers: [{ kind: "exact", name: "x-user", value: "ann" }],
    query: [{ kind: "regex", name: "n", value: "[0-9]+" }],
  },
]);
const API = rule("api", [{ path: { kind: "prefix", value: "/api" } }]);
const API2 = rule("api2", [
  { path: { kind: "prefix", value: "/other" } },
  { path: { kind: "prefix", value: "/api/v2" } },
]);

test("the match that holds, and the rules that would take it next", () => {
  const route = explained([listener([API, API2, CART])], { path: "/api/v2/x" });
  assert.deepEqual(
    { rule: route.rule, match: route.match, passedOver: route.passedOver, nearest: route.nearest },
    {
      rule: "api2",
      match: "path prefix /api/v2",
      passedOver: [{ rule: "api", match: "path prefix /api" }],
      nearest: [],
    },
  );
  assert.deepEqual([route.listeners, route.hostname], [["ns/g/http"], "*"]);
});

test("every part of a match is told", () => {
  const request = { path: "/cart", method: "POST", query: "n=7", header: () => "ann" };
  assert.equal(
    explained([listener([CART])], request).match,
    "path exactly /cart, method POST, header x-user = ann, query n like /[0-9]+/",
  );
});

test("where no rule takes it: the nearest by path first, with all that is missing", () => {
  const route = explained([listener([API, API2, CART])], { path: "/cart", query: "n=x" });
  assert.equal(route.rule, undefined);
  assert.deepEqual(
    route.nearest.map(({ rule: id, missing }) => [id, missing]),
    [
      ["cart", ["method is not POST", "header is not x-user = ann", "query is not n like /[0-9]+/"]],
      ["api", ["path is not prefix /api"]],
      ["api2", ["path is not prefix /other"]],
    ],
  );
});

test("hosts: of listeners the most specific alone, of rules those that are for the host", () => {
  const wide = listener([API], "*", "wide");
  const narrow = listener([rule("shop", [{}], ["shop.a.b"])], "*.a.b", "narrow");
  const taken = explained([wide, narrow], { host: "shop.a.b" });
  assert.deepEqual([taken.listeners, taken.rule], [["narrow"], "shop"]);
  const missed = explained([wide, narrow], { host: "x.a.b", path: "/api" });
  assert.deepEqual([missed.listeners, missed.rule], [["narrow"], undefined]);
  assert.deepEqual(missed.nearest[0]?.missing, ["host is x.a.b, not shop.a.b"]);
  const nobody = explained([narrow], { host: "c" });
  assert.deepEqual([nobody.listeners, nobody.hostname, nobody.hostnames], [[], undefined, ["*.a.b"]]);
});
