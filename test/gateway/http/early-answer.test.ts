/**
 * Answers that come before the request's body has: the client gets the answer whole, and the connection ends in a
 * way that cannot lose it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sendAnswer } from "../../kit/behaviours.ts";
import { answerEarly } from "../../kit/misbehaviours.ts";
import { get, refusalOf, request, setStage } from "./stage.ts";

const TOO_LARGE = { status: 413, reason: "Content Too Large", body: "no" };

for (const then of ["read", "close", "ignore"] as const) {
  test(`the answer reaches a client that is still sending (endpoint: ${then})`, async () => {
    await using stage = await setStage(answerEarly(TOO_LARGE, then));
    using client = await stage.client();
    await client.send(request("POST", "/", "Content-Length: 500000") + "x".repeat(100_000));
    const response = await client.readResponse();
    assert.deepEqual([response.status, response.text], [413, "no"]);
    await client.send("x".repeat(100_000));
    client.end();
    assert.deepEqual(await client.waitForClose(), { how: "fin", bytes: 0 });
    await stage.settled();
    const { status, refusal, endedBy, attempts } = await stage.record();
    assert.deepEqual([status, refusal, endedBy], [413, null, "completion"]);
    assert.equal(attempts.length, 1);
  });
}

test("the rest of a request is never taken for the next one", async () => {
  await using stage = await setStage(answerEarly(TOO_LARGE, "ignore"));
  using client = await stage.client();
  await client.send(request("POST", "/", "Content-Length: 200"));
  await client.readResponse();
  await client.send(get("/smuggled"));
  client.end();
  assert.equal((await client.waitForClose()).bytes, 0);
  assert.deepEqual(
    stage.endpoint.requests.map(({ target }) => target),
    ["/"],
  );
});

test("an answer that begins early and ends late leaves the connection open", async () => {
  await using stage = await setStage(async (exchange) => {
    await exchange.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    await exchange.readBody();
    await exchange.write("3\r\ntwo\r\n0\r\n\r\n");
  });
  using client = await stage.client();
  for (let n = 0; n < 2; n++) {
    await client.send(request("POST", "/", "Content-Length: 4"));
    await client.readHead();
    assert.equal(await client.readThrough("\r\none\r\n"), "3\r\none\r\n");
    await client.send("body");
    assert.equal(await client.readThrough("0\r\n\r\n"), "3\r\ntwo\r\n0\r\n\r\n");
  }
  assert.equal(stage.endpoint.connections, 1);
});

test("a refusal reaches a client that is still sending", async () => {
  await using stage = await setStage((exchange) => sendAnswer(exchange, {}), {
    rules: [{ matches: [{ path: { value: "/known" } }], backendRefs: [{ name: "pool", port: 80 }] }],
  });
  using client = await stage.client();
  await client.send(request("POST", "/unknown", "Content-Length: 900000") + "x".repeat(300_000));
  await client.send("x".repeat(300_000));
  const response = await client.readResponse();
  assert.deepEqual([response.status, refusalOf(response)], [404, "no-route"]);
  assert.equal(response.header("connection"), "close");
  client.end();
  assert.deepEqual(await client.waitForClose(), { how: "fin", bytes: 0 });
  assert.equal(stage.endpoint.connections, 0);
});
