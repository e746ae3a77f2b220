/**
 * Bodies in both directions: every framing, the sizes where buffers end, trailers, and messages without a body.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, byPath, chunk, echo, hugeBody, type Echoed } from "../../kit/behaviours.ts";
import type { Behaviour } from "../../kit/exchange.ts";
import { patternAt, PatternCheck } from "../../kit/pattern.ts";
import type { RawClient } from "../../kit/raw-client.ts";
import { get, post, request, setStage } from "./stage.ts";

/** One read of the gateway, and its neighbours. */
const READ_SIZES = [0, 1, 65_535, 65_536, 65_537, 131_072];
const LARGE_BYTES = 12 << 20;

function patternOf(bytes: number): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes; at += 65_536) pieces.push(patternAt(at, Math.min(65_536, bytes - at)));
  return Buffer.concat(pieces);
}

function chunkedPost(...parts: readonly (string | Buffer)[]): Buffer {
  const head = Buffer.from(request("POST", "/", "Transfer-Encoding: chunked"));
  return Buffer.concat([head, ...parts.map((part) => Buffer.from(part))]);
}

test("request bodies of every size arrive whole, with Content-Length and in chunks", async () => {
  await using stage = await setStage(answer("taken"));
  using client = await stage.client();
  for (const bytes of READ_SIZES) {
    const body = patternOf(bytes);
    const stated = request("POST", "/", `Content-Length: ${bytes}`);
    await client.send(Buffer.concat([Buffer.from(stated), body]));
    assert.equal((await client.readResponse()).text, "taken");
    await client.send(bytes === 0 ? chunkedPost("0\r\n\r\n") : chunkedPost(chunk(body), "0\r\n\r\n"));
    assert.equal((await client.readResponse()).text, "taken");
    const received = stage.endpoint.requests.slice(-2);
    assert.ok(
      received.every((each) => each.body.equals(body)),
      `${bytes} bytes`,
    );
    assert.deepEqual(
      received.map(({ framing }) => framing),
      [{ kind: "length", bytes }, { kind: "chunked" }],
    );
  }
});

for (const framing of ["length", "chunked", "close"] as const) {
  test(`response bodies of every size arrive whole (${framing})`, async () => {
    await using stage = await setStage((exchange) =>
      hugeBody({ bytes: Number(exchange.request.target.slice(1)), framing })(exchange),
    );
    using client = await stage.client();
    for (const bytes of READ_SIZES) {
      await client.send(get(`/${bytes}`));
      const response = await client.readResponse();
      assert.ok(response.body.equals(patternOf(bytes)), `${bytes} bytes`);
      assert.equal(response.framing, framing === "length" ? "length" : "chunked");
    }
  });
}

test("a response of one read's size leaves its connection fit for the next request", async () => {
  await using stage = await setStage(hugeBody({ bytes: 262_144 }));
  using client = await stage.client();
  for (let n = 0; n < 20; n++) {
    await client.send(get());
    assert.equal((await client.readResponse()).body.length, 262_144);
  }
  assert.equal(stage.endpoint.connections, 1);
});

test("12 MB each way at the same time, every byte checked", async () => {
  const mirror: Behaviour = async (exchange) => {
    const body = await exchange.readBody();
    await exchange.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
    await exchange.write(body);
  };
  await using stage = await setStage(mirror);
  using client = await stage.client();
  await client.send(request("PUT", "/", `Content-Length: ${LARGE_BYTES}`));
  await sendPattern(client, LARGE_BYTES, (piece) => piece);
  const check = new PatternCheck();
  await client.readResponse({ onBody: (piece) => check.add(piece) });
  assert.equal(check.bytes, LARGE_BYTES);
});

test("12 MB in chunks each way, streamed through", async () => {
  const mirror: Behaviour = async (exchange) => {
    await exchange.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const received = new PatternCheck();
    const body = await exchange.readBody();
    received.add(body);
    for (let at = 0; at < body.length; at += 50_000)
      await exchange.write(chunk(body.subarray(at, at + 50_000)));
    await exchange.write("0\r\n\r\n");
  };
  await using stage = await setStage(mirror);
  using client = await stage.client();
  await client.send(request("PUT", "/", "Transfer-Encoding: chunked"));
  const sent = sendPattern(client, LARGE_BYTES, chunk).then(() => client.send("0\r\n\r\n"));
  const check = new PatternCheck();
  await client.readResponse({ onBody: (piece) => check.add(piece) });
  await sent;
  assert.equal(check.bytes, LARGE_BYTES);
});

async function sendPattern(client: RawClient, bytes: number, wrap: (piece: Buffer) => Buffer): Promise<void> {
  for (let at = 0; at < bytes; at += 60_000) {
    await client.send(wrap(patternAt(at, Math.min(60_000, bytes - at))));
  }
}

test("trailers pass in both directions", async () => {
  const reply = answer({ framing: "chunked", body: "x", trailers: [["X-Sum", "1"]] });
  await using stage = await setStage(reply);
  using client = await stage.client();
  await client.send(chunkedPost(chunk("ab"), "0\r\nX-Check: 2\r\nX-More: 3\r\n\r\n"));
  assert.deepEqual((await client.readResponse()).trailers, [["X-Sum", "1"]]);
  const [received] = stage.endpoint.requests;
  assert.deepEqual(received?.trailers, [
    ["X-Check", "2"],
    ["X-More", "3"],
  ]);
});

test("chunk extensions end at the gateway, in both directions", async () => {
  const reply: Behaviour = async (exchange) => {
    await exchange.readBody();
    await exchange.write(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;sig="a;b"\r\nabc\r\n0;last\r\n\r\n',
    );
  };
  await using stage = await setStage(reply);
  using client = await stage.client();
  await client.send(chunkedPost('2;name=value;flag\r\nhi\r\n0;x="\\"y"\r\n\r\n'));
  const response = await client.readResponse();
  assert.deepEqual([response.text, response.chunkSizes], ["abc", [3]]);
  assert.equal(stage.endpoint.requests[0]?.rawBody.toString(), "2\r\nhi\r\n0\r\n\r\n");
});

test("HEAD answers have the length that GET would have, and no body", async () => {
  await using stage = await setStage(
    byPath({ "/length": answer("four"), "/chunked": answer({ framing: "chunked", body: "x" }) }),
  );
  using client = await stage.client();
  await client.send(request("HEAD", "/length") + request("HEAD", "/chunked") + get("/length"));
  const stated = await client.readResponse({ method: "HEAD" });
  assert.deepEqual([stated.header("content-length"), stated.body.length], ["4", 0]);
  const chunked = await client.readResponse({ method: "HEAD" });
  assert.deepEqual([chunked.header("content-length"), chunked.body.length], [undefined, 0]);
  assert.equal((await client.readResponse()).text, "four");
});

test("204 and 304 have no body, and the connection goes on", async () => {
  const fields = [["Content-Length", "40"]] as const;
  await using stage = await setStage(
    byPath({
      "/204": answer({ status: 204, reason: "No Content", framing: "none" }),
      "/304": answer({ status: 304, reason: "Not Modified", framing: "none", fields }),
      "/": answer("after"),
    }),
  );
  using client = await stage.client();
  await client.send(get("/204") + get("/304") + get("/"));
  assert.equal((await client.readResponse()).status, 204);
  const notModified = await client.readResponse();
  assert.deepEqual([notModified.status, notModified.header("content-length")], [304, "40"]);
  assert.equal((await client.readResponse()).text, "after");
  assert.equal(stage.endpoint.connections, 1);
});

test("a 204 with Content-Length: 0, as old servers send it, loses the length on its way", async () => {
  const fields = [["Content-Length", "0"]] as const;
  await using stage = await setStage(answer({ status: 204, reason: "No Content", framing: "none", fields }));
  const response = await stage.ask(get());
  assert.deepEqual([response.status, response.header("content-length")], [204, undefined]);
});

test("a response until close is chunked for a 1.1 client, whose connection goes on", async () => {
  await using stage = await setStage(answer({ body: "until the end", framing: "close" }));
  using client = await stage.client();
  for (let n = 0; n < 2; n++) {
    await client.send(get());
    const response = await client.readResponse();
    assert.deepEqual([response.framing, response.text], ["chunked", "until the end"]);
  }
});

for (const framing of ["close", "chunked"] as const) {
  test(`a response of unknown length (${framing}) ends with the connection of a 1.0 client`, async () => {
    await using stage = await setStage(
      answer({ chunks: ["until ", "the end"], body: "until the end", framing, trailers: [["T", "1"]] }),
    );
    using client = await stage.client();
    await client.send("GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n");
    const response = await client.readResponse();
    assert.deepEqual([response.framing, response.text], ["close", "until the end"]);
    assert.deepEqual(
      [response.header("connection"), response.header("transfer-encoding")],
      ["close", undefined],
    );
  });
}

test("a response cut short reaches the client as a broken connection, never as a whole", async () => {
  const cut: Behaviour = async (exchange) => {
    await exchange.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    exchange.end();
  };
  await using stage = await setStage(cut);
  using client = await stage.client();
  await client.send(get());
  await client.readHead();
  assert.equal((await client.waitForClose()).how, "rst");
  const { status, endedBy, why, attempts } = await stage.record();
  assert.deepEqual([status, endedBy, why], [200, "endpoint", "response-cut"]);
  assert.equal(attempts[0]?.outcome, "broken");
});

test("POST bodies of one request do not leak into the next", async () => {
  await using stage = await setStage(echo());
  using client = await stage.client();
  await client.send(post("GET /evil HTTP/1.1\r\nHost: a.test\r\n\r\n") + get("/next"));
  await client.readResponse();
  assert.equal((JSON.parse((await client.readResponse()).text) as Echoed).target, "/next");
  assert.equal(stage.endpoint.requests.length, 2);
});
