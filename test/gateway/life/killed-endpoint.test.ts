/**
 * An endpoint dies, hangs, comes back: who notices, and with what answer.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import { startEndpoint } from "../../kit/endpoint.ts";
import { startGateway } from "../../kit/gateway.ts";
import { servesLoad, startLoad, type Seen, type Tally } from "../../kit/load.ts";
import { hang } from "../../kit/misbehaviours.ts";
import { waitUntil } from "../../kit/wait.ts";
import { metric } from "./admin-pages.ts";
import { startMortal } from "./mortal-endpoint.ts";

/** Long enough for requests to be in flight at any moment. */
const SERVICE_MS = 5;

function assertAllAnswered(tally: Tally): void {
  assert.deepEqual([tally.refused, tally.lost, tally.wrong], [[], [], []]);
  assert.equal(tally.answered, tally.sent);
}

/** An endpoint that is a process of its own, so that SIGKILL can end it. */
const PROGRAM = `
require("node:http").createServer((request, response) => {
  request.resume().on("end", () => {
    const id = request.headers["x-load-id"];
    setTimeout(() => response.setHeader("X-Load-Id", id).end(id), ${SERVICE_MS});
  });
}).listen(0, "127.0.0.1", function () { console.log(this.address().port); });
`;

describe("an endpoint that fails under load", { concurrency: true }, () => {
  test("all its connections reset, one of three: every GET is answered", async () => {
    const seen: Seen = new Map();
    await using a = await startEndpoint(servesLoad(seen, "a", SERVICE_MS));
    await using b = await startEndpoint(servesLoad(seen, "b", SERVICE_MS));
    await using mortal = await startMortal(servesLoad(seen, "c", SERVICE_MS));
    await using gateway = await startGateway({ pools: { web: [a, b, mortal] } });
    await using load = startLoad({ port: gateway.port, connections: 12 });
    await waitUntil(() => mortal.requestCount > 10, "traffic to the endpoint");
    await mortal.die();
    await load.answers(300);
    assertAllAnswered(await load.stop());
    assert.ok((await metric(gateway.adminPort, 'plimsoll_retries_total{cause="refused-stream"}')) > 0);
    assert.equal(await metric(gateway.adminPort, "plimsoll_defects_total"), 0);
  });

  // Every third pick is the dead endpoint's and costs a retry, which is free while nothing was sent.
  test("a policy that does not learn, one of three dead: every GET is answered", async () => {
    const seen: Seen = new Map();
    await using a = await startEndpoint(servesLoad(seen, "a"));
    await using b = await startEndpoint(servesLoad(seen, "b"));
    await using mortal = await startMortal(servesLoad(seen, "c"));
    const policy = { balancing: { policy: "RoundRobin" } };
    await using gateway = await startGateway({ pools: { web: [a, b, mortal] }, policy });
    await using load = startLoad({ port: gateway.port, connections: 12 });
    await mortal.die();
    await load.answers(1_200);
    const { refused } = await load.stop();
    assert.equal(refused.length, 0, `${refused.length} beside 1,200 answers: ${refused[0]?.why}`);
  });

  test("it dies and comes back, three times: every GET is answered, and it gets traffic each time", async () => {
    const seen: Seen = new Map();
    await using good = await startEndpoint(servesLoad(seen, "good", SERVICE_MS));
    await using mortal = await startMortal(servesLoad(seen, "mortal", SERVICE_MS));
    const policy = { balancing: { policy: "RoundRobin" } };
    await using gateway = await startGateway({ pools: { web: [good, good, good, mortal] }, policy });
    await using load = startLoad({ port: gateway.port, connections: 6 });
    for (let round = 0; round < 3; round++) {
      await waitUntil(() => mortal.requestCount > 10, "traffic to the endpoint");
      await mortal.die();
      await load.answers(40);
      await mortal.revive();
    }
    await waitUntil(() => mortal.requestCount > 10, "traffic to the endpoint that is back");
    assertAllAnswered(await load.stop());
  });

  test("a process killed with SIGKILL: every GET is answered", async () => {
    const seen: Seen = new Map();
    await using a = await startEndpoint(servesLoad(seen, "a", SERVICE_MS));
    const child = spawn(process.execPath, ["-e", PROGRAM], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      const [line] = (await once(child.stdout, "data")) as [Buffer];
      const doomed = { host: "127.0.0.1", port: Number(String(line)) };
      await using gateway = await startGateway({ pools: { web: [a, doomed] } });
      await using load = startLoad({ port: gateway.port, connections: 8 });
      await waitUntil(() => load.tally.answered - seen.size > 20, "traffic to the process");
      child.kill("SIGKILL");
      await once(child, "exit");
      await load.answers(150);
      assertAllAnswered(await load.stop());
    } finally {
      child.kill("SIGKILL");
    }
  });

  test("of POSTs, only those already sent to the dead endpoint fail, each with a named refusal", async () => {
    const seen: Seen = new Map();
    await using a = await startEndpoint(servesLoad(seen, "a", SERVICE_MS));
    await using b = await startEndpoint(servesLoad(seen, "b", SERVICE_MS));
    await using mortal = await startMortal(servesLoad(seen, "c", SERVICE_MS));
    await using gateway = await startGateway({ pools: { web: [a, b, mortal] } });
    await using load = startLoad({ port: gateway.port, connections: 12, method: "POST" });
    await waitUntil(() => mortal.requestCount > 10, "traffic to the endpoint");
    await mortal.die();
    await load.answers(200);
    const tally = await load.stop();
    assert.deepEqual([tally.lost, tally.wrong], [[], []]);
    assert.equal(tally.answered + tally.refused.length, tally.sent);
    for (const { id, status, why } of tally.refused) {
      assert.deepEqual([id, status, why], [id, 502, "endpoint-reset"]);
      // The last of them may have died on the wire, before the endpoint read it.
      assert.deepEqual(
        seen.get(id) ?? ["c"],
        ["c"],
        "it was sent to the endpoint that died, and to no other",
      );
    }
    assert.ok(tally.refused.length <= 12, `at most one a connection failed: ${tally.refused.length}`);
    for (const [id, names] of seen) assert.equal(names.length, 1, `${id} was sent to ${names.join()}`);
  });

  test("one that accepts and hangs costs the requests that it has; then traffic stays away", async () => {
    const seen: Seen = new Map();
    await using good = await startEndpoint(servesLoad(seen, "good", SERVICE_MS));
    await using sick = await startMortal(servesLoad(seen, "sick", SERVICE_MS));
    await using gateway = await startGateway({
      pools: { web: [good, sick] },
      policy: { retries: { perTryTimeout: "400ms" } },
    });
    await using load = startLoad({ port: gateway.port, connections: 8 });
    await waitUntil(() => sick.requestCount > 10, "traffic to the endpoint");
    sick.behave(hang());
    await load.answers(400);
    const { refused, lost, wrong } = await load.stop();
    assert.deepEqual([lost, wrong], [[], []]);
    for (const { status, why } of refused) assert.deepEqual([status, why], [504, "try-timeout"]);
    assert.ok(refused.length > 0 && refused.length <= 16, `${refused.length} timed out beside 400 answers`);
  });

  test("all down: each request is refused by name; when one is back, traffic flows at once", async () => {
    const seen: Seen = new Map();
    await using a = await startMortal(servesLoad(seen, "a"));
    await using b = await startMortal(servesLoad(seen, "b"));
    await using gateway = await startGateway({ pools: { web: [a, b] } });
    await using load = startLoad({ port: gateway.port, connections: 4, pauseMs: 2 });
    await load.answers(20);
    await Promise.all([a.die(), b.die()]);
    await waitUntil(
      () => load.tally.refused.length > 50,
      () => `refusals: ${JSON.stringify(load.tally)}`,
    );
    await b.revive();
    await load.answers(50);
    const tally = await load.stop();
    assert.deepEqual([tally.lost, tally.wrong], [[], []]);
    for (const { status, why } of tally.refused) {
      assert.equal(status, 502);
      assert.ok(why === "connect-failed" || why === "endpoint-reset", why);
    }
  });
});
