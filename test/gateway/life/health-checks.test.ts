/**
 * Active health checks against real endpoints: who is taken out, who comes back, and who is probed at all.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { answer, byPath, delayed, type Answer } from "../../kit/behaviours.ts";
import { startEndpoint, type TestEndpoint } from "../../kit/endpoint.ts";
import type { Behaviour } from "../../kit/exchange.ts";
import { startGateway, type TestGateway } from "../../kit/gateway.ts";
import { exchangeOnce } from "../../kit/raw-client.ts";
import { waitUntil } from "../../kit/wait.ts";
import { poolsPage } from "./admin-pages.ts";
import { startMortal } from "./mortal-endpoint.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const CHECK = { intervalSeconds: 1, timeoutSeconds: 1, unhealthyThreshold: 2, healthyThreshold: 2 };
const HTTP_CHECK = { healthCheck: { ...CHECK, httpGet: { path: "/health" } } };
const TCP_CHECK = { healthCheck: { ...CHECK, tcpSocket: {} } };
const SICK: Answer = { status: 500, reason: "Sick" };

const serving = (name: string, health: Behaviour = answer("fine")): Behaviour =>
  byPath({ "/": answer(name), "/health": health });

async function stateOf(gateway: TestGateway, key: string): Promise<string | undefined> {
  const { pools } = await poolsPage(gateway.adminPort);
  return pools[0]?.endpoints.find((endpoint) => endpoint.key === key)?.state;
}

const becomes = (gateway: TestGateway, { key }: { readonly key: string }, state: string): Promise<void> =>
  waitUntil(async () => (await stateOf(gateway, key)) === state, `${key} to become ${state}`, 8_000);

const probes = ({ requests }: TestEndpoint): number =>
  requests.filter(({ target }) => target === "/health").length;

async function answers(gateway: TestGateway, count: number): Promise<readonly string[]> {
  const texts: string[] = [];
  for (let i = 0; i < count; i++) texts.push((await exchangeOnce(gateway.port, GET)).text);
  return texts;
}

describe("active health checks", { concurrency: true }, () => {
  test("HTTP: out after the threshold, nothing while out, back after the threshold", async () => {
    await using a = await startEndpoint(serving("a"));
    await using b = await startEndpoint(serving("b"));
    await using gateway = await startGateway({
      pools: { web: [a, b] },
      policy: { ...HTTP_CHECK, balancing: { policy: "RoundRobin" } },
    });
    const { fields } = await waitUntil(() => probes(b) > 0, "the first probe").then(() => b.requests[0]!);
    assert.deepEqual(
      fields.map(([name, value]) => [name.toLowerCase(), value]).filter(([name]) => name !== "connection"),
      [
        ["host", b.key],
        ["user-agent", "plimsoll-health-check"],
      ],
    );
    let failed = 0;
    const sickly = answer(SICK);
    b.behave(
      serving("b", (exchange) => {
        failed++;
        return sickly(exchange);
      }),
    );
    await becomes(gateway, b, "unhealthy");
    assert.ok(failed >= 2, "one failure is not enough");
    assert.deepEqual(await answers(gateway, 6), Array(6).fill("a"));

    b.behave(serving("b"));
    const sick = probes(b);
    await becomes(gateway, b, "healthy");
    assert.ok(probes(b) >= sick + 2, "one success is not enough");
    assert.ok((await answers(gateway, 4)).includes("b"));
  });

  test("HTTP: no answer in time is a failure, a redirect is none", async () => {
    await using slow = await startEndpoint(serving("slow", delayed(1_300, answer("late"))));
    await using moved = await startEndpoint(serving("moved", answer({ status: 302, reason: "Found" })));
    await using gateway = await startGateway({ pools: { web: [slow, moved] }, policy: HTTP_CHECK });
    await becomes(gateway, slow, "unhealthy");
    await waitUntil(() => probes(moved) >= 3, "three probes");
    assert.equal(await stateOf(gateway, moved.key), "healthy");
  });

  test("TCP: an endpoint that is down is out, and back when it accepts", async () => {
    await using a = await startEndpoint(serving("a"));
    await using b = await startMortal(serving("b"));
    await using gateway = await startGateway({ pools: { web: [a, b] }, policy: TCP_CHECK });
    await b.die();
    await becomes(gateway, b, "unhealthy");
    assert.deepEqual(await answers(gateway, 6), Array(6).fill("a"));
    await b.revive();
    await becomes(gateway, b, "healthy");
    assert.equal(b.requestCount, 0, "a TCP probe sends nothing");
  });

  test("when all fail, all serve", async () => {
    await using a = await startEndpoint(serving("a", answer(SICK)));
    await using b = await startEndpoint(serving("b", answer(SICK)));
    const policy = { ...HTTP_CHECK, balancing: { policy: "RoundRobin" } };
    await using gateway = await startGateway({ pools: { web: [a, b] }, policy });
    await Promise.all([becomes(gateway, a, "unhealthy"), becomes(gateway, b, "unhealthy")]);
    assert.deepEqual((await answers(gateway, 4)).toSorted(), ["a", "a", "b", "b"]);
  });

  test("a reload changes the check: another path, another interval, none at all", async () => {
    const table = { "/": answer("a"), "/health": answer(SICK), "/ready": answer("fine") };
    await using a = await startEndpoint(byPath(table));
    await using b = await startEndpoint(byPath({ ...table, "/": answer("b") }));
    const pools = { web: [a, b] };
    const slow = { healthCheck: { intervalSeconds: 60, httpGet: { path: "/health" } } };
    await using gateway = await startGateway({ pools, policy: slow });
    // Counted from the reload: a minute's rhythm must not outlive the minute.
    assert.equal(await gateway.rewrite({ pools, policy: HTTP_CHECK }), true);
    await becomes(gateway, a, "unhealthy");
    const ready = { healthCheck: { ...CHECK, httpGet: { path: "/ready" } } };
    assert.equal(await gateway.rewrite({ pools, policy: ready }), true);
    await becomes(gateway, a, "healthy");
    assert.equal(await gateway.rewrite({ pools, policy: HTTP_CHECK }), true);
    await becomes(gateway, a, "unhealthy");
    assert.equal(await gateway.rewrite({ pools }), true);
    assert.equal(await stateOf(gateway, a.key), "healthy", "without checks nobody is unhealthy");
    const before = probes(a);
    await sleep(1_500);
    assert.equal(probes(a), before);
  });

  test("an endpoint that leaves is probed no more; one that comes back meanwhile starts afresh", async () => {
    const table = { "/": answer("b"), "/slow": delayed(5_000, answer("slow")), "/health": answer(SICK) };
    await using a = await startEndpoint(serving("a"));
    await using b = await startEndpoint(byPath(table));
    const policy = { ...HTTP_CHECK, balancing: { policy: "RoundRobin" } };
    await using gateway = await startGateway({ pools: { web: [b] }, policy });
    // Holds the endpoint's slot in the brain while the endpoint is away.
    const slow = exchangeOnce(gateway.port, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    await waitUntil(() => b.requests.some(({ target }) => target === "/slow"), "the slow request");
    await becomes(gateway, b, "unhealthy");
    assert.equal(await gateway.rewrite({ pools: { web: [a] }, policy }), true);
    const before = probes(b);
    await sleep(1_300);
    assert.equal(probes(b), before);
    b.behave(serving("b"));
    assert.equal(await gateway.rewrite({ pools: { web: [a, b] }, policy }), true);
    await becomes(gateway, b, "healthy");
    assert.ok((await answers(gateway, 4)).includes("b"));
    assert.equal((await slow).text, "slow");
  });
});
