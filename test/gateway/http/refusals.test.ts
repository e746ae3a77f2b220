/**
 * Refusals: the gateway's own answers, each with its status, its public name, what becomes of the connection, and its
 * line in the access log. What waiting too long leads to is in timeouts.test.ts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Refusal } from "../../../src/model/refusal.ts";
import { answer } from "../../kit/behaviours.ts";
import { breakMidBody, closeBeforeAnswer, inSingleBytes, raw } from "../../kit/misbehaviours.ts";
import { refusingPort } from "../../kit/ports.ts";
import { waitUntil } from "../../kit/wait.ts";
import {
  assertRefused,
  get,
  metric,
  post,
  request,
  setStage,
  type Stage,
  type StageOptions,
} from "./stage.ts";

const TO_POOL = [{ name: "pool", port: 80 }];
const HOST = "127.0.0.1";

/** Sends `bytes` on a connection that must then be as `connection` says. */
async function assertRefusal(
  stage: Stage,
  bytes: string,
  refusal: Refusal,
  connection: "kept" | "closed" = "kept",
): Promise<void> {
  const method = bytes.slice(0, bytes.indexOf(" "));
  using client = await stage.client();
  for (let n = 0; n < (connection === "kept" ? 2 : 1); n++) {
    await client.send(bytes);
    assertRefused(await client.readResponse({ method }), refusal, connection, method);
  }
  if (connection === "closed") assert.deepEqual(await client.waitForClose(), { how: "fin", bytes: 0 });
  const [record] = await stage.records(1);
  assert.equal(record?.refusal, refusal);
  assert.ok(record.why.startsWith(refusal), record.why);
}

const CASES: readonly [
  Refusal,
  (() => Promise<StageOptions>) | StageOptions,
  Parameters<typeof setStage>[0],
][] = [
  ["no-route", { rules: [{ matches: [{ path: { value: "/x" } }], backendRefs: TO_POOL }] }, answer()],
  ["bad-backend", { rules: [{ backendRefs: [{ name: "missing", port: 80 }] }] }, answer()],
  ["no-endpoint", {}, []],
  ["connect-failed", async () => ({ others: [{ host: HOST, port: await refusingPort() }] }), []],
  ["endpoint-reset", {}, closeBeforeAnswer("fin")],
  ["endpoint-reset", {}, closeBeforeAnswer("rst")],
  ["endpoint-reset", {}, raw("HTTP/1.1 200 OK\r\nContent-Le", "fin")],
  ["bad-response", {}, raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")],
  ["bad-response", {}, raw("nonsense\r\n\r\n")],
  ["bad-response", {}, raw(`HTTP/1.1 200 OK\r\n${"X-Fill: 1234567890\r\n".repeat(200)}\r\n`)],
  ["bad-response", {}, raw(`HTTP/1.1 200 OK\r\nX-Fill: ${"x".repeat(200_000)}\r\n\r\n`)],
];

for (const [refusal, options, behaviour] of CASES) {
  test(`${refusal} to GET, HEAD and POST`, async () => {
    await using stage = await setStage(behaviour, typeof options === "function" ? await options() : options);
    for (const bytes of [get(), request("HEAD", "/")]) await assertRefusal(stage, bytes, refusal);
    // Refused before its body was read, a request leaves a connection that nobody can read on.
    const early = refusal.startsWith("no-") || refusal === "bad-backend";
    await assertRefusal(stage, post("body"), refusal, early ? "closed" : "kept");
    const [record] = await stage.records(1);
    assert.equal(record?.endedBy, "gateway");
    await stage.settled();
  });
}

test("CONNECT is method-unsupported, HTTP/2.0 is version-unsupported", async () => {
  await using stage = await setStage(answer());
  await assertRefusal(
    stage,
    "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n",
    "method-unsupported",
    "closed",
  );
  using client = await stage.client();
  await client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  assertRefused(await client.readResponse(), "version-unsupported", "closed");
  assert.equal(stage.endpoint.connections, 0);
});

const MALFORMED: Readonly<Record<string, string>> = {
  "both lengths": request("POST", "/", "Content-Length: 4", "Transfer-Encoding: chunked"),
  "two Content-Lengths": request("POST", "/", "Content-Length: 4", "Content-Length: 4"),
  "a signed Content-Length": request("POST", "/", "Content-Length: +4"),
  "an unknown coding": request("POST", "/", "Transfer-Encoding: gzip, chunked"),
  "no Host": "GET / HTTP/1.1\r\n\r\n",
  "two Hosts": get("/", "Host: b.test"),
  "a bare LF": "GET / HTTP/1.1\nHost: a.test\n\n",
  "a space before the colon": get("/", "X : 1"),
  "a folded line": get("/", "X: 1", " 2"),
  "a control character": get("/", "X: a\x01b"),
  "dot segments": get("/a/../b"),
  "a request line of two words": "GET /\r\nHost: a.test\r\n\r\n",
};

for (const [what, bytes] of Object.entries(MALFORMED)) {
  test(`${what}: 400, nothing of it or after it reaches the endpoint`, async () => {
    await using stage = await setStage(answer());
    using client = await stage.client();
    await client.send(bytes + get("/after"));
    assertRefused(await client.readResponse(), "bad-request", "closed");
    assert.equal((await client.waitForClose()).bytes, 0);
    const record = await stage.record();
    assert.deepEqual([record.status, record.refusal, record.attempts], [400, "bad-request", []]);
    assert.equal(stage.endpoint.connections, 0);
  });
}

test("a chunked body that goes wrong from the start is 400, and nothing of the request is sent", async () => {
  await using stage = await setStage(answer());
  using client = await stage.client();
  await client.send(`${request("POST", "/", "Transfer-Encoding: chunked")}0x1\r\n`);
  assertRefused(await client.readResponse(), "bad-request", "closed");
  assert.equal((await client.waitForClose()).bytes, 0);
  assert.equal(stage.endpoint.requests.length, 0);
});

test("a chunked body that goes wrong later is 400, and the endpoint's connection is given up", async () => {
  await using stage = await setStage(answer());
  using client = await stage.client();
  await client.send(`${request("POST", "/", "Transfer-Encoding: chunked")}3\r\nabc\r\n`);
  await waitUntil(() => stage.endpoint.requests.length === 1, "the head arrives");
  await client.send("0x1\r\n");
  assertRefused(await client.readResponse(), "bad-request", "closed");
  await waitUntil(() => stage.endpoint.openConnections === 0, "the endpoint's connection closes");
  assert.equal(stage.endpoint.requests[0]?.complete, false);
  const { endedBy, attempts } = await stage.record();
  assert.deepEqual([endedBy, attempts[0]?.outcome], ["client", "cancelled"]);
});

test("requests before a malformed one are answered first", async () => {
  await using stage = await setStage(answer("fine"));
  using client = await stage.client();
  await client.send(get("/1") + get("/2") + MALFORMED["no Host"]);
  for (let n = 0; n < 2; n++) assert.equal((await client.readResponse()).text, "fine");
  assertRefused(await client.readResponse(), "bad-request", "closed");
});

test("heads are limited in bytes and in fields", async () => {
  await using stage = await setStage(answer("fine"), { limits: { headBytesMax: 2_000 } });
  const fits = get("/", `X: ${"x".repeat(1_900)}`);
  assert.equal((await stage.ask(fits)).text, "fine");
  for (const bytes of [
    get("/", `X: ${"x".repeat(2_000)}`),
    `GET /${"x".repeat(3_000)}`,
    get("/", ...Array.from({ length: 200 }, () => "A: 1")),
  ]) {
    const response = await stage.ask(bytes);
    assertRefused(response, "head-too-large", "closed");
  }
  assert.equal(stage.endpoint.requests.length, 1);
});

test("beyond the limit of connections a client is told so, and taken when there is room", async () => {
  await using stage = await setStage(answer("fine"), { limits: { connectionsMax: 2 } });
  using first = await stage.client();
  using second = await stage.client();
  for (const client of [first, second]) {
    await client.send(get());
    assert.equal((await client.readResponse()).text, "fine");
  }
  for (let n = 0; n < 20; n++) {
    using third = await stage.client();
    await third.send(get());
    assertRefused(await third.readResponse(), "too-many-connections", "closed");
  }
  first.close();
  let text = "";
  while (text !== "fine") text = (await stage.ask(get())).text;
});

test("every refusal is counted under its name", async () => {
  await using stage = await setStage([]);
  const sample = 'plimsoll_refusals_total{reason="no-endpoint"}';
  const before = await metric(stage.gateway, sample);
  await stage.ask(get());
  await stage.ask(get());
  assert.equal((await metric(stage.gateway, sample)) - before, 2);
});

test("a response cut before its body is cut for the client too, and not asked for again", async () => {
  await using stage = await setStage(breakMidBody({ declaredBytes: 10, sentBytes: 0, how: "fin" }));
  using client = await stage.client();
  await client.send(get());
  assert.equal((await client.waitForClose()).how, "rst");
  assert.equal(stage.endpoint.requests.length, 1);
});

test("a response that comes byte by byte is as good as any", async () => {
  await using stage = await setStage(inSingleBytes(answer({ body: "slow", framing: "chunked" })));
  assert.equal((await stage.ask(get())).text, "slow");
});
