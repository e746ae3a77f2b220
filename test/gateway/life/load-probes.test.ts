/**
 * Load probes on real sockets: who reports a high load gets little under Prequal, on connections of the probes' own, and
 * nobody is asked without traffic or without a path.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { answer, byPath, type Answer } from "../../kit/behaviours.ts";
import { startEndpoint, type TestEndpoint } from "../../kit/endpoint.ts";
import type { Behaviour } from "../../kit/exchange.ts";
import { startGateway } from "../../kit/gateway.ts";
import { exchangeOnce } from "../../kit/raw-client.ts";
import { waitUntil } from "../../kit/wait.ts";
import { metric } from "./admin-pages.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const PREQUAL = { balancing: { policy: "Prequal", prequal: { probe: { path: "/load" } } } };

const inField = (inFlight: number): Answer => ({
  fields: [["endpoint-load-metrics", `TEXT in_flight=${inFlight},cpu_utilization=0.5`]],
});
const inBody = (inFlight: number): Answer => ({
  body: JSON.stringify({ in_flight: inFlight, latency_ms: 3 }),
});

const serving = (name: string, load: Behaviour): Behaviour => byPath({ "/": answer(name), "/load": load });

const asked = ({ requests }: TestEndpoint): number =>
  requests.filter(({ target }) => target === "/load").length;
const served = ({ requests }: TestEndpoint): number => requests.filter(({ target }) => target === "/").length;

/** Resolves once no probe has come for half a second: those under way have ended, and nobody makes more. */
async function quiet(endpoints: readonly TestEndpoint[]): Promise<void> {
  const count = (): number => endpoints.reduce((sum, endpoint) => sum + asked(endpoint), 0);
  let before = count();
  let sinceMs = performance.now();
  await waitUntil(() => {
    const now = count();
    if (now !== before) sinceMs = performance.now();
    before = now;
    return performance.now() - sinceMs > 500;
  }, "the probes to end");
}

async function send(port: number, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 4) {
    await Promise.all(Array.from({ length: 4 }, () => exchangeOnce(port, GET)));
    await sleep(2);
  }
}

describe("load probes", { concurrency: true }, () => {
  test("who says it is full gets little, whoever it is and whichever way it says so", async () => {
    // Hot is who is above the 84 % quantile of what probes say: one of twelve is, surely.
    const started = await Promise.all(
      Array.from({ length: 12 }, (_, i) => startEndpoint(serving(`e${i}`, answer(inField(1))))),
    );
    await using stack = new AsyncDisposableStack();
    for (const endpoint of started) stack.use(endpoint);
    await using gateway = await startGateway({ pools: { web: started }, policy: PREQUAL });
    // Told by a field in one phase and by the body in the other: chance does not follow whom we name.
    for (const [index, say] of [inField, inBody].entries()) {
      const full = started[index * 5]!;
      for (const [i, endpoint] of started.entries())
        endpoint.behave(serving(`e${i}`, answer(say(endpoint === full ? 500 : 1 + (i % 3)))));
      const asks = started.map(asked);
      await waitUntil(async () => {
        await send(gateway.port, 8);
        return started.every((endpoint, i) => asked(endpoint) > asks[i]! + 3);
      }, "probes of all");
      // A fair share is 30. Probes that a busy machine delays leave a while to chance, but not this long.
      let share = 0;
      await waitUntil(
        async () => {
          const before = served(full);
          await send(gateway.port, 360);
          share = served(full) - before;
          return share <= 10;
        },
        () => `little sent to who is full; it was ${share} of 360`,
      );
    }
    const reports = 'plimsoll_load_probes_total{pool="default/web:80",result="report"}';
    const told = await metric(gateway.adminPort, reports);
    const probes = started.reduce((sum, endpoint) => sum + asked(endpoint), 0);
    // Some may still be on their way, or were too late on a busy machine.
    assert.ok(told <= probes && told > probes / 2, `${told} reports by ${probes} probes`);
    const { fields } = started[0]!.requests.find(({ target }) => target === "/load")!;
    const agent = fields.find(([name]) => name.toLowerCase() === "user-agent");
    assert.equal(agent?.[1], "plimsoll-load-probe");
    assert.ok(started[0]!.connections < 15, `${started[0]!.connections} connections; probes need one`);
  });

  test("without traffic nobody is asked", async () => {
    await using a = await startEndpoint(serving("a", answer(inField(0))));
    await using b = await startEndpoint(serving("b", answer(inField(0))));
    await using gateway = await startGateway({ pools: { web: [a, b] }, policy: PREQUAL });
    await sleep(300);
    assert.equal(asked(a) + asked(b), 0);
    await send(gateway.port, 20);
    await waitUntil(() => asked(a) + asked(b) > 0, "a probe");
    await quiet([a, b]);
    const after = asked(a) + asked(b);
    assert.ok(after <= 20, `${after} probes for 20 requests`);
    await sleep(300);
    assert.equal(asked(a) + asked(b), after);
  });

  test("without a path nobody is asked", async () => {
    await using a = await startEndpoint(serving("a", answer(inField(0))));
    await using b = await startEndpoint(serving("b", answer(inField(0))));
    const policy = { balancing: { policy: "Prequal" } };
    await using gateway = await startGateway({ pools: { web: [a, b] }, policy });
    await send(gateway.port, 60);
    await sleep(100);
    assert.equal(asked(a) + asked(b), 0);
    assert.equal(served(a) + served(b), 60);
  });

  test("who does not answer, or not with a report, costs nobody anything and is served by own knowledge", async () => {
    await using a = await startEndpoint(serving("a", () => new Promise(() => {})));
    await using b = await startEndpoint(serving("b", answer({ status: 404, reason: "Not Found" })));
    await using c = await startEndpoint(serving("c", answer("what?")));
    await using gateway = await startGateway({ pools: { web: [a, b, c] }, policy: PREQUAL });
    const startedMs = performance.now();
    let sent = 0;
    for (; performance.now() - startedMs < 1_300; sent += 12) await send(gateway.port, 12);
    assert.equal(served(a) + served(b) + served(c), sent);
    // One at a time, and each is given up after a second.
    const seconds = (performance.now() - startedMs) / 1_000;
    assert.ok(asked(a) >= 1 && asked(a) <= seconds + 1, `${asked(a)} in ${seconds} s`);
    assert.ok(
      (await metric(
        gateway.adminPort,
        'plimsoll_load_probes_total{pool="default/web:80",result="nothing"}',
      )) > 5,
    );
  });

  test("a reload that takes the path away ends the probes", async () => {
    await using a = await startEndpoint(serving("a", answer(inField(0))));
    await using b = await startEndpoint(serving("b", answer(inField(0))));
    const pools = { web: [a, b] };
    await using gateway = await startGateway({ pools, policy: PREQUAL });
    await send(gateway.port, 40);
    await waitUntil(() => asked(a) + asked(b) > 2, "probes");
    assert.equal(await gateway.rewrite({ pools, policy: { balancing: { policy: "Prequal" } } }), true);
    await quiet([a, b]);
    const before = asked(a) + asked(b);
    await send(gateway.port, 40);
    // Probes would come at once, as they did before.
    await sleep(200);
    assert.equal(asked(a) + asked(b), before);
  });
});
