/**
 * The kit tested on itself: each behaviour against the raw client. What a kit gets wrong, every test that uses
 * it gets wrong.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  answer,
  byPath,
  delayed,
  echo,
  events,
  hugeBody,
  inTurn,
  upgradeEcho,
  withInterim,
} from "./behaviours.ts";
import type { Echoed } from "./behaviours.ts";
import { ReadTimeout, EarlyEnd } from "./byte-reader.ts";
import { startEndpoint } from "./endpoint.ts";
import { MalformedMessage } from "./message.ts";
import {
  answerEarly,
  answerTwice,
  breakMidBody,
  closeAfterAnswer,
  closeBeforeAnswer,
  closeOnReuse,
  hang,
  inSingleBytes,
  neverReadBody,
  raw,
} from "./misbehaviours.ts";
import { PatternCheck } from "./pattern.ts";
import { exchangeOnce, rawClient } from "./raw-client.ts";
import { waitUntil } from "./wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

test("echo says back head and body as received, chunk framing included", async () => {
  await using endpoint = await startEndpoint(echo());
  const request =
    "POST /x?y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n";
  const response = await exchangeOnce(endpoint.port, request);
  const echoed = JSON.parse(response.text) as Echoed;
  assert.equal(echoed.rawHead + echoed.rawBody, request);
  assert.deepEqual(echoed.trailers, [["T", "1"]]);
  assert.deepEqual(echoed.chunkSizes, [3]);
  assert.deepEqual([echoed.method, echoed.target, echoed.body], ["POST", "/x?y", "abc"]);
});

test("keep-alive and pipelining: answers in order, connections and requests counted", async () => {
  await using endpoint = await startEndpoint(inTurn(delayed(20, answer("1")), answer("2"), answer("3")));
  using client = await rawClient(endpoint.port);
  await client.send(GET + GET);
  assert.equal((await client.readResponse()).text, "1");
  assert.equal((await client.readResponse()).text, "2");
  assert.equal((await exchangeOnce(endpoint.port, GET)).text, "3");
  assert.deepEqual([endpoint.connections, endpoint.requests.length], [2, 3]);
  assert.deepEqual(
    endpoint.requests.map(({ connection, nth }) => [connection, nth]),
    [
      [1, 1],
      [1, 2],
      [2, 1],
    ],
  );
});

test("chunked with trailers, until-close and HEAD are read as framed", async () => {
  const chunked = answer({ framing: "chunked", chunks: ["ab", "c"], trailers: [["X-Sum", "3"]] });
  await using endpoint = await startEndpoint(
    byPath({ "/chunked": chunked, "/close": answer({ body: "all", framing: "close" }), "/": answer("body") }),
  );
  using client = await rawClient(endpoint.port);
  await client.send(GET.replace("/ ", "/chunked "));
  const response = await client.readResponse();
  assert.deepEqual([response.framing, response.text, response.chunkSizes], ["chunked", "abc", [2, 1]]);
  assert.deepEqual(response.trailers, [["X-Sum", "3"]]);
  await client.send(GET.replace("GET", "HEAD"));
  const head = await client.readResponse({ method: "HEAD" });
  assert.deepEqual([head.header("content-length"), head.body.length], ["4", 0]);
  await client.send(GET.replace("/ ", "/close "));
  const last = await client.readResponse();
  assert.deepEqual([last.framing, last.text], ["close", "all"]);
});

test("interim responses come before the final one", async () => {
  const hints = { status: 103, reason: "Early Hints", fields: [["Link", "</a>"]] as const };
  await using endpoint = await startEndpoint(withInterim([hints], answer("final")));
  const response = await exchangeOnce(endpoint.port, GET);
  assert.deepEqual([response.status, response.text], [200, "final"]);
  assert.deepEqual(response.interim, [{ status: 103, fields: [["Link", "</a>"]] }]);
});

test("an upgraded connection echoes until the client ends", async () => {
  await using endpoint = await startEndpoint(upgradeEcho());
  using client = await rawClient(endpoint.port);
  await client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: mirror\r\n\r\nearly");
  const response = await client.readResponse();
  assert.deepEqual([response.status, response.header("upgrade")], [101, "mirror"]);
  assert.equal((await client.readBytes(5)).toString(), "early");
  client.end();
  assert.deepEqual(await client.waitForClose(), { how: "fin", bytes: 0 });
});

test("events arrive one chunk each, as they are made", async () => {
  await using endpoint = await startEndpoint(events({ count: 3, intervalMs: 60 }));
  using client = await rawClient(endpoint.port);
  await client.send(GET);
  await client.readHead();
  const startedMs = Date.now();
  assert.equal(await client.readThrough("\n\n\r\n"), "9\r\ndata: 1\n\n\r\n");
  assert.ok(Date.now() - startedMs < 55, "the first event came with the second");
  await client.readThrough("0\r\n\r\n");
  assert.ok(Date.now() - startedMs >= 100);
});

for (const framing of ["length", "chunked", "close"] as const) {
  test(`a huge body (${framing}) arrives whole, and is held back by a client that does not read`, async () => {
    let written = 0;
    const bytes = 64 << 20;
    const onProgress = (sofar: number): void => void (written = sofar);
    await using endpoint = await startEndpoint(hugeBody({ bytes, framing, onProgress }));
    using client = await rawClient(endpoint.port);
    await client.send(GET);
    await waitUntil(() => written > 0, "the first bytes");
    await stable(() => written);
    assert.ok(written < bytes / 2, `${written} bytes were written to a client that does not read`);
    const check = new PatternCheck();
    await client.readResponse({ onBody: (piece) => check.add(piece) });
    assert.equal(check.bytes, bytes);
  });
}

test("the pattern notices a lost byte", () => {
  assert.throws(() => new PatternCheck().add(Buffer.from([0, 31, 93])), /differs from the pattern/);
});

test("hang: no answer, the client's leaving is noticed, the time-out shows what came", async () => {
  await using endpoint = await startEndpoint(hang());
  const client = await rawClient(endpoint.port);
  await client.send(GET);
  await assert.rejects(client.readResponse({ limitMs: 50 }), ReadTimeout);
  assert.equal(endpoint.openConnections, 1);
  client.close();
  await waitUntil(() => endpoint.openConnections === 0, "the endpoint sees its client leave");
});

test("a time-out shows what was received", async () => {
  await using endpoint = await startEndpoint(raw("HTTP/1.1 200 OK\r\nContent-"));
  await assert.rejects(exchangeOnce(endpoint.port, GET, { limitMs: 50 }), /HTTP\/1\.1 200 OK\\r\\nContent-/);
});

test("neverReadBody holds the sender back", async () => {
  await using endpoint = await startEndpoint(neverReadBody());
  using client = await rawClient(endpoint.port);
  await client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${64 << 20}\r\n\r\n`);
  const sent = client.send(Buffer.alloc(64 << 20));
  await stable(() => client.socket.bytesWritten - client.socket.writableLength);
  assert.ok(client.socket.writableLength > 32 << 20);
  client.close();
  await sent;
});

for (const how of ["fin", "rst"] as const) {
  test(`closeBeforeAnswer (${how}) and closeOnReuse (${how})`, async () => {
    await using endpoint = await startEndpoint(closeBeforeAnswer(how));
    using first = await rawClient(endpoint.port);
    await first.send(GET);
    assert.deepEqual(await first.waitForClose(), { how, bytes: 0 });
    endpoint.behave(closeOnReuse(answer("once"), how));
    using second = await rawClient(endpoint.port);
    await second.send(GET);
    assert.equal((await second.readResponse()).text, "once");
    await second.send(GET);
    assert.deepEqual(await second.waitForClose(), { how, bytes: 0 });
  });

  test(`breakMidBody (${how}) sends what it said and no more`, async () => {
    await using endpoint = await startEndpoint(breakMidBody({ declaredBytes: 100, sentBytes: 40, how }));
    using client = await rawClient(endpoint.port);
    await client.send(GET);
    await client.readHead();
    assert.deepEqual(await client.waitForClose(), { how, bytes: 40 });
  });
}

test("a body cut short is an error for the strict client", async () => {
  await using endpoint = await startEndpoint(breakMidBody({ declaredBytes: 9, sentBytes: 4, how: "fin" }));
  await assert.rejects(exchangeOnce(endpoint.port, GET), EarlyEnd);
});

test("closeAfterAnswer and closeIdle end by FIN", async () => {
  await using endpoint = await startEndpoint(closeAfterAnswer(answer("bye")));
  using client = await rawClient(endpoint.port);
  await client.send(GET);
  assert.equal((await client.readResponse()).text, "bye");
  assert.equal((await client.waitForClose()).how, "fin");
  endpoint.behave(answer("stay"));
  using idle = await rawClient(endpoint.port);
  await idle.send(GET);
  await idle.readResponse();
  endpoint.closeIdle();
  assert.equal((await idle.waitForClose()).how, "fin");
});

test("inSingleBytes and a client sending single bytes", async () => {
  await using endpoint = await startEndpoint(inSingleBytes(answer("slowly")));
  using client = await rawClient(endpoint.port);
  await client.send(GET, { bytePauseMs: 0 });
  assert.equal((await client.readResponse()).text, "slowly");
});

test("answerEarly answers while the body is still due", async () => {
  await using endpoint = await startEndpoint(answerEarly({ status: 413, reason: "Too Large" }));
  using client = await rawClient(endpoint.port);
  await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
  assert.equal((await client.readResponse()).status, 413);
  await client.send("abc" + GET);
  assert.equal((await client.readResponse()).status, 413);
  endpoint.behave(answerEarly({ status: 413 }, "close"));
  await client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n${"x".repeat(200_000)}`);
  await client.waitForClose();
});

test("answerTwice leaves a second response on the wire", async () => {
  await using endpoint = await startEndpoint(answerTwice({ body: "x" }));
  using client = await rawClient(endpoint.port);
  await client.send(GET);
  assert.equal((await client.readResponse()).text, "x");
  assert.equal((await client.readResponse()).text, "x");
});

test("the strict client refuses what is ambiguous", async () => {
  const bad = [
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n",
    "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
  ];
  for (const bytes of bad) {
    await using endpoint = await startEndpoint(raw(bytes));
    await assert.rejects(exchangeOnce(endpoint.port, GET), MalformedMessage, bytes);
  }
});

test("a malformed request and a behaviour that throws come out of close()", async () => {
  const endpoint = await startEndpoint(answer());
  using client = await rawClient(endpoint.port);
  await client.send("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
  assert.equal((await client.waitForClose()).bytes, 0);
  endpoint.behave(() => {
    throw new Error("scripted");
  });
  await assert.rejects(exchangeOnce(endpoint.port, GET));
  await assert.rejects(endpoint.close(), /both Content-Length and Transfer-Encoding(.|\n)*scripted/);
});

/** Waits until a figure has not moved for 100 ms: whoever moves it is held back. */
async function stable(figure: () => number): Promise<void> {
  let last = -1;
  let sinceMs = Date.now();
  await waitUntil(() => {
    if (figure() !== last) [last, sinceMs] = [figure(), Date.now()];
    return Date.now() - sinceMs > 100;
  }, "the figure comes to rest");
}
