/**
 * WebSocket by programs that are not ours: the `ws` server behind the gateway, Node's own client before it.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { WebSocketServer } from "ws";
import { waitUntil, within } from "../../kit/wait.ts";
import { claims, lendGateway, type Loan } from "./gateway-loan.ts";

interface Chat {
  readonly server: WebSocketServer;
  readonly loan: Loan;
  open(): Promise<WebSocket>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A server that says back what it hears, behind a gateway. */
async function startChat(): Promise<Chat> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const loan = await lendGateway({ pools: { chat: [{ host: "127.0.0.1", port }] } }, {});
  return {
    server,
    loan,
    open: async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${loan.gateway.port}/chat?room=1`, ["chat"]);
      socket.binaryType = "arraybuffer";
      await within(once(socket, "open"), "the WebSocket opens");
      return socket;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
      await loan.end();
    },
  };
}

async function said(socket: WebSocket): Promise<unknown> {
  const [{ data }] = (await within(once(socket, "message"), "a message")) as [MessageEvent];
  return data;
}

async function closed(socket: WebSocket): Promise<CloseEvent> {
  const [event] = (await within(once(socket, "close"), "the WebSocket closes")) as [CloseEvent];
  return event;
}

test("text and binary messages come back as they went", async () => {
  await using chat = await startChat();
  const socket = await chat.open();
  assert.equal(socket.protocol, "chat");
  socket.send("hello, wörld");
  assert.equal(await said(socket), "hello, wörld");
  socket.send(new Uint8Array([0, 1, 254, 255]));
  assert.deepEqual(Buffer.from((await said(socket)) as ArrayBuffer), Buffer.from([0, 1, 254, 255]));
  socket.close();
  await closed(socket);
});

test("messages of a megabyte come back whole, many at once", async () => {
  await using chat = await startChat();
  const socket = await chat.open();
  const messages = Array.from({ length: 8 }, (_, n) => Buffer.alloc(1 << 20, String(n)));
  const received: Buffer[] = [];
  socket.addEventListener("message", ({ data }) => received.push(Buffer.from(data as ArrayBuffer)));
  for (const message of messages) socket.send(message);
  await waitUntil(
    () => received.length === messages.length,
    () => `${received.length} messages came back`,
  );
  for (const [n, message] of messages.entries()) assert.ok(received[n]!.equals(message), `message ${n}`);
  socket.close();
  await closed(socket);
});

test("pings of the server are answered by the client", async () => {
  await using chat = await startChat();
  const socket = await chat.open();
  const [client] = chat.server.clients;
  const ponged = once(client!, "pong");
  client!.ping("are you there");
  const [payload] = (await within(ponged, "a pong")) as [Buffer];
  assert.equal(payload.toString(), "are you there");
  socket.close();
  await closed(socket);
});

test("the client's close code and reason reach the server, which ends the claim", async () => {
  await using chat = await startChat();
  const socket = await chat.open();
  assert.equal(claims(chat.loan.gateway), 1);
  const [client] = chat.server.clients;
  const left = once(client!, "close");
  const ended = closed(socket);
  socket.close(4001, "enough");
  const [code, reason] = (await within(left, "the server sees the close")) as [number, Buffer];
  assert.deepEqual([code, reason.toString()], [4001, "enough"]);
  assert.equal((await ended).wasClean, true);
  await waitUntil(() => claims(chat.loan.gateway) === 0, "the claim is given back");
  const [record] = await chat.loan.records(1);
  assert.deepEqual([record?.status, record?.endedBy], [101, "completion"]);
});

test("the server's close code and reason reach the client", async () => {
  await using chat = await startChat();
  const socket = await chat.open();
  const [client] = chat.server.clients;
  client!.close(4002, "go away");
  const { code, reason, wasClean } = await closed(socket);
  assert.deepEqual([code, reason, wasClean], [4002, "go away", true]);
});

test("a server that vanishes is an abnormal close for its client", async () => {
  await using chat = await startChat();
  const socket = await chat.open();
  for (const client of chat.server.clients) client.terminate();
  assert.equal((await closed(socket)).code, 1006);
  await waitUntil(() => claims(chat.loan.gateway) === 0, "the claim is given back");
});

test("fifty WebSockets at once, each with its own conversation", async () => {
  await using chat = await startChat();
  const sockets = await Promise.all(Array.from({ length: 50 }, () => chat.open()));
  await Promise.all(
    sockets.map(async (socket, n) => {
      socket.send(`I am ${n}`);
      assert.equal(await said(socket), `I am ${n}`);
      socket.close();
      await closed(socket);
    }),
  );
  await waitUntil(() => claims(chat.loan.gateway) === 0, "all claims are given back");
});
