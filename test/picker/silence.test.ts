/**
 * Connections and calls that fall silent, on real sockets and a clock that is turned by hand.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";
import { test } from "node:test";
import { ByteBudget } from "../../src/edge/extproc/rpc/byte-budget.ts";
import { RpcServer } from "../../src/edge/extproc/rpc/http2-server.ts";
import type { RpcHandler } from "../../src/edge/extproc/rpc/rpc.ts";
import { Sweeper } from "../../src/edge/http/sweeper.ts";
import { waitUntil } from "../kit/wait.ts";

const PATH = "/test.Service/Listen";
/** Preface and empty SETTINGS (RFC 9113 section 3.4). */
const GREETING = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1");

class Stage {
  nowMs = 0;
  readonly faults: string[] = [];
  readonly defects: unknown[] = [];
  readonly heard: string[] = [];
  readonly sweeper = new Sweeper(() => this.nowMs);
  readonly server = new RpcServer({
    methods: new Map([[PATH, () => this.#listener()]]),
    sweeper: this.sweeper,
    budget: new ByteBudget(1_000_000),
    messageBytesMax: 1_000,
    callsMax: 2,
    connectionsMax: 10,
    tls: undefined,
    clock: () => this.nowMs,
    onFault: (fault) => this.faults.push(fault),
    onDefect: (error) => this.defects.push(error),
  });

  #listener(): RpcHandler {
    return {
      onMessage: (bytes) => this.heard.push(bytes.toString()),
      onHalfClose: () => this.heard.push("half-close"),
      onDrain: () => {},
      onCancel: () => this.heard.push("cancel"),
    };
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.sweeper.sweep();
  }

  [Symbol.dispose](): void {
    this.server.close();
    this.sweeper.close();
    assert.deepEqual(this.defects, []);
  }
}

test("a connection that says nothing is closed after ten seconds", async () => {
  using stage = new Stage();
  const port = await stage.server.listen("127.0.0.1", 0);
  const socket = net.connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.resume();
  await waitUntil(() => stage.server.connectionCount === 1, "the connection");
  stage.pass(9_999);
  assert.equal(stage.server.connectionCount, 1);
  const closed = once(socket, "close");
  stage.pass(1);
  await closed;
  assert.deepEqual(stage.faults, ["preface-timeout"]);
  await waitUntil(() => stage.server.connectionCount === 0, "it to be forgotten");
  assert.equal(stage.sweeper.size, 0);
});

test("one that answers no ping is closed; one that does stays", async () => {
  using stage = new Stage();
  const port = await stage.server.listen("127.0.0.1", 0);
  const session = http2.connect(`http://127.0.0.1:${port}`);
  await once(session, "remoteSettings");
  const vanished = net.connect(port, "127.0.0.1");
  vanished.on("error", () => {});
  let heard = Buffer.alloc(0);
  vanished.on("data", (bytes: Buffer) => (heard = Buffer.concat([heard, bytes])));
  vanished.write(GREETING);
  // The server has read the greeting when it has acknowledged it: SETTINGS with the flag ACK.
  await waitUntil(() => heard.includes(Buffer.from([0, 0, 0, 4, 1, 0, 0, 0, 0])), "the acknowledgement");
  const closed = once(vanished, "close");
  const pinged = once(session, "ping");
  stage.pass(30_000);
  await pinged;
  await new Promise((resolve) => setTimeout(resolve, 50));
  stage.pass(20_000);
  await closed;
  assert.deepEqual(stage.faults, ["ping-timeout"]);
  assert.equal(session.destroyed, false);
  await waitUntil(() => stage.server.connectionCount === 1, "the other to be forgotten");
  session.destroy();
});

test("a call that says nothing ends after ten seconds, one that has spoken does not; more than may be are refused", async () => {
  using stage = new Stage();
  const port = await stage.server.listen("127.0.0.1", 0);
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const open = (on = session): http2.ClientHttp2Stream => {
    const stream = on.request({ ":method": "POST", ":path": PATH, "content-type": "application/grpc" });
    stream.on("error", () => {});
    return stream;
  };
  const silent = open();
  const speaker = open();
  speaker.write(Buffer.from([0, 0, 0, 0, 2, 0x68, 0x69]));
  await waitUntil(() => stage.heard.length === 1 && stage.server.callCount === 2, "both calls");
  const another = http2.connect(`http://127.0.0.1:${port}`);
  const [refused] = (await once(open(another), "response")) as [http2.IncomingHttpHeaders];
  another.destroy();
  assert.equal(refused["grpc-status"], "8");
  const ended = once(silent, "response");
  stage.pass(10_000);
  const [head] = (await ended) as [http2.IncomingHttpHeaders];
  assert.equal(head["grpc-status"], "4");
  assert.deepEqual(stage.faults, ["too-many-calls", "silent-call"]);
  stage.pass(1_000_000);
  await waitUntil(() => stage.server.callCount === 1, "the silent one to be gone");
  assert.deepEqual(stage.heard, ["hi", "cancel"]);
  const closed = once(speaker, "close");
  speaker.close(http2.constants.NGHTTP2_CANCEL);
  await closed;
  await waitUntil(() => stage.server.callCount === 0, "all to be gone");
  // Node's client half-closes before it resets.
  assert.deepEqual(
    stage.heard.filter((each) => each !== "half-close"),
    ["hi", "cancel", "cancel"],
  );
  session.destroy();
});
