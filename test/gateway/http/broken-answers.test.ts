/**
 * Answers that break off or break the rules: replaced while nothing has gone to the client, cut when something has.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startEndpoint } from "../../kit/endpoint.ts";
import { startGateway } from "../../kit/gateway.ts";
import { hang, raw } from "../../kit/misbehaviours.ts";
import { rawClient } from "../../kit/raw-client.ts";
import { waitUntil } from "../../kit/wait.ts";
import { assertRefused, get, setStage } from "./stage.ts";

test("a body that is malformed in the packet of its head is bad-response: nothing has gone out yet", async () => {
  await using stage = await setStage(
    raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"),
  );
  assertRefused(await stage.ask(get()), "bad-response");
  const { status, endedBy, attempts } = await stage.record();
  assert.deepEqual([status, endedBy, attempts[0]?.outcome], [502, "gateway", "broken"]);
});

test("a response head over the limit is bad-response, also when it comes whole", async () => {
  await using stage = await setStage(
    raw(`HTTP/1.1 200 OK\r\nX: ${"a".repeat(70_000)}\r\nContent-Length: 0\r\n\r\n`),
  );
  assertRefused(await stage.ask(get()), "bad-response");
});

test("what is cut at the drain limit is the gateway's doing, and says so", async () => {
  // Not a lent gateway, for this is its end.
  await using endpoint = await startEndpoint(hang());
  await using gateway = await startGateway({ pools: { web: [endpoint] } }, { limits: { drainMs: 100 } });
  using client = await rawClient(gateway.port);
  await client.send(get());
  await waitUntil(() => endpoint.requests.length === 1, "the request");
  const last = gateway.records(1);
  await gateway.running.stop();
  const [{ endedBy, why, attempts } = assert.fail()] = await last;
  assert.deepEqual([endedBy, why, attempts[0]?.outcome], ["gateway", "drain-timeout", "cancelled"]);
});
