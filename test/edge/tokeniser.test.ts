/** Asking an engine for tokens, over real sockets. */
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { Tokeniser, tokensInBody } from "../../src/edge/kv-events/tokeniser.ts";

async function serve(
  t: TestContext,
  answer: (body: string, response: http.ServerResponse, request: http.IncomingMessage) => void,
): Promise<number> {
  const server = http.createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => answer(body, response, request));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const BODY = Buffer.from('{"model":"m","prompt":"gr\u00fc\u00df","stream":true}');

test("the client's body goes as it came, and the tokens come back", async (t) => {
  const seen: string[] = [];
  const port = await serve(t, (body, response, request) => {
    seen.push(`${request.method} ${request.url} ${body}`);
    response.end('{"count":3,"max_model_len":8192,"tokens":[1,151643,7]}');
  });
  const tokeniser = new Tokeniser();
  assert.deepEqual(await tokeniser.ask("127.0.0.1", port, BODY), Int32Array.of(1, 151_643, 7));
  assert.deepEqual(seen, [`POST /tokenize ${BODY.toString()}`]);
  assert.deepEqual(tokeniser.counts, { asked: 1, answered: 1, failed: 0, skipped: 0 });
});

for (const [what, answer] of [
  ["refuses", (response: http.ServerResponse) => response.writeHead(404).end("{}")],
  ["resets", (response: http.ServerResponse) => response.destroy()],
  [
    "cuts its answer",
    (response: http.ServerResponse) => response.writeHead(200, { "content-length": 99 }).destroy(),
  ],
  ["speaks otherwise", (response: http.ServerResponse) => response.end("tokens")],
  ["has no tokens", (response: http.ServerResponse) => response.end('{"tokens":[]}')],
  ["has odd tokens", (response: http.ServerResponse) => response.end('{"tokens":[1,-1]}')],
] as const) {
  test(`an engine that ${what} teaches nothing`, async (t) => {
    const port = await serve(t, (_body, response) => answer(response));
    const tokeniser = new Tokeniser();
    assert.equal(await tokeniser.ask("127.0.0.1", port, BODY), undefined);
    assert.equal(tokeniser.counts.failed, 1);
  });
}

test("few are asked at a time, the others are not asked, and closing ends those under way", async (t) => {
  const port = await serve(t, () => {});
  const tokeniser = new Tokeniser();
  const asked = Array.from({ length: 6 }, () => tokeniser.ask("127.0.0.1", port, BODY));
  assert.deepEqual(tokeniser.counts, { asked: 4, answered: 0, failed: 0, skipped: 2 });
  tokeniser.close();
  assert.deepEqual(new Set(await Promise.all(asked)), new Set([undefined]));
  assert.equal(tokeniser.counts.failed, 4);
});

test("a prompt of tokens is its own answer", () => {
  const tokens = (prompt: unknown): Int32Array | undefined =>
    tokensInBody(Buffer.from(JSON.stringify({ prompt })));
  assert.deepEqual(tokens([1, 2]), Int32Array.of(1, 2));
  for (const prompt of ["text", ["text"], [[1, 2]], [], [1.5], [2 ** 40], null])
    assert.equal(tokens(prompt), undefined);
  assert.equal(tokensInBody(Buffer.from("[")), undefined);
});
