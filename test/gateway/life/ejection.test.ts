/**
 * Endpoints that are taken out on the evidence of their own requests, and come back: on real sockets, as log, metrics and
 * pages tell it.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { answer, byPath, type Answer } from "../../kit/behaviours.ts";
import { startEndpoint, type TestEndpoint } from "../../kit/endpoint.ts";
import { startGateway } from "../../kit/gateway.ts";
import { servesLoad, startLoad } from "../../kit/load.ts";
import { exchangeOnce } from "../../kit/raw-client.ts";
import { waitUntil } from "../../kit/wait.ts";
import { metric, poolsPage } from "./admin-pages.ts";
import { startMortal } from "./mortal-endpoint.ts";
import { startProcess, type LogLine } from "./process.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const ROUND_ROBIN = { balancing: { policy: "RoundRobin" } };
const SICK: Answer = { status: 500, reason: "Sick", body: "sick" };

interface Judged {
  readonly state: string;
  readonly ejection: { readonly reason: string; readonly count: number } | null;
}

async function judged(adminPort: number, { key }: { readonly key: string }): Promise<Judged> {
  const { pools } = await poolsPage(adminPort);
  return pools[0]!.endpoints.find((endpoint) => endpoint.key === key)! as unknown as Judged;
}

const becomes = (adminPort: number, endpoint: { readonly key: string }, state: string): Promise<void> =>
  waitUntil(
    async () => (await judged(adminPort, endpoint)).state === state,
    `${endpoint.key} to become ${state}`,
  );

async function texts(port: number, count: number): Promise<readonly string[]> {
  const all: string[] = [];
  for (let i = 0; i < count; i++) all.push((await exchangeOnce(port, GET)).text);
  return all;
}

const countOf = (all: readonly string[], text: string): number => all.filter((each) => each === text).length;

describe("ejection", { concurrency: true }, () => {
  test("an endpoint that answers 500 is out after five, and back by one good answer; log and metrics tell both", async () => {
    await using a = await startEndpoint(answer("a"));
    await using b = await startEndpoint(answer("b"));
    await using sick = await startEndpoint(answer(SICK));
    await using plimsoll = await startProcess({
      pools: { web: [a, b, sick] },
      policy: { ...ROUND_ROBIN, outlierDetection: { baseEjectionTime: "2s" } },
    });
    const { port, adminPort } = plimsoll;
    const out = 'plimsoll_ejected_endpoints{pool="default/web:80"}';
    assert.equal(await metric(adminPort, out), 0);
    const before = await texts(port, 30);
    assert.equal(countOf(before, "sick"), 5);
    const { state, ejection } = await judged(adminPort, sick);
    assert.deepEqual([state, ejection?.reason, ejection?.count], ["ejected", "consecutive-errors", 1]);
    assert.equal(await metric(adminPort, out), 1);

    const line = (msg: string): LogLine | undefined => plimsoll.log().find((each) => each.msg === msg);
    await waitUntil(() => line("endpoint ejected") !== undefined, "the ejection in the log");
    const ejected = line("endpoint ejected")!;
    assert.deepEqual(
      [ejected.level, ejected["pool"], ejected["endpoint"], ejected["reason"], ejected["inARow"]],
      ["warn", "default/web:80", sick.key, "consecutive-errors", 1],
    );
    const counted = 'plimsoll_ejections_total{pool="default/web:80",reason="consecutive-errors"}';
    assert.equal(await metric(adminPort, counted), 1);

    sick.behave(answer("well"));
    await waitUntil(async () => (await texts(port, 1))[0] === "well", "its trial");
    assert.equal((await judged(adminPort, sick)).state, "healthy");
    assert.equal(await metric(adminPort, out), 0);
    await waitUntil(() => line("endpoint is back from ejection") !== undefined, "the return in the log");
    const { level, endpoint, outMs } = line("endpoint is back from ejection")! as LogLine & { outMs: number };
    assert.deepEqual([level, endpoint], ["info", sick.key]);
    assert.ok(outMs >= 2_000, `${outMs}`);
  });

  test("a trial that fails costs one request, and the next comes later", async () => {
    await using a = await startEndpoint(answer("a"));
    await using sick = await startEndpoint(answer(SICK));
    const policy = { ...ROUND_ROBIN, outlierDetection: { baseEjectionTime: "400ms" } };
    await using gateway = await startGateway({ pools: { web: [a, sick] }, policy });
    // When each request that met it was sent, and when its answer had come.
    const met: { readonly sentMs: number; readonly backMs: number }[] = [];
    await waitUntil(async () => {
      const sentMs = performance.now();
      const [text] = await texts(gateway.port, 1);
      if (text === "sick") met.push({ sentMs, backMs: performance.now() });
      return met.length === 8;
    }, "five failures and three trials");
    const { state, ejection } = await judged(gateway.adminPort, sick);
    assert.deepEqual([state, ejection?.count], ["ejected", 4]);
    // Pauses of 0.4, 0.8 and 1.2 s, plus a tenth at most; however late a busy machine is, none is shorter.
    for (const [index, pauseMs] of [400, 800, 1_200].entries()) {
      const betweenMs = met[5 + index]!.backMs - met[4 + index]!.sentMs;
      assert.ok(betweenMs >= pauseMs, `trial ${index + 1} after ${betweenMs} ms`);
    }
  });

  test("a slow endpoint is judged by its peers' latency", async () => {
    await using a = await startEndpoint(servesLoad(new Map(), "a", 2));
    await using b = await startEndpoint(servesLoad(new Map(), "b", 2));
    // So slow that the others are many times faster on a busy machine too.
    await using slow = await startEndpoint(servesLoad(new Map(), "slow", 600));
    const outlierDetection = { interval: "1s", latencyRequestVolume: 10 };
    const policy = { ...ROUND_ROBIN, outlierDetection };
    await using gateway = await startGateway({ pools: { web: [a, b, slow] }, policy });
    await using load = startLoad({ port: gateway.port, connections: 24 });
    await becomes(gateway.adminPort, slow, "ejected");
    assert.equal((await judged(gateway.adminPort, slow)).ejection?.reason, "latency");
    const { lost, refused, wrong } = await load.stop();
    assert.deepEqual([lost, refused, wrong], [[], [], []]);
  });

  test("of two that both fail, one stays, and every request reaches an endpoint", async () => {
    await using a = await startEndpoint(answer(SICK));
    await using b = await startEndpoint(answer(SICK));
    await using gateway = await startGateway({ pools: { web: [a, b] }, policy: ROUND_ROBIN });
    const reached = ({ requests }: TestEndpoint): number => requests.length;
    assert.equal(countOf(await texts(gateway.port, 40), "sick"), 40);
    assert.equal(reached(a) + reached(b), 40);
    const states = await Promise.all([judged(gateway.adminPort, a), judged(gateway.adminPort, b)]);
    assert.ok(states.filter(({ state }) => state === "ejected").length <= 1);
    b.behave(answer("b"));
    await waitUntil(async () => (await texts(gateway.port, 1))[0] === "b", "the one that is well");
  });

  test("a reload keeps who is out; turning ejection off brings it back", async () => {
    await using a = await startEndpoint(answer("a"));
    await using b = await startEndpoint(answer("b"));
    await using sick = await startEndpoint(answer(SICK));
    const pools = { web: [a, b, sick] };
    await using gateway = await startGateway({ pools, policy: ROUND_ROBIN });
    await texts(gateway.port, 20);
    const before = await judged(gateway.adminPort, sick);
    assert.equal(before.state, "ejected");
    assert.equal(await gateway.rewrite({ pools, policy: { balancing: { policy: "LeastRequest" } } }), true);
    const { state, ejection } = await judged(gateway.adminPort, sick);
    assert.deepEqual([state, ejection], [before.state, before.ejection]);
    assert.equal(countOf(await texts(gateway.port, 20), "sick"), 0);
    const off = { ...ROUND_ROBIN, outlierDetection: { maxEjectionPercent: 0 }, slowStart: { window: "0s" } };
    assert.equal(await gateway.rewrite({ pools, policy: off }), true);
    assert.equal((await judged(gateway.adminPort, sick)).state, "healthy");
    assert.ok(countOf(await texts(gateway.port, 20), "sick") >= 5);
  });

  test("checks that fail and pass again with it end an ejection of 30 s early", async () => {
    const check = { intervalSeconds: 1, timeoutSeconds: 1, unhealthyThreshold: 2, healthyThreshold: 2 };
    await using a = await startEndpoint(byPath({ "/": answer("a"), "/health": answer("fine") }));
    await using b = await startEndpoint(byPath({ "/": answer(SICK), "/health": answer("fine") }));
    const policy = { ...ROUND_ROBIN, healthCheck: { ...check, httpGet: { path: "/health" } } };
    await using gateway = await startGateway({ pools: { web: [a, b] }, policy });
    await waitUntil(async () => {
      await texts(gateway.port, 4);
      return (await judged(gateway.adminPort, b)).state === "ejected";
    }, "its ejection");
    b.behave(byPath({ "/": answer(SICK), "/health": answer(SICK) }));
    await becomes(gateway.adminPort, b, "unhealthy");
    assert.equal((await judged(gateway.adminPort, b)).ejection?.reason, "consecutive-errors");
    b.behave(byPath({ "/": answer("b"), "/health": answer("fine") }));
    await waitUntil(async () => (await texts(gateway.port, 1))[0] === "b", "its trial");
    assert.equal((await judged(gateway.adminPort, b)).state, "healthy");
  });

  test("a process that was away for a second has traffic soon, not when scorers have forgotten, under the default policy", async () => {
    await using a = await startEndpoint(servesLoad(new Map(), "a", 5));
    await using b = await startEndpoint(servesLoad(new Map(), "b", 5));
    await using mortal = await startMortal(servesLoad(new Map(), "c", 5));
    await using gateway = await startGateway({ pools: { web: [a, b, mortal] } });
    await using load = startLoad({ port: gateway.port, connections: 12 });
    await waitUntil(() => mortal.requestCount > 20, "traffic to it");
    await mortal.die();
    await sleep(1_000);
    await mortal.revive();
    await waitUntil(() => mortal.requestCount > 0, "its trial");
    await waitUntil(() => mortal.requestCount > 20, "more than its trial");
    const { lost, refused, wrong } = await load.stop();
    assert.deepEqual([lost, refused, wrong], [[], [], []]);
  });
});
