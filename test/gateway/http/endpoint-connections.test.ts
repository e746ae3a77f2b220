/**
 * Connections to endpoints: kept and used again, within their limits, and given up when the endpoint says or does
 * something that makes them doubtful. Nothing an endpoint says unasked ever reaches a client.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, byPath, inTurn } from "../../kit/behaviours.ts";
import { answerTwice, closeAfterAnswer, closeOnReuse, hang, raw } from "../../kit/misbehaviours.ts";
import { waitUntil } from "../../kit/wait.ts";
import { closedGate, get, post, refusalOf, setStage, type Stage } from "./stage.ts";

const TWO_ANSWERS =
  "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\noneHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";

async function connectionsGone(stage: Stage, limitMs?: number): Promise<void> {
  await waitUntil(() => stage.endpoint.openConnections === 0, "the endpoint's connections close", limitMs);
}

test("many clients in turn share one connection", async () => {
  await using stage = await setStage(answer("x"));
  for (let n = 0; n < 10; n++) assert.equal((await stage.ask(get())).text, "x");
  assert.equal(stage.endpoint.connections, 1);
});

test("as many connections as requests at once, and no more when they come again", async () => {
  const gate = closedGate();
  await using stage = await setStage(gate.before(answer("x")));
  const wave = Promise.all(Array.from({ length: 8 }, () => stage.ask(get())));
  await waitUntil(() => stage.inFlight() === 8, "eight requests in flight");
  await waitUntil(() => stage.endpoint.requests.length === 8, "eight requests at the endpoint");
  gate.open();
  await wave;
  await Promise.all(Array.from({ length: 8 }, () => stage.ask(get())));
  assert.equal(stage.endpoint.connections, 8);
});

test("a connection ends after maxRequestsPerConnection", async () => {
  await using stage = await setStage(answer("x"), {
    policy: { connectionPool: { http: { maxRequestsPerConnection: 3 } } },
  });
  using client = await stage.client();
  for (let n = 0; n < 7; n++) {
    await client.send(get());
    await client.readResponse();
  }
  const used = stage.endpoint.requests.map(({ connection, nth }) => `${connection}.${nth}`);
  assert.deepEqual(used, ["1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "3.1"]);
  await waitUntil(() => stage.endpoint.openConnections === 1, "spent connections close");
});

test("at maxConnections a further request is refused, and taken again when there is room", async () => {
  const gate = closedGate();
  await using stage = await setStage(gate.before(answer("x")), {
    policy: { connectionPool: { tcp: { maxConnections: 2 } } },
  });
  const busy = [stage.ask(get()), stage.ask(get())];
  await waitUntil(() => stage.inFlight() === 2, "both connections are busy");
  using client = await stage.client();
  await client.send(get());
  const refused = await client.readResponse();
  assert.deepEqual([refused.status, refusalOf(refused)], [503, "pool-full"]);
  assert.equal(refused.header("connection"), undefined);
  gate.open();
  await Promise.all(busy);
  await client.send(get());
  assert.equal((await client.readResponse()).text, "x");
  assert.equal(stage.endpoint.connections, 2);
});

test("a connection that the endpoint closed while it was idle costs no request", async () => {
  await using stage = await setStage(answer("x"));
  using client = await stage.client();
  for (const request of [get(), post("body"), get()]) {
    await client.send(request);
    assert.equal((await client.readResponse()).status, 200);
    stage.endpoint.closeIdle();
    await connectionsGone(stage);
  }
  assert.equal(stage.endpoint.connections, 3);
});

test("an endpoint that closes after each answer without saying so costs no GET", async () => {
  await using stage = await setStage(closeAfterAnswer(answer("x")));
  using client = await stage.client();
  for (let n = 0; n < 20; n++) {
    await client.send(get());
    assert.equal((await client.readResponse()).text, "x");
  }
});

test("the keep-alive race: GET goes out again, POST that was sent is refused and not repeated", async () => {
  await using stage = await setStage(closeOnReuse(answer("x")));
  assert.equal((await stage.ask(get("/1"))).status, 200);
  assert.equal((await stage.ask(get("/2"))).status, 200);
  const refused = await stage.ask(post("body"));
  assert.deepEqual([refused.status, refusalOf(refused)], [502, "endpoint-reset"]);
  const seen = stage.endpoint.requests.map(({ method, target }) => `${method} ${target}`);
  assert.deepEqual(seen, ["GET /1", "GET /2", "GET /2", "POST /"]);
  const records = await stage.records(3);
  assert.deepEqual(
    records.map(({ attempts }) => attempts.map(({ outcome, reused }) => `${outcome} ${reused}`)),
    [["success false"], ["refused true", "success false"], ["refused true"]],
  );
  assert.equal(records[2]?.retryStop, "not-replayable");
});

test("Keep-Alive: timeout=1 is left a margin: the connection is closed before the endpoint closes it", async () => {
  await using stage = await setStage(answer({ body: "x", fields: [["Keep-Alive", "timeout=1, max=100"]] }));
  await stage.ask(get());
  await connectionsGone(stage, 900);
});

test("an idle connection ends after the policy's idle time", async () => {
  await using stage = await setStage(answer("x"), { policy: { timeouts: { idle: "100ms" } } });
  await stage.ask(get());
  assert.equal(stage.endpoint.openConnections, 1);
  await connectionsGone(stage, 1_000);
});

test("bytes on an idle connection end it, and nobody gets them", async () => {
  const said = Promise.withResolvers<(text: string) => Promise<void>>();
  await using stage = await setStage(
    inTurn(async (exchange) => {
      await exchange.write("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
      said.resolve((text) => exchange.write(text));
      await hang()(exchange);
    }, answer("two")),
  );
  assert.equal((await stage.ask(get())).text, "one");
  await (
    await said.promise
  )("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  await connectionsGone(stage);
  assert.equal((await stage.ask(get())).text, "two");
  assert.equal(stage.endpoint.connections, 2);
});

for (const [how, behaviour] of [
  ["in one packet", raw(TWO_ANSWERS)],
  ["one after the other", answerTwice({ body: "one" })],
] as const) {
  test(`a second answer nobody asked for is dropped with its connection (${how})`, async () => {
    await using stage = await setStage(inTurn(behaviour, answer("two")));
    assert.equal((await stage.ask(get())).text, "one");
    await connectionsGone(stage);
    assert.equal((await stage.ask(get())).text, "two");
    assert.equal(stage.endpoint.connections, 2);
  });
}

test("a second answer does not become that of a pipelined request", async () => {
  await using stage = await setStage(byPath({ "/first": raw(TWO_ANSWERS), "/second": answer("two") }));
  using client = await stage.client();
  await client.send(get("/first") + get("/second"));
  assert.equal((await client.readResponse()).text, "one");
  assert.equal((await client.readResponse()).text, "two");
});

test("nor does the rest behind a response without a body", async () => {
  const head = "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
  await using stage = await setStage(byPath({ "/first": raw(head), "/second": answer("two") }));
  using client = await stage.client();
  await client.send(get("/first") + get("/second"));
  assert.equal((await client.readResponse()).status, 204);
  assert.equal((await client.readResponse()).text, "two");
});

test("connections to an endpoint that left the pool close once they are idle", async () => {
  const gate = closedGate();
  await using stage = await setStage([gate.before(answer("left")), answer("stays")]);
  const answers = Promise.all([stage.ask(get()), stage.ask(get())]);
  const [leaving, staying] = stage.endpoints;
  await waitUntil(() => leaving!.requests.length === 1 || stage.inFlight() === 0, "the leaver is busy");
  assert.ok(await stage.gateway.rewrite({ pools: { pool: [staying!] } }));
  assert.equal((await stage.ask(get())).text, "stays");
  gate.open();
  assert.deepEqual((await answers).map(({ text }) => text).toSorted(), ["left", "stays"]);
  await connectionsGone(stage);
});
