/**
 * Backpressure: whoever does not read holds back whoever sends, and the gateway holds little in between.
 *
 * What is sent is far more than two sockets' buffers in the kernel hold (some 10 MB each on Linux), so a gateway that
 * reads on shows by the bytes it swallowed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { hugeBody, upgradeEcho } from "../../kit/behaviours.ts";
import { hang, neverReadBody } from "../../kit/misbehaviours.ts";
import { PatternCheck } from "../../kit/pattern.ts";
import type { RawClient } from "../../kit/raw-client.ts";
import { waitUntil } from "../../kit/wait.ts";
import { atRest, get, request, setStage } from "./stage.ts";

const HUGE_BYTES = 64 << 20;
/** What the process may grow by while a transfer stands still: far less than what was offered. */
const GROWTH_BYTES = 16 << 20;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes outside the JavaScript heap: where a gateway that queues would queue. */
function buffered(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

/** Waits, because the engine gives back what it has collected a little later. */
async function assertLittleBuffered(before: number): Promise<void> {
  await waitUntil(
    () => buffered() - before < GROWTH_BYTES,
    () => `${buffered() - before} bytes are buffered`,
  );
}

/** Sends the same megabyte until told to stop or the connection ends. */
async function pour(client: RawClient, bytes: number): Promise<void> {
  const piece = Buffer.alloc(1 << 20, "x");
  for (let at = 0; at < bytes && !client.socket.destroyed; at += piece.length) await client.send(piece);
}

function bytesTaken({ socket }: RawClient): number {
  return socket.bytesWritten - socket.writableLength;
}

for (const form of [`Content-Length: ${HUGE_BYTES}`, "Transfer-Encoding: chunked"]) {
  test(`a body that the endpoint does not read holds its client back (${form.split(":")[0]}), whose leaving is noticed`, async () => {
    await using stage = await setStage(neverReadBody());
    using client = await stage.client();
    const before = buffered();
    const chunkHead = form.endsWith("chunked") ? `${HUGE_BYTES.toString(16)}\r\n` : "";
    await client.send(request("POST", "/", form) + chunkHead);
    const sent = pour(client, HUGE_BYTES);
    const taken = await atRest(() => bytesTaken(client), 200);
    assert.ok(taken < HUGE_BYTES / 2, `${taken} bytes were taken`);
    await assertLittleBuffered(before);
    client.reset();
    await sent;
    await stage.settled();
    assert.equal((await stage.record()).why, "client-gone");
  });
}

for (const framing of ["length", "chunked", "close"] as const) {
  test(`a client that does not read holds its endpoint back (${framing}), and gets it all in the end`, async () => {
    let written = 0;
    const onProgress = (bytes: number): void => void (written = bytes);
    await using stage = await setStage(hugeBody({ bytes: HUGE_BYTES, framing, onProgress }));
    using client = await stage.client();
    const before = buffered();
    await client.send(get());
    await waitUntil(() => written > 0, "the first bytes");
    await atRest(() => written);
    assert.ok(written < HUGE_BYTES / 2, `${written} bytes were written`);
    await assertLittleBuffered(before);
    const check = new PatternCheck();
    await client.readResponse({ onBody: (piece) => check.add(piece) });
    assert.equal(check.bytes, HUGE_BYTES);
  });
}

test("the endpoint's connection ends when a client that never read goes away", async () => {
  let written = 0;
  const onProgress = (bytes: number): void => void (written = bytes);
  await using stage = await setStage(hugeBody({ bytes: HUGE_BYTES, onProgress }));
  using client = await stage.client();
  await client.send(get());
  await waitUntil(() => written > 0, "the first bytes");
  await atRest(() => written);
  client.reset();
  await waitUntil(() => stage.endpoint.openConnections === 0, "the endpoint's connection closes");
  await stage.settled();
  const { endedBy, why } = await stage.record();
  assert.deepEqual([endedBy, why], ["client", "client-gone"]);
});

test("a client that asks and asks and reads nothing is not served on", async () => {
  await using stage = await setStage(hugeBody({ bytes: 1 << 20 }));
  using client = await stage.client();
  await client.send(get().repeat(60));
  await waitUntil(() => stage.endpoint.requests.length > 0, "the first request");
  const served = await atRest(() => stage.endpoint.requests.length);
  assert.ok(served < 40, `${served} answers of 1 MB were fetched`);
  for (let n = 0; n < 60; n++) await client.readResponse({ onBody: () => undefined });
  assert.equal(stage.endpoint.requests.length, 60);
});

test("in a tunnel, an endpoint that does not read holds its client back, whose leaving is noticed", async () => {
  await using stage = await setStage(async (exchange) => {
    await exchange.write(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    );
    await hang()(exchange);
  });
  using client = await stage.client();
  const before = buffered();
  await client.send(get("/", "Connection: Upgrade", "Upgrade: websocket"));
  assert.equal((await client.readResponse()).status, 101);
  const sent = pour(client, HUGE_BYTES);
  const taken = await atRest(() => bytesTaken(client), 200);
  assert.ok(taken < HUGE_BYTES / 2, `${taken} bytes were taken`);
  await assertLittleBuffered(before);
  client.reset();
  await sent;
  await stage.settled();
  assert.equal((await stage.record()).why, "tunnel-cut");
});

test("in a tunnel, a client that does not read holds its endpoint back, and itself", async () => {
  await using stage = await setStage(upgradeEcho());
  using client = await stage.client();
  await client.send(get("/", "Connection: Upgrade", "Upgrade: websocket"));
  assert.equal((await client.readResponse()).status, 101);
  const sent = pour(client, HUGE_BYTES);
  const taken = await atRest(() => bytesTaken(client), 200);
  assert.ok(taken < HUGE_BYTES / 2, `${taken} bytes were taken`);
  let back = 0;
  while (back < HUGE_BYTES) back += (await client.readBytes(1 << 20)).length;
  await sent;
});
