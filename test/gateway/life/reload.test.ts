/**
 * Reload under load: whatever the manifests become, no request is lost, doubled or refused that had a place to go.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, test } from "node:test";
import { answer, byPath, upgradeEcho } from "../../kit/behaviours.ts";
import { startEndpoint } from "../../kit/endpoint.ts";
import { startGateway, type GatewaySetup } from "../../kit/gateway.ts";
import { servedTwice, servesLoad, startLoad, type Seen, type Tally } from "../../kit/load.ts";
import { exchangeOnce, rawClient } from "../../kit/raw-client.ts";
import { waitUntil } from "../../kit/wait.ts";
import { configPage, metric } from "./admin-pages.ts";
import { gated } from "./gate.ts";
import { quietPort } from "./process.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const LAST_RELOAD = "plimsoll_config_last_reload_successful";

/** A second Gateway on a port of its own, with a route to the given Service. */
function secondGateway(port: number, service: string): object[] {
  const spec = { gatewayClassName: "plimsoll", listeners: [{ name: "http", port, protocol: "HTTP" }] };
  const rules = [{ backendRefs: [{ name: service, port: 80 }] }];
  const apiVersion = "gateway.networking.k8s.io/v1";
  return [
    { apiVersion, kind: "Gateway", metadata: { name: "second" }, spec },
    {
      apiVersion,
      kind: "HTTPRoute",
      metadata: { name: "second" },
      spec: { parentRefs: [{ name: "second" }], rules },
    },
  ];
}

function weighted(web: number, extra: number): object[] {
  return [
    {
      backendRefs: [
        { name: "web", port: 80, weight: web },
        { name: "extra", port: 80, weight: extra },
      ],
    },
  ];
}

function assertFlawless(tally: Tally): void {
  assert.deepEqual(
    { refused: tally.refused, lost: tally.lost, wrong: tally.wrong, unreachable: tally.unreachable },
    { refused: [], lost: [], wrong: [], unreachable: 0 },
  );
  assert.equal(tally.answered, tally.sent);
}

function connects(port: number): Promise<boolean> {
  return rawClient(port).then(
    (client) => {
      client.close();
      return true;
    },
    () => false,
  );
}

describe("reload", { concurrency: true }, () => {
  test("twenty-eight reloads under load lose, double and refuse nothing", async () => {
    const seen: Seen = new Map();
    await using a = await startEndpoint(servesLoad(seen, "a"));
    await using b = await startEndpoint(servesLoad(seen, "b"));
    await using c = await startEndpoint(servesLoad(seen, "c"));
    await using d = await startEndpoint(servesLoad(seen, "d"));
    const secondPort = await quietPort();
    const route = [{ matches: [{ path: { value: "/new" } }], backendRefs: [{ name: "web", port: 80 }] }];
    const base: GatewaySetup = { pools: { web: [a, b] } };
    const both = { web: [a, b], extra: [c, d] };
    const steps: readonly (GatewaySetup | string)[] = [
      { pools: { web: [a, b, c] } },
      { pools: { web: [c] } },
      "kind: [unclosed",
      { pools: both, rules: weighted(1, 1) },
      { pools: both, rules: weighted(9, 1) },
      { pools: { web: [d], extra: [a] }, rules: weighted(1, 3) },
      { pools: { web: [d, b] }, policy: { balancing: { policy: "RoundRobin" } } },
      { pools: { web: [d, b] }, policy: { balancing: { policy: "LocalityAware" } } },
      "kind: Gateway",
      { pools: { web: [a, b, c, d] }, policy: { balancing: { policy: "LeastRequest" } } },
      { pools: { web: [a, b] }, rules: [...route, { backendRefs: [{ name: "web", port: 80 }] }] },
      { pools: { web: [a], extra: [c] }, more: secondGateway(secondPort, "extra") },
      {
        pools: { web: [b], extra: [c] },
        policy: { connectionPool: { http: { maxRequestsPerConnection: 5 } } },
      },
      base,
    ];

    await using gateway = await startGateway(base);
    await using gets = startLoad({ port: gateway.port, connections: 6, name: "get" });
    await using posts = startLoad({ port: gateway.port, connections: 4, method: "POST", name: "post" });
    let accepted = 0;
    let rejected = 0;
    for (const step of [...steps, ...steps]) {
      const isGood = typeof step !== "string";
      assert.equal(await (isGood ? gateway.rewrite(step) : gateway.rewriteText(step)), isGood);
      if (isGood) accepted++;
      else rejected++;
      await Promise.all([gets.answers(15), posts.answers(10)]);
      assert.equal(await connects(secondPort), isGood && step.more !== undefined, "the second port");
    }
    const tallies = [await gets.stop(), await posts.stop()] as const;
    for (const tally of tallies) assertFlawless(tally);
    assert.deepEqual([tallies[0].connections, tallies[1].connections], [6, 4], "no client was disconnected");
    assert.deepEqual(servedTwice(seen), []);
    assert.equal(seen.size, tallies[0].answered + tallies[1].answered);
    const { adminPort } = gateway;
    // The watcher sees the same edits, and on a slow machine takes some of them up once more.
    assert.ok((await metric(adminPort, 'plimsoll_config_reloads_total{result="accepted"}')) > accepted);
    assert.ok((await metric(adminPort, 'plimsoll_config_reloads_total{result="rejected"}')) >= rejected);
    assert.equal(await metric(adminPort, "plimsoll_defects_total"), 0);
  });

  test("an endpoint that leaves its slice finishes its requests, then loses its connections", async () => {
    const gate = gated(answer("slow"));
    const table = { "/slow": gate.behaviour, "/": answer("stays"), "/tunnel": upgradeEcho() };
    await using leaving = await startEndpoint(byPath(table));
    await using staying = await startEndpoint(byPath(table));
    await using gateway = await startGateway({ pools: { web: [leaving] } });
    await Promise.all([1, 2, 3, 4].map(() => exchangeOnce(gateway.port, GET)));
    using tunnel = await rawClient(gateway.port);
    await tunnel.send(
      "GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    assert.equal((await tunnel.readResponse()).status, 101);
    const slow = exchangeOnce(gateway.port, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    await waitUntil(() => leaving.requests.some(({ target }) => target === "/slow"), "the slow request");

    assert.equal(await gateway.rewrite({ pools: { web: [staying] } }), true);
    const before = leaving.requests.length;
    await waitUntil(() => leaving.openConnections === 2, "only the busy connections stay open");
    for (let i = 0; i < 5; i++) assert.equal((await exchangeOnce(gateway.port, GET)).text, "stays");
    assert.equal(leaving.requests.length, before);
    gate.open();
    assert.equal((await slow).text, "slow");
    await waitUntil(() => leaving.openConnections === 1, "the slow request's connection to close");
    await tunnel.send("still here");
    assert.equal(String(await tunnel.readBytes(10)), "still here");
    tunnel.end();
    await waitUntil(() => leaving.openConnections === 0, "the tunnel's connection to close");
  });

  test("a bad reload keeps the old configuration and says so; a good one recovers", async () => {
    await using endpoint = await startEndpoint(answer("old"));
    await using next = await startEndpoint(answer("new"));
    await using gateway = await startGateway({ pools: { web: [endpoint] } });
    const { adminPort } = gateway;
    assert.equal(await metric(adminPort, LAST_RELOAD), 1);

    const unknownPolicy = { pools: { web: [next] }, policy: { balancing: { policy: "BestEver" } } };
    assert.equal(await gateway.rewrite(unknownPolicy), false);
    assert.equal(await metric(adminPort, LAST_RELOAD), 0);
    assert.equal(await metric(adminPort, "plimsoll_config_epoch"), 1);
    const { accepted, rejected } = await configPage(adminPort);
    assert.equal(accepted?.epoch, 1);
    const [problem] = rejected?.problems ?? [];
    assert.match(problem?.message ?? "", /BestEver|policy/);
    assert.match(problem?.file ?? "", /manifests\.yaml$/);
    assert.equal((await exchangeOnce(gateway.port, GET)).text, "old");

    assert.equal(await gateway.rewrite({ pools: { web: [next] } }), true);
    assert.equal(await metric(adminPort, LAST_RELOAD), 1);
    assert.equal((await configPage(adminPort)).rejected, null);
    assert.equal((await exchangeOnce(gateway.port, GET)).text, "new");
  });

  test("a reload whose new port is taken changes nothing and names the port", async () => {
    const seen: Seen = new Map();
    await using endpoint = await startEndpoint(servesLoad(seen, "a"));
    await using gateway = await startGateway({ pools: { web: [endpoint] } });
    const squatter = createServer().listen(0);
    await once(squatter, "listening");
    const taken = (squatter.address() as { port: number }).port;
    const free = await quietPort();
    await using load = startLoad({ port: gateway.port, connections: 3 });
    await load.answers(5);

    const more = [...secondGateway(taken, "web"), ...thirdListener(free)];
    assert.equal(await gateway.rewrite({ pools: { web: [endpoint] }, more }), false);
    const { rejected } = await configPage(gateway.adminPort);
    assert.match(rejected?.problems.map(({ message }) => message).join() ?? "", new RegExp(`port ${taken}`));
    assert.equal(await connects(free), false, "a port that was bound on the way is let go again");
    await load.answers(10);

    squatter.close();
    await once(squatter, "close");
    assert.equal(await gateway.rewrite({ pools: { web: [endpoint] }, more }), true);
    assert.equal(await connects(taken), true);
    assert.equal(await connects(free), true);
    assertFlawless(await load.stop());
  });

  test("a listener's port that is removed lets its clients go: what is in flight ends, then the connection", async () => {
    const gate = gated(answer("slow"));
    await using endpoint = await startEndpoint(byPath({ "/slow": gate.behaviour, "/": answer("ok") }));
    const port = await quietPort();
    const pools = { web: [endpoint] };
    await using gateway = await startGateway({ pools, more: secondGateway(port, "web") });
    using busy = await rawClient(port);
    using idle = await rawClient(port);
    using elsewhere = await rawClient(gateway.port);
    await idle.send(GET);
    assert.equal((await idle.readResponse()).text, "ok");
    await busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    await waitUntil(() => endpoint.requests.length === 2, "the slow request");

    assert.equal(await gateway.rewrite({ pools }), true);
    assert.equal(await connects(port), false);
    gate.open();
    const last = await busy.readResponse();
    assert.deepEqual([last.text, last.header("connection")], ["slow", "close"]);
    assert.equal((await busy.waitForClose()).how, "fin");
    assert.deepEqual(await idle.waitForClose(), { how: "fin", bytes: 0 });
    await elsewhere.send(GET);
    assert.equal((await elsewhere.readResponse()).header("connection"), undefined);
  });
});

/** One more Gateway without a route. */
function thirdListener(port: number): object[] {
  const listeners = [{ name: "http", port, protocol: "HTTP" }];
  const spec = { gatewayClassName: "plimsoll", listeners };
  return [{ apiVersion: "gateway.networking.k8s.io/v1", kind: "Gateway", metadata: { name: "third" }, spec }];
}
