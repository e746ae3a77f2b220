/**
 * How the real process ends: by SIGTERM under load, at the drain limit, at once, killed; and SIGHUP, which is no end.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { answer, byPath, events, headText } from "../../kit/behaviours.ts";
import { startEndpoint } from "../../kit/endpoint.ts";
import { startGateway } from "../../kit/gateway.ts";
import { servedTwice, servesLoad, startLoad, type Seen } from "../../kit/load.ts";
import { hang } from "../../kit/misbehaviours.ts";
import { exchangeOnce, rawClient } from "../../kit/raw-client.ts";
import { waitUntil } from "../../kit/wait.ts";
import { adminPage, metric } from "./admin-pages.ts";
import { gated } from "./gate.ts";
import { startProcess } from "./process.ts";

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

async function isRefused(port: number): Promise<boolean> {
  try {
    (await rawClient(port)).close();
    return false;
  } catch {
    return true;
  }
}

describe("the end of the process", { concurrency: true }, () => {
  test("SIGTERM under load: what was begun is finished, nothing is lost, and the exit code is 0", async () => {
    const seen: Seen = new Map();
    const gate = gated(answer("slow"));
    await using endpoint = await startEndpoint(
      byPath({
        "/load": servesLoad(seen, "a", 5),
        "/slow": gate.behaviour,
        "/events": events({ count: 8, intervalMs: 200 }),
      }),
    );
    await using plimsoll = await startProcess({ pools: { web: [endpoint] } });
    const { port, adminPort } = plimsoll;
    await using gets = startLoad({ port, connections: 8, name: "get" });
    await using posts = startLoad({ port, connections: 4, method: "POST", name: "post" });
    await Promise.all([gets.answers(50), posts.answers(20)]);
    using idle = await rawClient(port);
    await idle.send(get("/load/x").replace("\r\n\r\n", "\r\nX-Load-Id: x\r\n\r\n"));
    await idle.readResponse();
    using stream = await rawClient(port);
    await stream.send(get("/events"));
    await stream.readHead();
    using slow = await rawClient(port);
    await slow.send(get("/slow"));
    await waitUntil(() => endpoint.requests.some(({ target }) => target === "/slow"), "the slow request");
    assert.equal((await adminPage(adminPort, "/readyz")).status, 200);

    const startedMs = Date.now();
    plimsoll.signal("SIGTERM");
    await waitUntil(async () => (await adminPage(adminPort, "/readyz")).status === 503, "readyz 503");
    assert.equal((await adminPage(adminPort, "/healthz")).status, 200, "alive while it drains");
    // Unready first, so that others can look elsewhere; the door closes a moment later.
    await waitUntil(() => isRefused(port), "new connections are refused");
    gate.open();
    const last = await slow.readResponse();
    assert.deepEqual([last.status, last.text, last.header("connection")], [200, "slow", "close"]);
    assert.match(await stream.readThrough("data: 8\n\n"), /data: 7/, "the stream comes to its own end");
    assert.deepEqual(await idle.waitForClose(), { how: "fin", bytes: 0 });
    assert.deepEqual(await plimsoll.exit(), { code: 0, signal: null });
    assert.ok(Date.now() - startedMs < 6_000, "it does not wait for the drain limit");

    for (const tally of [await gets.stop(), await posts.stop()]) {
      assert.deepEqual([tally.refused, tally.lost, tally.wrong], [[], [], []]);
      assert.equal(tally.answered, tally.sent);
      assert.equal(tally.announced, tally.connections, "each connection was told that it ends");
    }
    assert.deepEqual(servedTwice(seen), []);
    await assert.rejects(rawClient(port));
  });

  test("SIGHUP reads the manifests anew, unless it drains; at the drain limit what hangs is cut, exit code 0", async () => {
    await using endpoint = await startEndpoint(hang());
    const args = ["--drain-timeout", "500ms"];
    await using plimsoll = await startProcess({ pools: { web: [endpoint] } }, { args });
    const reloads = 'plimsoll_config_reloads_total{result="accepted"}';
    plimsoll.signal("SIGHUP");
    await waitUntil(async () => (await metric(plimsoll.adminPort, reloads)) === 2, "the reload");
    using client = await rawClient(plimsoll.port);
    await client.send(get("/"));
    await waitUntil(() => endpoint.requests.length === 1, "the request");
    const startedMs = Date.now();
    plimsoll.signal("SIGTERM");
    await waitUntil(() => plimsoll.log().some(({ msg }) => msg === "draining"), "draining");
    plimsoll.signal("SIGHUP");
    await client.waitForClose();
    assert.deepEqual(await plimsoll.exit(), { code: 0, signal: null });
    const tookMs = Date.now() - startedMs;
    assert.ok(tookMs >= 450 && tookMs < 6_000, `took ${tookMs} ms`);
    assert.ok(plimsoll.log().some(({ msg }) => msg.startsWith("drain limit reached")));
    assert.equal(plimsoll.log().filter(({ msg }) => msg === "configuration reloaded").length, 1);
  });

  test("a second SIGTERM ends at once", async () => {
    await using endpoint = await startEndpoint(hang());
    await using plimsoll = await startProcess({ pools: { web: [endpoint] } });
    using client = await rawClient(plimsoll.port);
    await client.send(get("/"));
    await waitUntil(() => endpoint.requests.length === 1, "the request");
    plimsoll.signal("SIGTERM");
    await waitUntil(() => plimsoll.log().some(({ msg }) => msg === "draining"), "draining");
    const startedMs = Date.now();
    plimsoll.signal("SIGTERM");
    assert.deepEqual(await plimsoll.exit(), { code: 1, signal: null });
    assert.ok(Date.now() - startedMs < 2_000);
  });

  test("an unwanted answer that never ends is given up, so that it keeps neither connection nor process", async () => {
    await using stuck = await startEndpoint(async (exchange) => {
      await exchange.readBody();
      await exchange.write(headText({ status: 503, reason: "Busy" }, 100));
      await exchange.write("the first of it");
    });
    await using good = await startEndpoint(answer("good"));
    const policy = { balancing: { policy: "RoundRobin" } };
    await using gateway = await startGateway({ pools: { web: [stuck, good] }, policy });
    const ask = async (): Promise<void> => {
      const before = stuck.requests.length;
      while (stuck.requests.length === before) {
        assert.equal((await exchangeOnce(gateway.port, get("/"))).text, "good");
      }
    };
    await ask();
    await waitUntil(() => stuck.openConnections === 0, "the connection to be given up", 4_000);
    await ask();
    await gateway.running.stop();
    await waitUntil(() => stuck.openConnections === 0, "no connection after the end", 500);
  });

  test("after kill -9 the next one serves on the same port at once", async () => {
    await using endpoint = await startEndpoint(answer("ok"));
    const setup = { pools: { web: [endpoint] } };
    await using first = await startProcess(setup);
    await using load = startLoad({ port: first.port, connections: 4 });
    await waitUntil(() => load.tally.refused.length + load.tally.wrong.length > 20, "traffic");
    first.signal("SIGKILL");
    assert.deepEqual(await first.exit(), { code: null, signal: "SIGKILL" });
    await load.stop();
    await using second = await startProcess(setup, { port: first.port });
    assert.equal((await exchangeOnce(second.port, get("/"))).text, "ok");
    second.signal("SIGTERM");
    assert.equal((await second.exit()).code, 0);
  });
});
