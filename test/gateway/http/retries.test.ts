/**
 * Retries: what goes out again, what never does, and how the record tells of it. RoundRobin makes the order of the
 * endpoints plain; an endpoint once tried is not tried again while there are others.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, withInterim, type Answer } from "../../kit/behaviours.ts";
import { closeBeforeAnswer } from "../../kit/misbehaviours.ts";
import { refusingPort } from "../../kit/ports.ts";
import { waitUntil } from "../../kit/wait.ts";
import {
  assertRefused,
  closedGate,
  get,
  metric,
  post,
  request,
  setStage,
  type Address,
  type Stage,
  type StageOptions,
} from "./stage.ts";

const ROUND_ROBIN = { balancing: { policy: "RoundRobin" } };
const UNAVAILABLE: Answer = { status: 503, reason: "Service Unavailable", body: "from the endpoint" };

async function refusing(count: number): Promise<Address[]> {
  const ports = await Promise.all(Array.from({ length: count }, () => refusingPort()));
  return ports.map((port) => ({ host: "127.0.0.1", port }));
}

/** A pool in which every request meets at least one refusing member first, whichever comes first. */
async function stageWithRefusing(count: number, options: StageOptions = {}): Promise<Stage> {
  const policy = { ...ROUND_ROBIN, ...options.policy };
  return setStage(answer("fine"), { others: await refusing(count), ...options, policy });
}

async function outcomes(stage: Stage): Promise<string[]> {
  return (await stage.record()).attempts.map(({ outcome }) => outcome);
}

/** How often the endpoints saw the only request of the test. */
function sightings(stage: Stage): number {
  return stage.endpoints.reduce((sum, { requests }) => sum + requests.length, 0);
}

test("a refused connection leads to the next endpoint, for every method, body included", async () => {
  await using stage = await stageWithRefusing(1);
  for (const bytes of [
    get(),
    post("body"),
    request("HEAD", "/"),
    post("patched", "PATCH"),
    post("put", "PUT"),
  ]) {
    for (let n = 0; n < 2; n++) {
      const method = bytes.slice(0, bytes.indexOf(" "));
      assert.equal((await stage.ask(bytes, method)).status, 200);
      assert.ok(bytes.endsWith(`\r\n\r\n${stage.endpoint.requests.at(-1)!.body.toString()}`));
    }
  }
  const records = await stage.records(10);
  assert.ok(records.every(({ attempts }) => attempts.at(-1)?.outcome === "success"));
  assert.ok(records.some(({ attempts }) => attempts[0]?.outcome === "connect-failure"));
});

test("a body that was still coming when the connection was refused goes to the next endpoint whole", async () => {
  await using stage = await stageWithRefusing(2);
  for (let n = 0; n < 3; n++) {
    using client = await stage.client();
    await client.send(request("POST", "/", "Content-Length: 8"));
    await client.send("one ");
    await waitUntil(() => stage.endpoint.requests.length === n + 1, "the head arrives");
    await client.send("two ");
    assert.equal((await client.readResponse()).status, 200);
    assert.equal(stage.endpoint.requests[n]?.body.toString(), "one two ");
  }
});

test("there are three attempts by default, each at another endpoint", async () => {
  const others = await refusing(5);
  await using stage = await setStage([], { others });
  assertRefused(await stage.ask(get()), "connect-failed");
  const { attempts, retryStop } = await stage.record();
  assert.equal(new Set(attempts.map(({ endpoint }) => endpoint)).size, 3);
  assert.deepEqual([attempts.length, retryStop], [3, "attempts-spent"]);
});

for (const [attempts, made] of [
  [1, 1],
  [2, 2],
  [6, 6],
] as const) {
  test(`attempts: ${attempts} means ${made} in all`, async () => {
    await using stage = await setStage(closeBeforeAnswer(), { policy: { retries: { attempts } } });
    assertRefused(await stage.ask(get()), "endpoint-reset");
    assert.deepEqual(await outcomes(stage), Array(made).fill("broken"));
    assert.equal(sightings(stage), made);
  });
}

for (const how of ["fin", "rst"] as const) {
  for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"]) {
    test(`a connection that ends before the answer (${how}): ${method} goes out again`, async () => {
      await using stage = await setStage([closeBeforeAnswer(how), answer("fine")], { policy: ROUND_ROBIN });
      const bytes = method === "PUT" ? post("body", "PUT") : request(method, "/");
      for (let n = 0; n < 2; n++) assert.equal((await stage.ask(bytes, method)).status, 200);
      const bodies = stage.endpoints[1]!.requests.map(({ body }) => body.toString());
      assert.deepEqual(bodies, method === "PUT" ? ["body", "body"] : ["", ""]);
      assert.ok(stage.endpoints[0]!.requests.length >= 1);
    });
  }

  for (const method of ["POST", "PATCH", "get"]) {
    test(`a connection that ends before the answer (${how}): ${method} does not go out again`, async () => {
      await using stage = await setStage([closeBeforeAnswer(how), closeBeforeAnswer(how)]);
      assertRefused(await stage.ask(post("body", method)), "endpoint-reset");
      assert.equal(sightings(stage), 1);
      const { retryStop } = await stage.record();
      assert.equal(retryStop, "not-replayable");
    });
  }
}

for (const [what, plan] of [
  ["with a body", UNAVAILABLE],
  ["in chunks", { ...UNAVAILABLE, framing: "chunked" }],
  ["until close", { ...UNAVAILABLE, framing: "close" }],
  ["without a body", { ...UNAVAILABLE, body: "" }],
  ["of a megabyte", { ...UNAVAILABLE, body: "x".repeat(1 << 20) }],
] as const) {
  test(`503 ${what} is tried elsewhere for GET, and nothing of it leaks`, async () => {
    await using stage = await setStage([answer(plan), answer("fine")], { policy: ROUND_ROBIN });
    using client = await stage.client();
    for (let n = 0; n < 6; n++) {
      await client.send(get());
      const response = await client.readResponse();
      assert.deepEqual([response.status, response.text], [200, "fine"]);
    }
    assert.ok(stage.endpoints[0]!.requests.length >= 1);
    assert.equal(stage.endpoints[1]!.requests.length, 6);
  });
}

test("a small 503 that was not wanted leaves its connection for the next request", async () => {
  await using stage = await setStage([answer(UNAVAILABLE), answer("fine")], { policy: ROUND_ROBIN });
  for (let n = 0; n < 8; n++) assert.equal((await stage.ask(get())).text, "fine");
  assert.deepEqual(
    stage.endpoints.map(({ connections }) => connections),
    [1, 1],
  );
});

test("503 goes to the client as it is when all attempts gave it, and for POST at once", async () => {
  await using stage = await setStage(answer(UNAVAILABLE));
  const got = await stage.ask(get());
  assert.deepEqual(
    [got.status, got.text, got.header("x-plimsoll-refusal")],
    [503, "from the endpoint", undefined],
  );
  assert.equal(stage.endpoint.requests.length, 3);
  const posted = await stage.ask(post("body"));
  assert.deepEqual([posted.status, posted.text], [503, "from the endpoint"]);
  assert.equal(stage.endpoint.requests.length, 4);
  const records = await stage.records(2);
  assert.deepEqual(
    records.map(({ attempts, retryStop, refusal }) => [attempts.length, retryStop, refusal]),
    [
      [3, "attempts-spent", null],
      [1, "not-replayable", null],
    ],
  );
});

test("other failures that an endpoint answers with go to the client at once", async () => {
  for (const status of [500, 502, 504, 429]) {
    await using stage = await setStage(answer({ status, reason: "Oh", body: "no" }));
    assert.equal((await stage.ask(get())).status, status);
    assert.equal(sightings(stage), 1);
  }
});

test("a body is kept for another attempt up to 64 KiB, and not beyond", async () => {
  for (const [bytes, status] of [
    [65_536, 200],
    [65_537, 502],
  ] as const) {
    await using stage = await setStage([closeBeforeAnswer(), answer("fine")], { policy: ROUND_ROBIN });
    const response = await stage.ask(post("x".repeat(bytes), "PUT"));
    const first = stage.endpoints[0]!.requests.length;
    assert.equal(response.status, first === 0 ? 200 : status, `${bytes} bytes`);
    if (first === 0) continue;
    assert.equal(stage.endpoints[1]!.requests.length, status === 200 ? 1 : 0);
    if (status === 200) assert.equal(stage.endpoints[1]!.requests[0]?.body.length, bytes);
  }
});

test("retryOn is a choice: what it leaves out is not tried again", async () => {
  const retries = { retryOn: "connect-failure" };
  await using closing = await setStage(closeBeforeAnswer(), { policy: { retries } });
  assertRefused(await closing.ask(get()), "endpoint-reset");
  assert.equal(sightings(closing), 1);
  await using unavailable = await setStage(answer(UNAVAILABLE), { policy: { retries } });
  assert.equal((await unavailable.ask(get())).status, 503);
  assert.equal(sightings(unavailable), 1);
  await using refused = await setStage([], {
    others: await refusing(4),
    policy: { retries: { retryOn: "unavailable, refused-stream" } },
  });
  assertRefused(await refused.ask(get()), "connect-failed");
  assert.deepEqual(await outcomes(refused), ["connect-failure"]);
});

test("when everything fails the budget ends the retries, and says how many it withheld", async () => {
  await using stage = await setStage(answer({ status: 503, body: "not now" }));
  const withheld = await metric(stage.gateway, "plimsoll_retries_withheld_total");
  const retried = await metric(stage.gateway, 'plimsoll_retries_total{cause="unavailable"}');
  const count = 150;
  using client = await stage.client();
  await client.send(get().repeat(count));
  for (let n = 0; n < count; n++) assert.equal((await client.readResponse()).status, 503);
  const made = (await metric(stage.gateway, 'plimsoll_retries_total{cause="unavailable"}')) - retried;
  // A fifth of 150 requests, and a reserve of ten per second for ten seconds.
  assert.ok(made >= 100 && made <= 130, `${made} retries`);
  assert.ok((await metric(stage.gateway, "plimsoll_retries_withheld_total")) - withheld >= 50);
  const records = await stage.records(count);
  assert.equal(records.at(-1)?.retryStop, "budget-spent");
});

test("a head without its body goes out again at once, also on a kept connection", async () => {
  const gate = closedGate();
  await using stage = await setStage(gate.before(answer("fine")));
  const filling = Promise.all([stage.ask(get()), stage.ask(get())]);
  await waitUntil(() => stage.endpoint.requests.length === 2, "two connections");
  gate.open();
  await filling;
  stage.endpoint.behave((exchange) => {
    if (exchange.request.connection <= 2) return exchange.end();
    return withInterim([{ status: 100, reason: "Continue" }], answer("stored"))(exchange);
  });
  using client = await stage.client();
  await client.send(request("PUT", "/", "Expect: 100-continue", "Content-Length: 4"));
  assert.equal((await client.readHead()).startLine, "HTTP/1.1 100 Continue");
  await client.send("body");
  assert.equal((await client.readResponse()).text, "stored");
  const record = (await stage.records(3)).at(-1);
  assert.deepEqual(
    record?.attempts.map(({ outcome }) => outcome),
    ["refused", "refused", "success"],
  );
});

test("a head without its body goes out again at once, also after a refused connection", async () => {
  await using stage = await stageWithRefusing(1);
  await stage.ask(get());
  stage.endpoint.behave(withInterim([{ status: 100, reason: "Continue" }], answer("stored")));
  for (let n = 0; n < 4; n++) {
    using client = await stage.client();
    await client.send(request("POST", "/", "Expect: 100-continue", "Content-Length: 4"));
    assert.equal((await client.readHead()).startLine, "HTTP/1.1 100 Continue");
    await client.send("body");
    assert.equal((await client.readResponse()).text, "stored");
  }
  assert.equal(stage.endpoint.connections, 1);
});

test("a client is answered once, and a POST is seen once, whatever the endpoints do", async () => {
  await using stage = await setStage([
    closeBeforeAnswer("rst"),
    answer(UNAVAILABLE),
    closeBeforeAnswer("fin"),
    answer("fine"),
  ]);
  using client = await stage.client();
  const count = 60;
  for (let n = 0; n < count; n++)
    await client.send(request("POST", `/${n}`, "Content-Length: 1") + "x" + get(`/get${n}`));
  for (let n = 0; n < 2 * count; n++) await client.readResponse();
  client.end();
  assert.deepEqual(await client.waitForClose(), { how: "fin", bytes: 0 });
  const seen = new Map<string, number>();
  for (const { requests } of stage.endpoints) {
    for (const { method, target } of requests) {
      if (method === "POST") seen.set(target, (seen.get(target) ?? 0) + 1);
    }
  }
  assert.deepEqual([...new Set(seen.values())], [1]);
  assert.equal((await stage.records(2 * count)).length, 2 * count);
});
