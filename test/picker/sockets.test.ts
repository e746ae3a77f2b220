/**
 * The picker over real connections: TLS, health, draining, garbage, many streams.
 */
import assert from "node:assert/strict";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import http2 from "node:http2";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { RunningGateway } from "../../src/cli/serve/running-gateway.ts";
import { encodeRequest } from "../../src/edge/extproc-client/encode-request.ts";
import { GrpcConnection } from "../../src/edge/extproc-client/grpc-connection.ts";
import { checkHealth } from "../../src/edge/extproc-client/health.ts";
import { PickerStream, PROCESS_PATH, type PickerEvent } from "../../src/edge/extproc-client/picker-stream.ts";
import type { ProcessingRequest } from "../../src/edge/extproc-client/messages.ts";
import type { PickerOptions } from "../../src/edge/extproc/picker.ts";
import { selfSigned } from "../../src/edge/extproc/self-signed.ts";
import { DEFAULT_CLIENT_LIMITS } from "../../src/edge/http/limits.ts";
import { chat, policyFor, poolManifests } from "../kit/picker/stage.ts";
import { waitUntil } from "../kit/wait.ts";

const LIMIT_MS = 10_000;
const LOOPBACK = { host: "127.0.0.1", port: 0 };

interface Served {
  readonly running: RunningGateway;
  readonly port: number;
  readonly healthPort: number;
  readonly folder: string;
  metric(line: string): Promise<number>;
  [Symbol.asyncDispose](): Promise<void>;
}

async function serve(
  options: Partial<PickerOptions> = {},
  documents: readonly object[] = [],
): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), "plimsoll-picker-"));
  const manifests = join(folder, "manifests.yaml");
  const all = documents.length > 0 ? documents : poolManifests("chat", ["127.0.0.1"]);
  await writeFile(manifests, all.map((each) => JSON.stringify(each)).join("\n---\n"));
  const running = new RunningGateway({
    paths: [manifests],
    admin: LOOPBACK,
    accessLog: { path: join(folder, "access.log") },
    logLevel: "silent",
    limits: { ...DEFAULT_CLIENT_LIMITS, drainMs: 1_000 },
    seed: 1,
    picker: { address: LOOPBACK, healthAddress: LOOPBACK, tls: undefined, fallbacksMax: 0, ...options },
  });
  await running.start();
  const { picker } = running;
  return {
    running,
    port: picker!.port,
    healthPort: picker!.healthPort!,
    folder,
    metric: async (line) => {
      const text = await (await fetch(`http://${running.adminAddress}/metrics`)).text();
      return Number(
        text
          .split("\n")
          .find((each) => each.startsWith(`${line} `))
          ?.slice(line.length + 1) ?? "0",
      );
    },
    [Symbol.asyncDispose]: async () => {
      await running.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function connect(port: number, tls = false): Promise<GrpcConnection> {
  return GrpcConnection.open({ host: "127.0.0.1", port, tls }, LIMIT_MS);
}

const CONFIG = { requestBody: "FULL_DUPLEX_STREAMED", responseBody: "FULL_DUPLEX_STREAMED" } as const;

const HEADERS: ProcessingRequest = {
  part: {
    kind: "headers",
    side: "request",
    headers: [
      [":method", "POST"],
      [":authority", "models"],
      [":path", "/v1/chat/completions"],
    ],
    valuesIn: "raw_value",
    endOfStream: false,
  },
  protocolConfig: CONFIG,
};

function body(text: string, endOfStream = true): ProcessingRequest {
  return { part: { kind: "body", side: "request", body: Buffer.from(text), endOfStream } };
}

async function ask(connection: GrpcConnection): Promise<PickerEvent> {
  const stream = new PickerStream(connection.call(PROCESS_PATH));
  await stream.send(HEADERS);
  await stream.send(body(chat("hello")));
  const event = await stream.next(LIMIT_MS);
  stream.reset();
  return event;
}

function assertPicked(event: PickerEvent): void {
  assert.ok(event.kind === "reply", JSON.stringify(event));
  assert.deepEqual(event.reply.dynamicMetadata, {
    "envoy.lb": { "x-gateway-destination-endpoint": "127.0.0.1:8000" },
  });
}

test("in the clear: a request is decided, and its reset leaves nothing behind", async () => {
  await using served = await serve();
  const connection = await connect(served.port);
  assertPicked(await ask(connection));
  await waitUntil(() => served.running.picker!.streamCount === 0, "the stream to be gone");
  assert.equal(await served.metric("plimsoll_picker_streams_total"), 1);
  assert.equal(await served.metric("plimsoll_picker_held_bytes"), 0);
  assert.equal(
    await served.metric('plimsoll_endpoint_in_flight{pool="default/chat",endpoint="127.0.0.1:8000"}'),
    0,
  );
  connection.close();
});

test("TLS with a certificate made at the start; whoever speaks in the clear there is counted and closed", async () => {
  await using served = await serve({ tls: "self-signed" });
  const connection = await connect(served.port, true);
  assertPicked(await ask(connection));
  connection.close();
  await assert.rejects(connect(served.port, false));
  await waitUntil(
    async () => (await served.metric('plimsoll_picker_faults_total{fault="tls-handshake"}')) > 0,
    "the fault",
  );
});

function serialOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls(
      { port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["h2"] },
      () => {
        const { serialNumber } = socket.getPeerCertificate();
        socket.destroy();
        resolve(serialNumber);
      },
    );
    socket.once("error", reject);
  });
}

test("a renewed certificate is used by new connections, half a renewal by none, and old connections go on", async () => {
  const folder = await mkdtemp(join(tmpdir(), "plimsoll-cert-"));
  const paths = { cert: join(folder, "tls.crt"), key: join(folder, "tls.key") };
  const write = async (name: "cert" | "key", text: string): Promise<void> => {
    await writeFile(`${paths[name]}.new`, text);
    await rename(`${paths[name]}.new`, paths[name]);
  };
  const [first, second] = [selfSigned(new Date()), selfSigned(new Date())];
  await write("cert", first.cert);
  await write("key", first.key);
  {
    await using served = await serve({ tls: paths });
    const connection = await connect(served.port, true);
    const before = await serialOf(served.port);
    await write("cert", second.cert);
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    assert.equal(await serialOf(served.port), before);
    await write("key", second.key);
    await waitUntil(async () => (await serialOf(served.port)) !== before, "the new certificate");
    assertPicked(await ask(connection));
    connection.close();
  }
  await rm(folder, { recursive: true });
});

test("a certificate that cannot be read, or a port that is taken, is told at the start", async () => {
  await assert.rejects(
    serve({ tls: { cert: "/nowhere/tls.crt", key: "/nowhere/tls.key" } }),
    /endpoint picker cannot start/,
  );
  await using served = await serve();
  await assert.rejects(
    serve({ healthAddress: { host: "127.0.0.1", port: served.port } }),
    /endpoint picker cannot start/,
  );
});

const READY = ["", "readiness", "inference-extension", "envoy.service.ext_proc.v3.ExternalProcessor"];

test("health by every name on both ports; while draining, alive and not ready", async () => {
  await using served = await serve();
  const connections = await Promise.all([connect(served.port), connect(served.healthPort)]);
  for (const connection of connections) {
    for (const name of [...READY, "liveness"])
      assert.deepEqual(
        await checkHealth(connection, name, LIMIT_MS),
        { kind: "status", status: "SERVING" },
        name,
      );
    const unknown = await checkHealth(connection, "nobody", LIMIT_MS);
    assert.ok(unknown.kind === "error" && unknown.status === 5);
  }
  const watch = connections[1].call("/grpc.health.v1.Health/Watch");
  await watch.send(new Uint8Array());
  const statusOf = async (): Promise<number | undefined> => {
    const event = await watch.next(LIMIT_MS);
    return event?.kind === "message" ? event.bytes[1] : undefined;
  };
  assert.equal(await statusOf(), 1);
  // A stream that is under way keeps the draining from being over at once.
  const stream = new PickerStream(connections[0].call(PROCESS_PATH));
  await stream.send(HEADERS);
  await waitUntil(() => served.running.picker!.streamCount === 1, "the stream");
  const stopped = served.running.stop();
  assert.equal(await statusOf(), 2);
  assert.deepEqual(await checkHealth(connections[1], "readiness", LIMIT_MS), {
    kind: "status",
    status: "NOT_SERVING",
  });
  assert.deepEqual(await checkHealth(connections[1], "liveness", LIMIT_MS), {
    kind: "status",
    status: "SERVING",
  });
  await stream.send(body(chat("hello")));
  assertPicked(await stream.next(LIMIT_MS));
  stream.reset();
  await stopped;
  for (const connection of connections) connection.close();
});

test("garbage on the port is bounded, counted by name, and disturbs nobody", async () => {
  await using served = await serve();
  const steady = await connect(served.port);
  const garbage = [
    Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    Buffer.alloc(100_000, 0xff),
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\xff".repeat(5_000), "latin1"),
  ];
  for (const bytes of garbage) {
    const socket = net.connect(served.port, "127.0.0.1");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {});
    socket.resume();
    socket.write(bytes);
    await closed;
  }
  const reset = net.connect(served.port, "127.0.0.1");
  await new Promise((resolve) => reset.once("connect", resolve));
  reset.resetAndDestroy();
  await waitUntil(() => served.running.picker!.connectionCount === 1, "the connections to be gone");
  assert.ok((await served.metric('plimsoll_picker_faults_total{fault="not-http2"}')) >= 3);
  assertPicked(await ask(steady));
  assert.equal(await served.metric("plimsoll_defects_total"), 0);
  steady.close();
});

test("calls that break gRPC end with a code of their own, on a connection that lives on", async () => {
  await using served = await serve();
  const session = http2.connect(`http://127.0.0.1:${served.port}`);
  const call = (headers: http2.OutgoingHttpHeaders, bytes: Buffer | undefined): Promise<string> =>
    new Promise((resolve) => {
      const stream = session.request({
        ":method": "POST",
        ":path": PROCESS_PATH,
        "content-type": "application/grpc",
        ...headers,
      });
      let status = "";
      stream.on("response", (head) => (status = String(head["grpc-status"] ?? `http ${head[":status"]}`)));
      stream.on("trailers", (trailers) => (status = String(trailers["grpc-status"])));
      stream.on("error", () => {});
      stream.on("close", () => resolve(status));
      stream.resume();
      if (bytes === undefined) stream.end();
      else stream.end(bytes);
    });
  const cases: readonly (readonly [string, http2.OutgoingHttpHeaders, Buffer | undefined])[] = [
    ["12", { ":path": "/nobody/Knows" }, undefined],
    ["http 415", { "content-type": "text/plain" }, undefined],
    ["http 415", { ":method": "GET" }, undefined],
    ["12", {}, Buffer.from([1, 0, 0, 0, 1, 0])],
    ["8", {}, Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 0])],
    ["3", {}, Buffer.from([0, 0, 0, 0, 9, 0])],
    ["3", {}, Buffer.from([0, 0, 0, 0, 2, 0xff, 0xff])],
    ["3", {}, Buffer.concat([Buffer.from([0, 0, 0, 0, 4]), encodeRequest(body("", false))])],
    ["0", {}, undefined],
  ];
  for (const [expected, headers, bytes] of cases) {
    assert.equal(
      await call(headers, bytes),
      expected,
      `${JSON.stringify(headers)} ${bytes?.toString("hex")}`,
    );
  }
  const headers = encodeRequest(HEADERS);
  const prefix = Buffer.from([0, 0, 0, 0, headers.length]);
  const started = performance.now();
  const late = new Promise<string>((resolve) => {
    const stream = session.request({
      ":method": "POST",
      ":path": PROCESS_PATH,
      "content-type": "application/grpc",
      "grpc-timeout": "200m",
    });
    stream.on("response", (head) => resolve(String(head["grpc-status"])));
    stream.on("error", () => {});
    stream.write(Buffer.concat([prefix, headers]));
  });
  assert.equal(await late, "4");
  assert.ok(performance.now() - started >= 199);
  await waitUntil(() => served.running.picker!.streamCount === 0, "the calls to be gone");
  session.destroy();
});

test("two thousand streams at once, half of them with part of a body: held in little memory, and all given back", async () => {
  await using served = await serve({}, [
    ...poolManifests("chat", ["127.0.0.1"]),
    policyFor("chat", {
      connectionPool: { tcp: { maxConnections: 100_000 } },
      circuitBreaker: { maxRequests: 100_000 },
    }),
  ]);
  const connection = await connect(served.port);
  const picker = served.running.picker!;
  global.gc?.();
  const before = process.memoryUsage.rss();
  const calls = Array.from({ length: 2_000 }, () => connection.call(PROCESS_PATH));
  const part = chat("hello");
  await Promise.all(
    calls.map(async (call, index) => {
      await call.send(encodeRequest(HEADERS));
      await call.send(encodeRequest(index % 2 === 0 ? body(part) : body(part.slice(0, 10), false)));
    }),
  );
  await waitUntil(() => picker.streamCount === 2_000, "all streams");
  const first = await calls[0]!.next(LIMIT_MS);
  assert.equal(first?.kind, "message");
  // Both ends of each stream live in this process.
  const perStream = (process.memoryUsage.rss() - before) / calls.length;
  assert.ok(perStream < 60_000, `${Math.round(perStream)} bytes per stream`);
  assert.ok(picker.budget.used <= 2_000 * part.length);
  for (const call of calls) call.reset();
  await waitUntil(() => picker.streamCount === 0, "all streams to be gone");
  assert.equal(picker.budget.used, 0);
  assert.equal(
    await served.metric('plimsoll_endpoint_in_flight{pool="default/chat",endpoint="127.0.0.1:8000"}'),
    0,
  );
  connection.close();
});
