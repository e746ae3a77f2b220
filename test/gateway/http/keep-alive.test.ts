/**
 * Keep-alive and pipelining: one client connection, many requests, answers in their order.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, byPath, delayed, echo, type Echoed } from "../../kit/behaviours.ts";
import { atRest, closedGate, get, post, setStage } from "./stage.ts";

const GET_1_0 = "GET / HTTP/1.0\r\nHost: a.test\r\n";

test("one connection carries many requests, and so does the one behind it", async () => {
  await using stage = await setStage(answer("hello"));
  using client = await stage.client();
  for (let n = 0; n < 20; n++) {
    await client.send(get());
    const response = await client.readResponse();
    assert.deepEqual([response.status, response.text, response.version], [200, "hello", "HTTP/1.1"]);
    assert.equal(response.header("connection"), undefined);
  }
  assert.equal(stage.endpoint.connections, 1);
});

test("pipelined requests are answered in order, also when the first is slow", async () => {
  await using stage = await setStage([
    byPath({ "/slow": delayed(60, answer("slow")), "/": answer("fast") }),
    byPath({ "/slow": delayed(60, answer("slow")), "/": answer("fast") }),
  ]);
  using client = await stage.client();
  await client.send(get("/slow") + get("/1") + get("/slow") + get("/2"));
  for (const text of ["slow", "fast", "slow", "fast"]) assert.equal((await client.readResponse()).text, text);
});

test("a hundred requests in one packet get a hundred answers", async () => {
  await using stage = await setStage(echo());
  using client = await stage.client();
  const targets = Array.from({ length: 100 }, (_, n) => `/${n}`);
  await client.send(targets.map((target) => get(target)).join(""));
  for (const target of targets) {
    assert.equal((JSON.parse((await client.readResponse()).text) as Echoed).target, target);
  }
});

test("requests with bodies can be split anywhere", async () => {
  await using stage = await setStage(echo());
  const chunked =
    "PUT /b HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nT: 1\r\n\r\n";
  const bytes = get("/a") + chunked + post("xyz") + get("/c");
  for (let cut = 1; cut < bytes.length; cut += 2) {
    using client = await stage.client();
    await client.send(bytes.slice(0, cut));
    await new Promise((resolve) => setImmediate(resolve));
    await client.send(bytes.slice(cut));
    const seen: string[] = [];
    for (let n = 0; n < 4; n++) {
      const { target, body } = JSON.parse((await client.readResponse()).text) as Echoed;
      seen.push(`${target} ${body}`);
    }
    assert.deepEqual(seen, ["/a ", "/b hi", "/ xyz", "/c "], `cut at ${cut}`);
  }
});

test("requests that come byte by byte are answered", async () => {
  await using stage = await setStage(echo());
  using client = await stage.client();
  await client.send(get("/a") + post("xyz"), { bytePauseMs: 0 });
  assert.equal((JSON.parse((await client.readResponse()).text) as Echoed).target, "/a");
  assert.equal((JSON.parse((await client.readResponse()).text) as Echoed).body, "xyz");
});

test("an empty line before a request is forgiven", async () => {
  await using stage = await setStage(answer("x"));
  using client = await stage.client();
  await client.send(`${post("body")}\r\n${get()}`);
  await client.readResponse();
  assert.equal((await client.readResponse()).status, 200);
});

test("HTTP/1.0 without keep-alive: the answer says close, and the connection closes", async () => {
  await using stage = await setStage(answer("x"));
  using client = await stage.client();
  await client.send(`${GET_1_0}\r\n`);
  const response = await client.readResponse();
  assert.deepEqual([response.text, response.header("connection")], ["x", "close"]);
  assert.deepEqual(await client.waitForClose(), { how: "fin", bytes: 0 });
});

test("HTTP/1.0 with keep-alive: the answer says so, and the connection carries another", async () => {
  await using stage = await setStage(answer("x"));
  using client = await stage.client();
  for (let n = 0; n < 2; n++) {
    await client.send(`${GET_1_0}Connection: keep-alive\r\n\r\n`);
    const response = await client.readResponse();
    assert.deepEqual([response.text, response.header("connection")], ["x", "keep-alive"]);
  }
});

test("Connection: close is honoured, also with requests behind it", async () => {
  await using stage = await setStage(answer("x"));
  using client = await stage.client();
  await client.send(get("/", "Connection: close") + get("/after"));
  const response = await client.readResponse();
  assert.deepEqual([response.text, response.header("connection")], ["x", "close"]);
  assert.equal((await client.waitForClose()).bytes, 0);
  assert.equal(stage.endpoint.requests.length, 1);
});

test("an endpoint that closes after each answer costs the client nothing", async () => {
  await using stage = await setStage(answer({ body: "x", fields: [["Connection", "close"]] }));
  using client = await stage.client();
  for (let n = 0; n < 3; n++) {
    await client.send(get());
    const response = await client.readResponse();
    assert.deepEqual([response.text, response.header("connection")], ["x", undefined]);
  }
  assert.equal(stage.endpoint.connections, 3);
});

test("a flood of pipelined requests is held back, and still answered", async () => {
  const gate = closedGate();
  await using stage = await setStage(gate.before(answer("x")));
  using client = await stage.client();
  const one = get("/", `X-Fill: ${"x".repeat(50_000)}`);
  const count = 250;
  const sent = client.send(one.repeat(count));
  const waiting = await atRest(() => client.socket.writableLength);
  assert.ok(waiting > (one.length * count) / 4, `only ${waiting} bytes were held back`);
  assert.equal(stage.endpoint.requests.length, 1);
  gate.open();
  for (let n = 0; n < count; n++) assert.equal((await client.readResponse()).text, "x");
  await sent;
  assert.equal(stage.endpoint.requests.length, count);
});

test("an idle connection is closed by FIN after the idle limit", async () => {
  await using stage = await setStage(answer("x"), { limits: { idleMs: 100 } });
  using client = await stage.client();
  await client.send(get());
  await client.readResponse();
  assert.deepEqual(await client.waitForClose(), { how: "fin", bytes: 0 });
});
