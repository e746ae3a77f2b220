/**
 * Clients that leave, and clients that only stop talking: the former's request is cancelled at the endpoint, the
 * latter's is answered.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, echo, hugeBody } from "../../kit/behaviours.ts";
import { hang } from "../../kit/misbehaviours.ts";
import { silentPort } from "../../kit/ports.ts";
import { waitUntil } from "../../kit/wait.ts";
import { claims, lendGateway } from "./gateway-loan.ts";
import { closedGate, get, post, request, setStage, type Stage } from "./stage.ts";
import { rawClient } from "../../kit/raw-client.ts";

/** FIN alone, as a closed socket sends it, and RST. */
const WAYS = ["close", "reset"] as const;

async function cancelled(stage: Stage, why: string): Promise<void> {
  await waitUntil(() => stage.endpoint.openConnections === 0, "the endpoint's connection closes", 2_000);
  await stage.settled();
  const record = await stage.record();
  assert.deepEqual([record.endedBy, record.why, record.refusal], ["client", why, null]);
  assert.deepEqual(
    record.attempts.map(({ outcome }) => outcome),
    ["cancelled"],
  );
}

for (const how of WAYS) {
  test(`while the answer is awaited (${how})`, async () => {
    await using stage = await setStage(hang());
    using client = await stage.client();
    await client.send(get());
    await waitUntil(() => stage.endpoint.requests.length === 1, "the request arrives");
    client[how]();
    await cancelled(stage, "client-gone");
    assert.equal((await stage.record()).status, 0);
  });

  test(`while a body is sent (${how})`, async () => {
    await using stage = await setStage(hang());
    using client = await stage.client();
    await client.send(request("POST", "/", "Content-Length: 1000") + "x".repeat(500));
    await waitUntil(() => stage.endpoint.requests.length === 1, "the request arrives");
    client[how]();
    await cancelled(stage, how === "close" ? "request-cut" : "client-gone");
    assert.equal(stage.endpoint.requests[0]?.complete, false);
  });

  test(`while an answer is received (${how})`, async () => {
    await using stage = await setStage(hugeBody({ bytes: 64 << 20 }));
    using client = await stage.client();
    await client.send(get());
    await client.readHead();
    await client.readBytes(1 << 20);
    client[how]();
    await cancelled(stage, "client-gone");
  });

  test(`while the endpoint is connected to (${how})`, { skip: process.platform !== "linux" }, async () => {
    await using silent = await silentPort();
    const loan = await lendGateway({ pools: { pool: [{ host: "127.0.0.1", port: silent.port }] } }, {});
    const client = await rawClient(loan.gateway.port);
    await client.send(get());
    await waitUntil(() => claims(loan.gateway) === 1, "the gateway connects");
    client[how]();
    await waitUntil(() => claims(loan.gateway) === 0, "the claim is given back", 2_000);
    const [record] = await loan.records(1);
    assert.deepEqual([record?.endedBy, record?.why], ["client", "client-gone"]);
    await loan.end();
  });
}

test("between two requests a client may leave without a trace", async () => {
  await using stage = await setStage(answer("x"));
  for (const how of WAYS) {
    using client = await stage.client();
    await client.send(get());
    await client.readResponse();
    client[how]();
  }
  await waitUntil(() => stage.gateway.running.gateway.connectionCount === 0, "both connections are gone");
  assert.equal(stage.endpoint.openConnections, 1);
  assert.deepEqual(
    (await stage.records(2)).map(({ endedBy }) => endedBy),
    ["completion", "completion"],
  );
});

test("in the middle of a head a client may leave without a trace", async () => {
  await using stage = await setStage(answer("x"));
  using client = await stage.client();
  await client.send("GET / HTTP/1.1\r\nHo");
  await waitUntil(() => stage.gateway.running.gateway.connectionCount === 1, "the connection is there");
  client.end();
  assert.deepEqual(await client.waitForClose(), { how: "fin", bytes: 0 });
  assert.equal(stage.endpoint.connections, 0);
});

test("pipelined requests of a client that left are not sent", async () => {
  await using stage = await setStage(hang());
  using client = await stage.client();
  await client.send(get("/1") + get("/2") + get("/3"));
  await waitUntil(() => stage.endpoint.requests.length === 1, "the first request arrives");
  client.reset();
  await cancelled(stage, "client-gone");
  assert.equal(stage.endpoint.requests.length, 1);
});

for (const version of ["1.0", "1.1"]) {
  test(`a client that half-closes after its request gets the answer (HTTP/${version})`, async () => {
    const gate = closedGate();
    await using stage = await setStage(gate.before(answer("late")));
    using client = await stage.client();
    await client.send(`GET / HTTP/${version}\r\nHost: a.test\r\n\r\n`);
    client.end();
    await waitUntil(() => stage.endpoint.requests.length === 1, "the request arrives");
    if (version === "1.1") assert.equal((await client.readHead()).startLine, "HTTP/1.1 100 Continue");
    gate.open();
    const response = await client.readResponse();
    assert.deepEqual([response.text, response.header("connection")], ["late", "close"]);
    assert.deepEqual(await client.waitForClose(), { how: "fin", bytes: 0 });
    assert.equal((await stage.record()).endedBy, "completion");
  });
}

test("a client that half-closes after its request's body gets the answer", async () => {
  await using stage = await setStage(echo());
  using client = await stage.client();
  await client.send(post("body"));
  client.end();
  const response = await client.readResponse();
  assert.match(response.text, /"body":"body"/);
  assert.equal((await client.waitForClose()).how, "fin");
});

test("a client that half-closes during the answer gets all of it", async () => {
  await using stage = await setStage(hugeBody({ bytes: 32 << 20 }));
  using client = await stage.client();
  await client.send(get());
  const head = await client.readHead();
  assert.match(head.raw, /33554432/);
  client.end();
  let bytes = 0;
  while (bytes < 32 << 20) bytes += (await client.readBytes(1 << 20)).length;
  assert.deepEqual(await client.waitForClose(), { how: "fin", bytes: 0 });
});

test("a client that half-closes behind pipelined requests gets all answers, the last marked so", async () => {
  const gate = closedGate();
  await using stage = await setStage(gate.before(answer("x")));
  using client = await stage.client();
  await client.send(get("/1") + get("/2"));
  client.end();
  await client.readHead();
  gate.open();
  const first = await client.readResponse();
  assert.deepEqual([first.text, first.header("connection")], ["x", undefined]);
  const second = await client.readResponse();
  assert.deepEqual([second.text, second.header("connection")], ["x", "close"]);
  assert.deepEqual(await client.waitForClose(), { how: "fin", bytes: 0 });
  assert.equal(stage.endpoint.requests.length, 2);
});

test("a client that sends its body slowly or leaves in the middle speaks for itself, not for the endpoint", async () => {
  await using stage = await setStage(answer("x"), { policy: { retries: { perTryTimeout: "200ms" } } });
  using slow = await stage.client();
  await slow.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  assert.equal((await slow.readResponse()).header("x-plimsoll-refusal"), "body-timeout");
  const record = await stage.record();
  assert.deepEqual([record.endedBy, record.attempts[0]?.outcome], ["client", "cancelled"]);
  const [pool] = stage.gateway.running.gateway.view.pools.values();
  const [report] = pool!.brain.report(stage.gateway.running.gateway.clock());
  assert.deepEqual([report!.failures, report!.latencyMs], [0, undefined]);
});
