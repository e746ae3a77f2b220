/**
 * The zone a gateway stands in, as `serve` is told it: its own zone's endpoints come first.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { answer } from "../../kit/behaviours.ts";
import { startEndpoint, type TestEndpoint } from "../../kit/endpoint.ts";
import type { GatewaySetup } from "../../kit/gateway.ts";
import { exchangeOnce } from "../../kit/raw-client.ts";
import { startProcess, type ProcessOptions } from "./process.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const REQUESTS = 120;

/** Four endpoints, the first two in zone east, the others in zone west. */
function zoned(endpoints: readonly TestEndpoint[]): GatewaySetup {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { ports: [{ name: "http", port: 80 }] },
  };
  const slices = endpoints.map(({ host, port }, index) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `web-${index}`, labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ name: "http", port }],
    endpoints: [{ addresses: [host], zone: index < 2 ? "east" : "west" }],
  }));
  const rules = [{ backendRefs: [{ name: "web", port: 80 }] }];
  const policy = {
    apiVersion: "plimsoll.dev/v1alpha1",
    kind: "BackendPolicy",
    metadata: { name: "web" },
    spec: { targetRefs: [{ group: "", kind: "Service", name: "web" }], balancing: { policy: "RoundRobin" } },
  };
  return { pools: {}, rules, more: [service, policy, ...slices] };
}

/** How many of the requests went to each zone. */
async function sentTo(options: ProcessOptions): Promise<{ readonly east: number; readonly west: number }> {
  await using stack = new AsyncDisposableStack();
  const endpoints = await Promise.all(Array.from({ length: 4 }, () => startEndpoint(answer("here"))));
  for (const endpoint of endpoints) stack.use(endpoint);
  await using plimsoll = await startProcess(zoned(endpoints), options);
  for (let i = 0; i < REQUESTS; i++) assert.equal((await exchangeOnce(plimsoll.port, GET)).text, "here");
  const [a, b, c, d] = endpoints.map(({ requests }) => requests.length);
  return { east: a! + b!, west: c! + d! };
}

describe("serve --zone", () => {
  test("prefers that zone, whichever it is", async () => {
    const east = await sentTo({ args: ["--zone", "east"] });
    const west = await sentTo({ args: ["--zone", "west"] });
    // 97 % stay.
    assert.ok(east.east >= REQUESTS * 0.88 && west.west >= REQUESTS * 0.88, JSON.stringify({ east, west }));
  });

  test("PLIMSOLL_ZONE says it too; an empty one says nothing", async () => {
    const before = process.env["PLIMSOLL_ZONE"];
    try {
      process.env["PLIMSOLL_ZONE"] = "west";
      const west = await sentTo({});
      process.env["PLIMSOLL_ZONE"] = "";
      const nowhere = await sentTo({ args: ["--seed", "3"] });
      assert.ok(west.west >= REQUESTS * 0.88, JSON.stringify(west));
      assert.deepEqual(nowhere, { east: REQUESTS / 2, west: REQUESTS / 2 });
    } finally {
      if (before === undefined) delete process.env["PLIMSOLL_ZONE"];
      else process.env["PLIMSOLL_ZONE"] = before;
    }
  });
});
