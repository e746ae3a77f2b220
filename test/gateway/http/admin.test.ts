/**
 * The admin port: health, readiness, metrics that Prometheus can read, and what the gateway thinks.
 */
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { test } from "node:test";
import { answer } from "../../kit/behaviours.ts";
import { refusingPort } from "../../kit/ports.ts";
import { waitUntil } from "../../kit/wait.ts";
import { parsePrometheus } from "./prometheus.ts";
import { closedGate, get, post, setStage, type Stage } from "./stage.ts";

async function page(stage: Stage, path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${stage.gateway.adminPort}${path}`, init);
}

async function json<T>(stage: Stage, path: string): Promise<T> {
  const response = await page(stage, path);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json; charset=utf-8");
  return (await response.json()) as T;
}

test("/healthz and /readyz are 200 while the gateway serves", async () => {
  await using stage = await setStage(answer());
  for (const path of ["/healthz", "/readyz", "/healthz?verbose"]) {
    const response = await page(stage, path);
    assert.deepEqual([response.status, await response.text()], [200, "ok\n"]);
    assert.equal(response.headers.get("cache-control"), "no-store");
  }
});

test("/readyz is 503 while it drains, /healthz is not", async () => {
  const gate = closedGate();
  await using stage = await setStage(gate.before(answer("fine")), { limits: { drainMs: 5_000 } });
  const busy = stage.ask(get());
  await waitUntil(() => stage.inFlight() === 1, "a request in flight");
  const stopped = stage.gateway.stop();
  await waitUntil(() => stage.gateway.running.gateway.draining, "the drain begins");
  const ready = await page(stage, "/readyz");
  assert.deepEqual([ready.status, await ready.text()], [503, "draining\n"]);
  assert.equal((await page(stage, "/healthz")).status, 200);
  gate.open();
  assert.equal((await busy).text, "fine");
  await stopped;
});

test("unknown pages are 404 with a list, other methods 405, HEAD is GET without the body", async () => {
  await using stage = await setStage(answer());
  const missing = await page(stage, "/nothing");
  assert.equal(missing.status, 404);
  assert.match(await missing.text(), /\/metrics/);
  const index = await page(stage, "/");
  assert.equal(index.status, 200);
  assert.match(await index.text(), /\/debug\/pools/);
  for (const method of ["POST", "DELETE", "PUT"]) {
    const refused = await page(stage, "/healthz", { method });
    assert.deepEqual([refused.status, refused.headers.get("allow")], [405, "GET, HEAD"]);
  }
  const head = await page(stage, "/metrics", { method: "HEAD" });
  assert.deepEqual([head.status, await head.text()], [200, ""]);
});

test("the admin port listens on loopback only", async () => {
  await using stage = await setStage(answer());
  assert.match(stage.gateway.running.adminAddress ?? "", /^127\.0\.0\.1:[0-9]+$/);
});

test("/metrics is valid Prometheus text, whatever the configuration is called", async () => {
  await using stage = await setStage(answer("four"), {
    others: [{ host: "127.0.0.1", port: await refusingPort() }],
  });
  for (const bytes of [get(), post("body"), "nonsense\r\n\r\n"]) await stage.ask(bytes);
  const response = await page(stage, "/metrics");
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const families = parsePrometheus(await response.text());
  const value = (name: string, labels: Readonly<Record<string, string>>): number | undefined =>
    families
      .get(name)
      ?.samples.find((sample) =>
        Object.entries(labels).every(([label, text]) => sample.labels[label] === text),
      )?.value;
  const pool = "default/pool:80";
  const endpoint = stage.endpoint.key;
  const attempts = value("plimsoll_endpoint_attempts_total", { pool, endpoint });
  assert.equal(attempts, 2);
  assert.equal(value("plimsoll_endpoint_in_flight", { pool, endpoint }), 0);
  assert.equal(value("plimsoll_endpoint_healthy", { pool, endpoint }), 1);
  assert.ok(value("plimsoll_requests_total", { route: "default/test/0", status: "2xx" })! >= 2);
  assert.ok(value("plimsoll_requests_total", { route: "", status: "4xx" })! >= 1);
  assert.ok(value("plimsoll_refusals_total", { reason: "bad-request" })! >= 1);
  assert.ok(value("plimsoll_request_body_bytes_total", { route: "default/test/0" })! >= 4);
  assert.equal(value("plimsoll_config_last_reload_successful", {}), 1);
  assert.equal(value("plimsoll_defects_total", {}), 0);
  for (const [name, { type }] of families) {
    assert.match(name, /^(?:plimsoll|process|nodejs)_/);
    assert.equal(name.endsWith("_total"), type === "counter", name);
  }
});

test("/debug/pools tells of every endpoint: state, load, connections", async () => {
  const gate = closedGate();
  await using stage = await setStage([gate.before(answer("x")), gate.before(answer("x"))]);
  const asked = [stage.ask(get()), stage.ask(get()), stage.ask(get())];
  await waitUntil(
    () => stage.endpoints.reduce((sum, each) => sum + each.requests.length, 0) === 3,
    "three requests",
  );
  interface Report {
    readonly pools: readonly {
      readonly key: string;
      readonly policy: string;
      readonly endpoints: readonly {
        readonly key: string;
        readonly state: string;
        readonly inFlight: number;
        readonly share: number;
        readonly requests: number;
        readonly connections: { readonly active: number; readonly idle: number };
      }[];
    }[];
  }
  const busy = (await json<Report>(stage, "/debug/pools")).pools[0]!;
  assert.deepEqual([busy.key, busy.policy], ["default/pool:80", "Auto"]);
  assert.deepEqual(
    busy.endpoints.map(({ key }) => key).toSorted(),
    stage.endpoints.map(({ key }) => key).toSorted(),
  );
  assert.equal(
    busy.endpoints.reduce((sum, { inFlight }) => sum + inFlight, 0),
    3,
  );
  for (const { inFlight, connections, state } of busy.endpoints) {
    assert.deepEqual([connections.active, state], [inFlight, "healthy"]);
  }
  gate.open();
  await Promise.all(asked);
  await stage.settled();
  const quiet = (await json<Report>(stage, "/debug/pools")).pools[0]!;
  assert.ok(Math.abs(quiet.endpoints.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9);
  assert.equal(
    quiet.endpoints.reduce((sum, { requests }) => sum + requests, 0),
    3,
  );
  assert.equal(
    quiet.endpoints.reduce((sum, { connections }) => sum + connections.idle, 0),
    3,
  );
});

test("/debug/config shows what is in force, and what was rejected", async () => {
  await using stage = await setStage(answer("fine"));
  interface Report {
    readonly accepted: {
      readonly epoch: number;
      readonly config: { readonly pools: readonly { readonly key: string }[] };
    };
    readonly rejected: {
      readonly problems: readonly { readonly message: string; readonly line: number }[];
    } | null;
  }
  const before = await json<Report>(stage, "/debug/config");
  assert.deepEqual(
    before.accepted.config.pools.map(({ key }) => key),
    ["default/pool:80"],
  );
  assert.equal(before.rejected, null);
  assert.equal(await stage.gateway.rewriteText("kind: [\n"), false);
  const after = await json<Report>(stage, "/debug/config");
  assert.equal(after.accepted.epoch, before.accepted.epoch);
  assert.ok(after.rejected!.problems.length > 0);
  assert.equal((await stage.ask(get())).text, "fine");
});

test("a client that never finishes its request to the admin port harms nobody", async () => {
  await using stage = await setStage(answer());
  const slow = httpRequest({ port: stage.gateway.adminPort, method: "POST", path: "/" });
  slow.on("error", () => undefined);
  slow.write("x");
  assert.equal((await page(stage, "/healthz")).status, 200);
  slow.destroy();
});
