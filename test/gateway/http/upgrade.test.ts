/**
 * Upgrade: a WebSocket's bytes pass both ways as they come, half-closes included; everything else that calls itself an
 * upgrade stays plain HTTP.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, upgradeEcho } from "../../kit/behaviours.ts";
import type { Behaviour } from "../../kit/exchange.ts";
import { fieldValue } from "../../kit/message.ts";
import { patternAt, PatternCheck } from "../../kit/pattern.ts";
import type { RawClient } from "../../kit/raw-client.ts";
import { waitUntil } from "../../kit/wait.ts";
import { closedGate, get, refusalOf, setStage } from "./stage.ts";

const UPGRADE = get("/chat", "Connection: keep-alive, Upgrade", "Upgrade: WebSocket", "Sec-WebSocket-Key: k");
const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

async function upgrade(client: RawClient): Promise<void> {
  await client.send(UPGRADE);
  assert.equal((await client.readResponse()).status, 101);
}

test("the upgrade and its answer pass with the fields that make it one", async () => {
  await using stage = await setStage(upgradeEcho());
  using client = await stage.client();
  await client.send(UPGRADE);
  const response = await client.readResponse();
  assert.deepEqual([response.header("connection"), response.header("upgrade")], ["Upgrade", "websocket"]);
  const { fields } = stage.endpoint.requests[0]!;
  assert.deepEqual(
    ["connection", "upgrade", "sec-websocket-key"].map((name) => fieldValue(fields, name)),
    ["Upgrade", "websocket", "k"],
  );
});

test("bytes are echoed as they are sent", async () => {
  await using stage = await setStage(upgradeEcho());
  using client = await stage.client();
  await upgrade(client);
  for (const text of ["hello", "\x00\xff", "GET / HTTP/1.1\r\n\r\n"]) {
    await client.send(text);
    assert.equal((await client.readBytes(text.length)).toString("latin1"), text);
  }
});

test("16 MB go through a tunnel and back, every byte checked", async () => {
  await using stage = await setStage(upgradeEcho());
  using client = await stage.client();
  await upgrade(client);
  const bytes = 16 << 20;
  const send = async (): Promise<void> => {
    for (let at = 0; at < bytes; at += 65_536) await client.send(patternAt(at, 65_536));
    client.end();
  };
  const sent = send();
  const check = new PatternCheck();
  while (check.bytes < bytes) check.add(await client.readBytes(65_536));
  await sent;
  assert.deepEqual(await client.waitForClose(), { how: "fin", bytes: 0 });
});

test("bytes that came with the endpoint's 101 reach the client", async () => {
  await using stage = await setStage(async (exchange) => {
    await exchange.write(`${SWITCHING}first`);
    while (await exchange.readTunnel()) continue;
  });
  using client = await stage.client();
  await upgrade(client);
  assert.equal((await client.readBytes(5)).toString(), "first");
});

test("bytes that came behind the client's upgrade reach the endpoint once it has agreed", async () => {
  await using stage = await setStage(upgradeEcho());
  using client = await stage.client();
  await client.send(`${UPGRADE}early`);
  assert.equal((await client.readResponse()).status, 101);
  assert.equal((await client.readBytes(5)).toString(), "early");
});

test("and so does the end of a client that sent all it had with its upgrade", async () => {
  const gate = closedGate();
  await using stage = await setStage(gate.before(upgradeEcho()));
  using client = await stage.client();
  await client.send(`${UPGRADE}early`);
  client.end();
  await waitUntil(() => stage.endpoint.requests.length === 1, "the upgrade arrives");
  gate.open();
  const response = await client.readResponse();
  assert.deepEqual([response.status, response.interim.map(({ status }) => status)], [101, [100]]);
  assert.equal((await client.readUntilClose()).toString(), "early");
  await stage.settled();
});

test("a client that ends its side still gets all that the endpoint has to say", async () => {
  const late: Behaviour = async (exchange) => {
    await exchange.write(SWITCHING);
    let received = 0;
    for (let piece = await exchange.readTunnel(); piece; piece = await exchange.readTunnel()) {
      received += piece.length;
    }
    for (let at = 0; at < 2 << 20; at += 65_536) await exchange.write(patternAt(at, 65_536));
    await exchange.write(`received ${received}`);
    exchange.end();
  };
  await using stage = await setStage(late);
  using client = await stage.client();
  await upgrade(client);
  await client.send(Buffer.alloc(300_000));
  client.end();
  const check = new PatternCheck();
  while (check.bytes < 2 << 20) check.add(await client.readBytes(65_536));
  assert.equal((await client.readUntilClose()).toString(), "received 300000");
  await stage.settled();
});

test("an endpoint that ends its side still gets all that the client has to say", async () => {
  let received = 0;
  const early: Behaviour = async (exchange) => {
    await exchange.write(`${SWITCHING}bye`);
    exchange.socket.end();
    for (let piece = await exchange.readTunnel(); piece; piece = await exchange.readTunnel()) {
      received += piece.length;
    }
  };
  await using stage = await setStage(early);
  using client = await stage.client();
  await upgrade(client);
  assert.equal((await client.readUntilClose()).toString(), "bye");
  for (let n = 0; n < 20; n++) await client.send(Buffer.alloc(100_000));
  client.end();
  await waitUntil(
    () => received === 2_000_000,
    () => `${received} bytes received`,
  );
  await stage.settled();
});

test("a tunnel is a request in flight until it has ended from both sides", async () => {
  await using stage = await setStage(upgradeEcho());
  using client = await stage.client();
  await upgrade(client);
  assert.equal(stage.inFlight(), 1);
  await client.send("hello");
  await client.readBytes(5);
  client.end();
  assert.equal((await client.waitForClose()).how, "fin");
  await stage.settled();
  const { status, endedBy, why, attempts, bytesIn, bytesOut } = await stage.record();
  assert.deepEqual([status, endedBy, why, bytesIn, bytesOut], [101, "completion", "complete", 5, 5]);
  assert.deepEqual(
    attempts.map(({ outcome }) => outcome),
    ["success"],
  );
  await waitUntil(() => stage.endpoint.openConnections === 0, "the endpoint's connection closes");
});

test("a reset on either side of a tunnel ends the other", async () => {
  await using stage = await setStage(upgradeEcho());
  using client = await stage.client();
  await upgrade(client);
  client.reset();
  await waitUntil(() => stage.endpoint.openConnections === 0, "the endpoint's connection closes");
  const resetting: Behaviour = async (exchange) => {
    await exchange.write(SWITCHING);
    await exchange.readTunnel();
    exchange.reset();
  };
  stage.endpoint.behave(resetting);
  using other = await stage.client();
  await upgrade(other);
  await other.send("x");
  assert.equal((await other.waitForClose()).how, "rst");
  await stage.settled();
  const records = await stage.records(2);
  assert.deepEqual(
    records.map(({ endedBy, why }) => `${endedBy} ${why}`),
    ["client tunnel-cut", "endpoint response-cut"],
  );
});

test("a tunnel may be silent for as long as the idle timeout, and no longer", async () => {
  await using stage = await setStage(upgradeEcho(), {
    policy: { timeouts: { idle: "300ms", request: "100ms" }, retries: { perTryTimeout: "100ms" } },
  });
  using client = await stage.client();
  await upgrade(client);
  const startedMs = Date.now();
  await client.waitForClose();
  assert.ok(Date.now() - startedMs >= 240);
  const { endedBy, why } = await stage.record();
  assert.deepEqual([endedBy, why], ["gateway", "idle-timeout"]);
});

test("a refused upgrade is an ordinary answer, and the connection goes on", async () => {
  await using stage = await setStage(answer({ status: 426, reason: "Upgrade Required", body: "no" }));
  using client = await stage.client();
  await client.send(UPGRADE);
  const refused = await client.readResponse();
  assert.deepEqual([refused.status, refused.text], [426, "no"]);
  await client.send(get());
  assert.equal((await client.readResponse()).status, 426);
  assert.equal(stage.endpoint.connections, 1);
});

for (const fields of [
  ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"],
  ["Connection: Upgrade", "Upgrade: websocket, h2c"],
  ["Upgrade: websocket"],
]) {
  test(`not forwarded as an upgrade: ${fields.join("; ")}`, async () => {
    await using stage = await setStage(answer("plain"));
    const response = await stage.ask(get("/", ...fields));
    assert.equal(response.text, "plain");
    const sent = stage.endpoint.requests[0]!.fields;
    for (const name of ["connection", "upgrade", "http2-settings"]) {
      assert.equal(fieldValue(sent, name), undefined);
    }
  });
}

for (const [what, bytes] of [
  ["without being asked", SWITCHING],
  ["to another protocol", SWITCHING.replace("websocket", "h2c")],
] as const) {
  test(`an endpoint that switches ${what} gets nobody's bytes`, async () => {
    await using stage = await setStage((exchange) => exchange.write(bytes));
    const response = await stage.ask(what.startsWith("without") ? get() : UPGRADE);
    assert.deepEqual([response.status, refusalOf(response)], [502, "bad-response"]);
    await waitUntil(() => stage.endpoint.openConnections === 0, "the endpoint's connection closes");
  });
}
