/**
 * Streamed answers: what an endpoint says reaches the client when it is said, however long the silence between.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { events } from "../../kit/behaviours.ts";
import type { Behaviour } from "../../kit/exchange.ts";
import { hang } from "../../kit/misbehaviours.ts";
import { waitUntil } from "../../kit/wait.ts";
import { get, request, setStage } from "./stage.ts";

/** Sends an event for each turn that is taken: the test decides when. */
function eventsOnDemand(): { readonly behaviour: Behaviour; readonly send: (text: string) => Promise<void> } {
  const ready = Promise.withResolvers<(text: string) => Promise<void>>();
  const behaviour: Behaviour = async (exchange) => {
    await exchange.write(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    ready.resolve((text) => exchange.write(`${text.length.toString(16)}\r\n${text}\r\n`));
    await hang()(exchange);
  };
  return { behaviour, send: async (text) => (await ready.promise)(text) };
}

test("the head and each event reach the client before the next is sent", async () => {
  const { behaviour, send } = eventsOnDemand();
  await using stage = await setStage(behaviour);
  using client = await stage.client();
  await client.send(get());
  assert.match((await client.readHead()).raw, /text\/event-stream/);
  for (const text of ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"]) {
    await send(text);
    assert.equal(await client.readThrough("\n\n\r\n"), `9\r\n${text}\r\n`);
  }
  assert.equal(stage.inFlight(), 1);
  client.reset();
});

test("gaps longer than a sweep do no harm", async () => {
  await using stage = await setStage(events({ count: 4, intervalMs: 120 }));
  const response = await stage.ask(get());
  assert.equal(response.text, "data: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n");
});

test("a request body streams too: each piece arrives before the next is sent", async () => {
  const pieces: string[] = [];
  await using stage = await setStage(async (exchange) => {
    for (let piece = await exchange.readTunnel(); piece; piece = await exchange.readTunnel()) {
      pieces.push(piece.toString());
      if (piece.includes("0\r\n\r\n")) break;
    }
    await exchange.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    exchange.end();
  });
  using client = await stage.client();
  await client.send(request("POST", "/", "Transfer-Encoding: chunked"));
  for (const piece of ["3\r\none\r\n", "3\r\ntwo\r\n"]) {
    await client.send(piece);
    await waitUntil(
      () => pieces.at(-1) === piece,
      () => `${piece} among ${JSON.stringify(pieces)}`,
    );
  }
  await client.send("0\r\n\r\n");
  assert.equal((await client.readResponse()).status, 200);
});

for (const how of ["reset", "close"] as const) {
  test(`a client that leaves (${how}) ends the endpoint's stream promptly`, async () => {
    await using stage = await setStage(events({ count: 1_000, intervalMs: 10 }));
    using client = await stage.client();
    await client.send(get());
    await client.readThrough("data: 2\n\n");
    client[how]();
    await waitUntil(() => stage.endpoint.openConnections === 0, "the endpoint's connection closes", 1_000);
    await stage.settled();
    const { endedBy, why } = await stage.record();
    assert.deepEqual([endedBy, why], ["client", "client-gone"]);
  });
}
