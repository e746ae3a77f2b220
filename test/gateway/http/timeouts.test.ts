/**
 * Times: each limit ends what it limits, with its own name, and nothing else. Deadlines are looked at every 50 ms, so
 * they strike late and never early.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, delayed, events } from "../../kit/behaviours.ts";
import { hang, neverReadBody } from "../../kit/misbehaviours.ts";
import { silentPort } from "../../kit/ports.ts";
import { waitUntil } from "../../kit/wait.ts";
import { assertRefused, get, request, setStage } from "./stage.ts";

/** A deadline of `ms` struck: not before, and not much later even on a busy machine. */
function assertStruck(startedMs: number, ms: number): void {
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs >= ms - 1 && tookMs < ms + 2_000, `struck after ${tookMs} ms instead of ${ms}`);
}

const RULE = { backendRefs: [{ name: "pool", port: 80 }] };

for (const [what, options] of [
  ["the policy's perTryTimeout", { policy: { retries: { perTryTimeout: "150ms" } } }],
  ["the rule's backendRequest", { rules: [{ ...RULE, timeouts: { backendRequest: "150ms" } }] }],
  [
    "the rule before the policy",
    {
      policy: { retries: { perTryTimeout: "9s" } },
      rules: [{ ...RULE, timeouts: { backendRequest: "150ms" } }],
    },
  ],
] as const) {
  test(`no head in the time of one attempt is try-timeout, and not tried again (${what})`, async () => {
    await using stage = await setStage([hang(), hang()], options);
    const startedMs = performance.now();
    assertRefused(await stage.ask(get()), "try-timeout");
    assertStruck(startedMs, 150);
    const { attempts, retryStop } = await stage.record();
    assert.deepEqual([attempts.map(({ outcome }) => outcome), retryStop], [["timeout"], "not-retriable"]);
    await waitUntil(() => stage.endpoints.every((each) => each.openConnections === 0), "connections close");
  });
}

for (const [what, options] of [
  ["the policy's request", { policy: { timeouts: { request: "150ms" } } }],
  ["the rule's request", { rules: [{ ...RULE, timeouts: { request: "150ms" } }] }],
  [
    "the rule before the policy",
    { policy: { timeouts: { request: "9s" } }, rules: [{ ...RULE, timeouts: { request: "150ms" } }] },
  ],
] as const) {
  test(`no head in the time of the whole request is request-timeout (${what})`, async () => {
    await using stage = await setStage(hang(), options);
    const startedMs = performance.now();
    assertRefused(await stage.ask(get()), "request-timeout");
    assertStruck(startedMs, 150);
    const { attempts } = await stage.record();
    assert.deepEqual(
      attempts.map(({ outcome }) => outcome),
      ["timeout"],
    );
    await waitUntil(() => stage.endpoint.openConnections === 0, "the connection closes");
  });
}

test("a rule may switch the policy's times off", async () => {
  await using stage = await setStage(delayed(300, answer("late")), {
    policy: { timeouts: { request: "100ms" }, retries: { perTryTimeout: "100ms" } },
    rules: [{ ...RULE, timeouts: { request: "0s", backendRequest: "0s" } }],
  });
  assert.equal((await stage.ask(get())).text, "late");
});

test("the request's time covers all attempts together", async () => {
  await using stage = await setStage(delayed(100, answer({ status: 503 })), {
    policy: { timeouts: { request: "250ms" }, retries: { attempts: 10 } },
  });
  const startedMs = performance.now();
  assertRefused(await stage.ask(get()), "request-timeout");
  assertStruck(startedMs, 250);
  const { attempts } = await stage.record();
  assert.ok(attempts.length >= 2);
  assert.deepEqual([attempts.at(0)?.outcome, attempts.at(-1)?.outcome], ["server-error", "timeout"]);
});

test("an answer that is still coming when the request's time is up is cut", async () => {
  await using stage = await setStage(events({ count: 1_000, intervalMs: 20 }), {
    policy: { timeouts: { request: "200ms" } },
  });
  using client = await stage.client();
  const startedMs = performance.now();
  await client.send(get());
  await client.readHead();
  assert.equal((await client.waitForClose()).how, "rst");
  assertStruck(startedMs, 200);
  const { status, endedBy, why } = await stage.record();
  assert.deepEqual([status, endedBy, why], [200, "gateway", "request-timeout"]);
});

test("the time of one attempt ends with the answer's head: a long answer is not cut by it", async () => {
  await using stage = await setStage(events({ count: 5, intervalMs: 80 }), {
    policy: { retries: { perTryTimeout: "150ms" } },
  });
  assert.match((await stage.ask(get())).text, /data: 5/);
});

test("an answer that stands still for the idle time is cut", async () => {
  await using stage = await setStage(events({ count: 2, intervalMs: 5_000 }), {
    policy: { timeouts: { idle: "150ms" } },
  });
  using client = await stage.client();
  await client.send(get());
  await client.readHead();
  assert.equal((await client.waitForClose()).how, "rst");
  const { endedBy, why } = await stage.record();
  assert.deepEqual([endedBy, why], ["gateway", "idle-timeout"]);
});

test("an answer that trickles is not idle", async () => {
  await using stage = await setStage(events({ count: 6, intervalMs: 60 }), {
    policy: { timeouts: { idle: "200ms" } },
  });
  assert.match((await stage.ask(get())).text, /data: 6/);
});

test("a body that stands still for the idle time is body-timeout, the client's fault", async () => {
  await using stage = await setStage(hang(), { policy: { timeouts: { idle: "150ms" } } });
  using client = await stage.client();
  await client.send(`${request("POST", "/", "Content-Length: 10")}half`);
  assertRefused(await client.readResponse(), "body-timeout", "closed");
  assert.equal((await client.waitForClose()).how, "fin");
  const { endedBy, attempts } = await stage.record();
  assert.deepEqual([endedBy, attempts[0]?.outcome], ["client", "cancelled"]);
});

test("a body that the endpoint does not take is the endpoint's fault, not the client's", async () => {
  await using stage = await setStage(neverReadBody(), { policy: { timeouts: { idle: "200ms" } } });
  using client = await stage.client();
  const length = 64 << 20;
  await client.send(request("POST", "/", `Content-Length: ${length}`));
  const sent = client.send(Buffer.alloc(length));
  assertRefused(await client.readResponse(), "try-timeout", "closed");
  client.close();
  await sent;
  const { endedBy, attempts } = await stage.record();
  assert.deepEqual([endedBy, attempts[0]?.outcome], ["gateway", "timeout"]);
});

test("an upload that takes longer than the time of one attempt is not cut while it moves", async () => {
  await using stage = await setStage(answer("stored"), { policy: { retries: { perTryTimeout: "150ms" } } });
  using client = await stage.client();
  await client.send(request("POST", "/", "Content-Length: 10"));
  await client.send("0123456789", { bytePauseMs: 40 });
  assert.equal((await client.readResponse()).text, "stored");
});

test(
  "no connection within connectTimeout is connect-timeout, after all attempts",
  { skip: process.platform !== "linux" },
  async () => {
    await using silent = await silentPort();
    await using stage = await setStage([], {
      others: [{ host: "127.0.0.1", port: silent.port }],
      policy: { connectionPool: { tcp: { connectTimeout: "100ms" } } },
    });
    const startedMs = performance.now();
    assertRefused(await stage.ask(get()), "connect-timeout");
    assertStruck(startedMs, 300);
    const { attempts, retryStop } = await stage.record();
    assert.deepEqual(
      attempts.map(({ outcome }) => outcome),
      Array(3).fill("connect-failure"),
    );
    assert.equal(retryStop, "attempts-spent");
  },
);

test("a head that comes byte by byte within the limit is read", async () => {
  await using stage = await setStage(answer("fine"), { limits: { headTimeMs: 400 } });
  using client = await stage.client();
  await client.send(get(), { bytePauseMs: 1 });
  assert.equal((await client.readResponse()).text, "fine");
});

test("a head that is not finished in time is head-timeout, however busily its bytes come", async () => {
  await using stage = await setStage(answer("fine"), { limits: { headTimeMs: 400 } });
  using client = await stage.client();
  const startedMs = performance.now();
  const sending = client.send(get("/", `X: ${"x".repeat(1_000)}`), { bytePauseMs: 5 });
  assertRefused(await client.readResponse(), "head-timeout", "closed");
  assertStruck(startedMs, 400);
  client.close();
  await sending;
  const { status, refusal } = await stage.record();
  assert.deepEqual([status, refusal], [408, "head-timeout"]);
});

test("the time for a head begins with its first byte, not with the connection", async () => {
  await using stage = await setStage(answer("fine"), { limits: { headTimeMs: 400 } });
  using client = await stage.client();
  await new Promise((resolve) => setTimeout(resolve, 500));
  await client.send(get());
  assert.equal((await client.readResponse()).text, "fine");
});
