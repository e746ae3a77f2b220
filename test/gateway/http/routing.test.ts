/**
 * Routing end to end: that what the table decides (its own tests are in src/core/route) is what happens to a request.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer } from "../../kit/behaviours.ts";
import { startEndpoint } from "../../kit/endpoint.ts";
import { claims, lendGateway } from "./gateway-loan.ts";
import { assertRefused, get, request, setStage } from "./stage.ts";
import { exchangeOnce } from "../../kit/raw-client.ts";

function to(name: string, weight?: number): object {
  return weight === undefined ? { name, port: 80 } : { name, port: 80, weight };
}

const RULES = [
  { name: "exact", matches: [{ path: { type: "Exact", value: "/a" } }], backendRefs: [to("exact")] },
  { name: "prefix", matches: [{ path: { type: "PathPrefix", value: "/a" } }], backendRefs: [to("prefix")] },
  {
    name: "regex",
    matches: [{ path: { type: "RegularExpression", value: "/v[0-9]+/.*" } }],
    backendRefs: [to("regex")],
  },
  { name: "method", matches: [{ method: "DELETE" }], backendRefs: [to("method")] },
  {
    name: "header",
    matches: [{ headers: [{ name: "X-Canary", value: "yes" }] }],
    backendRefs: [to("header")],
  },
  {
    name: "query",
    matches: [{ queryParams: [{ name: "side", value: "b c" }] }],
    backendRefs: [to("query")],
  },
];

test("path, method, header and query lead where the rules say", async () => {
  const names = ["exact", "prefix", "regex", "method", "header", "query"];
  const endpoints = await Promise.all(names.map((name) => startEndpoint(answer(name))));
  const pools = Object.fromEntries(names.map((name, n) => [name, [endpoints[n]!]]));
  const loan = await lendGateway({ pools, rules: RULES }, {});
  const { port } = loan.gateway;
  for (const [bytes, name] of [
    [get("/a"), "exact"],
    [get("/a?x=1"), "exact"],
    [get("/a/"), "prefix"],
    [get("/a/b"), "prefix"],
    [get("/v12/x"), "regex"],
    [request("DELETE", "/other"), "method"],
    [get("/other", "x-canary: yes"), "header"],
    [get("/other?y=1&side=b%20c"), "query"],
    [get("/other?side=b+c"), "query"],
  ] as const) {
    assert.equal((await exchangeOnce(port, bytes)).text, name, bytes);
  }
  for (const bytes of [get("/ab"), get("/other"), get("/other", "X-Canary: no"), get("/vv/x")]) {
    assertRefused(await exchangeOnce(port, bytes), "no-route");
  }
  const records = await loan.records(13);
  assert.deepEqual(
    records.map(({ route }) => route),
    [
      ...["exact", "exact", "prefix", "prefix", "regex", "method", "header", "query", "query"].map(
        (name) => `default/test/${name}`,
      ),
      null,
      null,
      null,
      null,
    ],
  );
  await loan.end();
  for (const endpoint of endpoints) await endpoint.close();
});

test("hostnames lead to their routes: exact before wildcard, whatever case and port the client writes", async () => {
  const endpoints = await Promise.all(["exact", "wild", "any"].map((name) => startEndpoint(answer(name))));
  const [exact, wild, any] = endpoints;
  const route = (name: string, hostname: string): object => ({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name },
    spec: { parentRefs: [{ name: "test" }], hostnames: [hostname], rules: [{ backendRefs: [to(name)] }] },
  });
  const loan = await lendGateway(
    {
      pools: { any: [any!], exact: [exact!], wild: [wild!] },
      more: [route("exact", "a.b.test"), route("wild", "*.b.test")],
    },
    {},
  );
  for (const [host, name] of [
    ["a.b.test", "exact"],
    ["A.B.Test:8080", "exact"],
    ["a.b.test.", "exact"],
    ["x.b.test", "wild"],
    ["y.x.b.test", "wild"],
    ["b.test", "any"],
    ["[::1]:80", "any"],
  ] as const) {
    const bytes = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    assert.equal((await exchangeOnce(loan.gateway.port, bytes)).text, name, host);
  }
  await loan.end();
  for (const endpoint of endpoints) await endpoint.close();
});

test("weights divide the requests, and a share that leads nowhere is bad-backend", async () => {
  await using stage = await setStage(answer("fine"), {
    rules: [{ backendRefs: [to("pool", 3), to("missing", 1), to("unused", 0)] }],
    pools: { unused: [] },
  });
  using client = await stage.client();
  const count = 400;
  await client.send(get().repeat(count));
  let missing = 0;
  for (let n = 0; n < count; n++) {
    const response = await client.readResponse();
    if (response.status === 200) continue;
    assertRefused(response, "bad-backend");
    missing++;
  }
  // A quarter, give or take five standard deviations of the binomial distribution.
  assert.ok(missing > 55 && missing < 145, `${missing} of ${count} were bad-backend`);
  assert.equal(stage.endpoint.requests.length, count - missing);
});

test("a rule without backends is bad-backend, a pool without endpoints no-endpoint", async () => {
  await using stage = await setStage([], {
    rules: [{ matches: [{ path: { value: "/none" } }] }, { backendRefs: [to("pool")] }],
  });
  assertRefused(await stage.ask(get("/none")), "bad-backend");
  assertRefused(await stage.ask(get("/")), "no-endpoint");
});

test("a request in flight ends by the rules it began with, the next goes by the new ones", async () => {
  await using stage = await setStage([answer("old"), answer("new")], {
    rules: [{ backendRefs: [to("pool")] }],
  });
  const [old, next] = stage.endpoints;
  const { gateway } = stage;
  assert.ok(await gateway.rewrite({ pools: { pool: [old!] } }));
  const release = Promise.withResolvers<void>();
  old!.behave(async (exchange) => {
    await release.promise;
    await answer("old")(exchange);
  });
  const first = stage.ask(get());
  while (claims(gateway) === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(await gateway.rewrite({ pools: { pool: [next!] } }));
  assert.equal((await stage.ask(get())).text, "new");
  release.resolve();
  assert.equal((await first).text, "old");
});
