/**
 * Forwarding: what of a message goes on to the next hop, what stays behind, and what the gateway adds.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, echo, type Echoed } from "../../kit/behaviours.ts";
import { fieldValue, type Field } from "../../kit/message.ts";
import { get, refusalOf, request, setStage, type Stage } from "./stage.ts";

/** What arrived at the endpoint, `echo` being its behaviour. */
async function arrived(stage: Stage, bytes: string): Promise<Echoed> {
  return JSON.parse((await stage.ask(bytes)).text) as Echoed;
}

function named(fields: readonly Field[], ...names: readonly string[]): (string | undefined)[] {
  return names.map((name) => fieldValue(fields, name));
}

const HOP_BY_HOP = [
  "Connection: keep-alive, X-Private, x-other",
  "Keep-Alive: timeout=5",
  "Proxy-Connection: keep-alive",
  "TE: trailers",
  "X-Private: 1",
  "X-Other: 2",
];

test("fields meant for this hop stay behind, on the way there", async () => {
  await using stage = await setStage(echo());
  const { fields } = await arrived(stage, get("/", ...HOP_BY_HOP, "Accept: */*"));
  const names = fields.map(([name]) => name);
  assert.deepEqual(names.slice(0, 2), ["Host", "Accept"]);
  assert.deepEqual(names.slice(2).toSorted(), [
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Request-Id",
  ]);
});

test("fields meant for this hop stay behind, on the way back", async () => {
  const fields: Field[] = [
    ["Server", "test"],
    ["Connection", "X-Private"],
    ["X-Private", "1"],
    ["Keep-Alive", "timeout=5"],
    ["Proxy-Connection", "keep-alive"],
    ["Upgrade", "h2c"],
    ["X-Public", "2"],
  ];
  await using stage = await setStage(answer({ body: "x", fields }));
  const response = await stage.ask(get());
  const names = response.fields.map(([name]) => name);
  assert.deepEqual(names, ["Server", "X-Public", "Content-Length", "X-Request-Id"]);
});

test("X-Forwarded-For grows by the client's address, the others are overwritten", async () => {
  await using stage = await setStage(echo());
  const { fields } = await arrived(
    stage,
    get(
      "/",
      "X-Forwarded-For: 10.0.0.1",
      "X-Forwarded-Proto: https",
      "x-forwarded-for: 10.0.0.2, 10.0.0.3",
      "X-Forwarded-Host: forged.test",
    ),
  );
  assert.deepEqual(named(fields, "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"), [
    "10.0.0.1, 10.0.0.2, 10.0.0.3, 127.0.0.1",
    "http",
    "a.test",
  ]);
});

test("a request id is made where there is none, and said to both sides", async () => {
  await using stage = await setStage(echo());
  const first = await stage.ask(get());
  const second = await stage.ask(get());
  const ids = [first, second].map((response) => response.header("x-request-id"));
  const seen = stage.endpoint.requests.map(({ fields }) => fieldValue(fields, "x-request-id"));
  assert.deepEqual(seen, ids);
  assert.ok(ids[0] !== undefined && ids[0] !== ids[1]);
});

test("the client's request id is kept, unless it could do harm", async () => {
  await using stage = await setStage(echo());
  const kept = await stage.ask(get("/", "x-request-id: Abc-1.2:3"));
  assert.equal(kept.header("x-request-id"), "Abc-1.2:3");
  for (const bad of ['a"b', "a b", "x".repeat(129), ""]) {
    const response = await stage.ask(get("/", `X-Request-Id: ${bad}`));
    const id = response.header("x-request-id");
    assert.match(id ?? "", /^[\w-]+$/, bad);
    assert.equal(fieldValue(stage.endpoint.requests.at(-1)!.fields, "x-request-id"), id);
  }
});

test("an endpoint that names the request itself is believed", async () => {
  await using stage = await setStage(answer({ fields: [["X-Request-ID", "mine"]] }));
  assert.equal((await stage.ask(get("/", "X-Request-Id: yours"))).header("x-request-id"), "mine");
});

test("the case and order of fields are kept both ways, and so are their bytes", async () => {
  const lines = ["aCCept: */*", "X-A:1", "x-B:  two  words ", "X-A: 3", "X-Empty:", "X-Obs: caf\xe9"];
  const fields: Field[] = [
    ["x-LOWER", "1"],
    ["Set-Cookie", "a=1"],
    ["X-Between", "\xff"],
    ["Set-Cookie", "b=2"],
  ];
  await using stage = await setStage(answer({ body: "x", fields }));
  const response = await stage.ask(get("/", ...lines));
  assert.ok(stage.endpoint.requests[0]?.rawHead.includes(`\r\n${lines.join("\r\n")}\r\n`));
  assert.deepEqual(response.fields.slice(0, 4), fields);
});

test("an absolute-form target becomes origin form, its authority the Host", async () => {
  await using stage = await setStage(echo());
  for (const [target, origin] of [
    ["http://a.test/p?q=1", "/p?q=1"],
    ["HTTP://A.test?q", "/?q"],
    ["http://a.test", "/"],
  ] as const) {
    const seen = await arrived(stage, request("GET", target));
    assert.deepEqual([seen.target, seen.fields[0]?.[0]], [origin, "Host"]);
    assert.match(seen.fields[0]![1], /^a\.test$/i);
  }
});

test("targets are forwarded byte for byte", async () => {
  await using stage = await setStage(echo());
  const targets = [
    "/a%2Fb/%C3%A9?x=%20&y=a+b&x=%zz",
    "/?",
    "/a//b/;p=1?a=/../b",
    "/%7Euser/~user",
    "/a|b{c}",
    `/${"x".repeat(8_000)}`,
  ];
  for (const target of targets) assert.equal((await arrived(stage, get(target))).target, target);
});

test("OPTIONS * has no path, so no rule takes it", async () => {
  await using stage = await setStage(echo());
  const response = await stage.ask(request("OPTIONS", "*"));
  assert.deepEqual([response.status, refusalOf(response)], [404, "no-route"]);
});

test("methods of every kind go on, and the version that goes on is 1.1", async () => {
  await using stage = await setStage(echo());
  for (const method of ["PROPFIND", "M-SEARCH", "patch", "QUERY"]) {
    const seen = await arrived(stage, request(method, "/"));
    assert.deepEqual([seen.method, seen.version], [method, "HTTP/1.1"]);
  }
  const old = await arrived(stage, "GET / HTTP/1.0\r\nHost: a.test\r\n\r\n");
  assert.deepEqual([old.version, fieldValue(old.fields, "connection")], ["HTTP/1.1", undefined]);
});

test("a 1.0 request without Host goes on with an empty one", async () => {
  await using stage = await setStage(echo());
  const seen = await arrived(stage, "GET / HTTP/1.0\r\n\r\n");
  assert.deepEqual(named(seen.fields, "host", "x-forwarded-host"), ["", ""]);
});

test("status and reason of the answer are kept", async () => {
  await using stage = await setStage(answer({ status: 299, reason: "Oddly  fine", body: "x" }));
  const response = await stage.ask(get());
  assert.deepEqual([response.status, response.reason], [299, "Oddly  fine"]);
});
