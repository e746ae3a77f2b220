/**
 * The heads that go on to the next hop, byte for byte.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, chunked, get, line, lines, post } from "../../../../test/fuzz/messages.ts";
import { readRequests } from "../../../../test/fuzz/our-reading.ts";
import { responseHeadText, type AnswerForm } from "./forward.ts";
import { ResponseHead } from "./response-head.ts";

/** What we say of the client and the exchange. */
function ours(host: string, before = ""): string[] {
  return [
    `X-Forwarded-For: ${before}192.0.2.1`,
    "X-Forwarded-Proto: http",
    `X-Forwarded-Host: ${host}`,
    "X-Request-Id: id-1",
  ];
}

const OURS = ours("a");

const REQUESTS: readonly (readonly [name: string, request: string, head: readonly string[]])[] = [
  [
    "ordinary fields pass untouched",
    get("Accept:*/*", "A:  b\t", "a: \xe9"),
    ["GET / HTTP/1.1", "Host: a", "Accept:*/*", "A:  b\t", "a: \xe9", ...OURS],
  ],
  [
    "HTTP/1.0 goes on as HTTP/1.1",
    lines("GET / HTTP/1.0", "Host: a", ""),
    ["GET / HTTP/1.1", "Host: a", ...OURS],
  ],
  [
    "without Host an empty one is written",
    lines("GET / HTTP/1.0", "A: b", ""),
    ["GET / HTTP/1.1", "Host: ", "A: b", ...ours("")],
  ],
  ["an empty Host is written anew", line("GET / HTTP/1.1", ""), ["GET / HTTP/1.1", "Host: ", ...ours("")]],
  [
    "absolute form becomes origin form",
    lines("GET http://A:8/b?c HTTP/1.1", "X: y", "Host: a:8", ""),
    ["GET /b?c HTTP/1.1", "Host: A:8", "X: y", ...ours("A:8")],
  ],
  [
    "absolute form brings its own Host",
    lines("GET http://a/b HTTP/1.0", ""),
    ["GET /b HTTP/1.1", "Host: a", ...OURS],
  ],
  [
    "OPTIONS of a server keeps its asterisk",
    line("OPTIONS http://a HTTP/1.1"),
    ["OPTIONS * HTTP/1.1", "Host: a", ...OURS],
  ],
  ["the empty line before a request goes", `\r\n${get()}`, ["GET / HTTP/1.1", "Host: a", ...OURS]],
  [
    "fields for this hop go",
    get("Connection: close", "Keep-Alive: 5", "A: b", "TE: trailers", "Proxy-Connection: keep-alive", "C: d"),
    ["GET / HTTP/1.1", "Host: a", "A: b", "C: d", ...OURS],
  ],
  [
    "nominated fields go",
    get("X-A: 1", "Connection: x-a, X_B", "x_b: 2", "X-AB: 3"),
    ["GET / HTTP/1.1", "Host: a", "X-AB: 3", ...OURS],
  ],
  ["Proxy (httpoxy) goes", get("Proxy: http://b"), ["GET / HTTP/1.1", "Host: a", ...OURS]],
  [
    "HTTP2-Settings and h2c go",
    get("Connection: Upgrade", "Upgrade: h2c", "HTTP2-Settings: x"),
    ["GET / HTTP/1.1", "Host: a", ...OURS],
  ],
  [
    "WebSocket stays",
    get("Upgrade: WebSocket", "Connection: keep-alive, Upgrade", "Sec-WebSocket-Key: x"),
    [
      "GET / HTTP/1.1",
      "Host: a",
      "Sec-WebSocket-Key: x",
      ...OURS,
      "Connection: Upgrade",
      "Upgrade: websocket",
    ],
  ],
  [
    "Content-Length stays",
    post(["Content-Length: 0"]),
    ["POST / HTTP/1.1", "Host: a", "Content-Length: 0", ...OURS],
  ],
  [
    "Transfer-Encoding is written anew",
    chunked("0\r\n\r\n"),
    ["POST / HTTP/1.1", "Host: a", ...OURS, "Transfer-Encoding: chunked"],
  ],
  [
    "Expect stays with a body",
    post(["Expect: 100-Continue", "Content-Length: 1"], "x"),
    ["POST / HTTP/1.1", "Host: a", "Expect: 100-Continue", "Content-Length: 1", ...OURS],
  ],
  ["Expect goes without one", get("Expect: 100-continue"), ["GET / HTTP/1.1", "Host: a", ...OURS]],
  [
    "Expect goes in HTTP/1.0",
    lines("POST / HTTP/1.0", "Host: a", "Expect: 100-continue", "Content-Length: 1", "") + "x",
    ["POST / HTTP/1.1", "Host: a", "Content-Length: 1", ...OURS],
  ],
  [
    "X-Forwarded-For is continued",
    get("X-Forwarded-For: 1.1.1.1", "x-forwarded-for: 2.2.2.2"),
    ["GET / HTTP/1.1", "Host: a", ...ours("a", "1.1.1.1, 2.2.2.2, ")],
  ],
  ["an empty X-Forwarded-For is none", get("X-Forwarded-For:"), ["GET / HTTP/1.1", "Host: a", ...OURS]],
  [
    "X-Forwarded-For cannot be nominated away",
    get("X-Forwarded-For: 1", "Connection: X-Forwarded-For"),
    ["GET / HTTP/1.1", "Host: a", ...ours("a", "1, ")],
  ],
  [
    "X-Forwarded-Proto and -Host cannot be forged",
    get("X-Forwarded-Proto: https", "X-FORWARDED-HOST: b"),
    ["GET / HTTP/1.1", "Host: a", ...OURS],
  ],
  [
    "nor with underscores",
    get(
      "X_Forwarded_Proto: https",
      "X_Forwarded-Host: b",
      "x-forwarded_for: c",
      "Content_Length: 5",
      "Keep_This: 1",
    ),
    ["GET / HTTP/1.1", "Host: a", "Keep_This: 1", ...OURS],
  ],
  [
    "the client's request id is replaced by the exchange's",
    get("X-Request-Id: 7", "X-Request-Id: 8"),
    ["GET / HTTP/1.1", "Host: a", ...OURS],
  ],
];

test("request heads", async (t) => {
  for (const [name, request, head] of REQUESTS) {
    await t.test(name, () => {
      const { messages } = readRequests(Buffer.from(request, "latin1"));
      assert.equal(messages[0]?.forwardedHead, lines(...head, ""));
    });
  }
});

test("the client's request id is known", () => {
  const { messages } = readRequests(Buffer.from(get("X-Request-Id: abc") + get()));
  assert.deepEqual(
    messages.map(({ requestId }) => requestId),
    ["abc", ""],
  );
});

const PLAIN: AnswerForm = { requestId: undefined, chunked: false, connection: undefined };

const ANSWERS: readonly (readonly [
  name: string,
  response: string,
  form: AnswerForm,
  head: readonly string[],
])[] = [
  [
    "ordinary fields pass untouched",
    answer("200 OK", ["Content-Length:0", "Set-Cookie: a", "Set-Cookie: b"]),
    PLAIN,
    ["HTTP/1.1 200 OK", "Content-Length:0", "Set-Cookie: a", "Set-Cookie: b"],
  ],
  [
    "HTTP/1.0 goes on as HTTP/1.1",
    lines("HTTP/1.0 200 OK", "Content-Length: 0", ""),
    PLAIN,
    ["HTTP/1.1 200 OK", "Content-Length: 0"],
  ],
  ["no reason", lines("HTTP/1.1 204", ""), PLAIN, ["HTTP/1.1 204 "]],
  [
    "fields for this hop go",
    answer("204 No", ["Connection: close, x-a", "X-A: b", "Keep-Alive: timeout=5", "C: d"]),
    PLAIN,
    ["HTTP/1.1 204 No", "C: d"],
  ],
  [
    "chunks are announced anew",
    answer("200 OK", ["transfer-encoding:chunked", "A: b"]),
    { ...PLAIN, chunked: true },
    ["HTTP/1.1 200 OK", "A: b", "Transfer-Encoding: chunked"],
  ],
  [
    "chunks that were decoded are not",
    answer("200 OK", ["Transfer-Encoding: chunked"]),
    { ...PLAIN, connection: "close" },
    ["HTTP/1.1 200 OK", "Connection: close"],
  ],
  [
    "the request id is added",
    answer("204 No"),
    { ...PLAIN, requestId: "7" },
    ["HTTP/1.1 204 No", "X-Request-Id: 7"],
  ],
  [
    "the endpoint's request id stays",
    answer("204 No", ["X-Request-Id: 8"]),
    PLAIN,
    ["HTTP/1.1 204 No", "X-Request-Id: 8"],
  ],
  [
    "204 loses its length",
    answer("204 No", ["Content-Length: 0", "A: b"]),
    PLAIN,
    ["HTTP/1.1 204 No", "A: b"],
  ],
  [
    "304 keeps its length",
    answer("304 No", ["Content-Length: 5"]),
    PLAIN,
    ["HTTP/1.1 304 No", "Content-Length: 5"],
  ],
  [
    "HTTP/1.0 clients hear keep-alive",
    answer("204 No"),
    { ...PLAIN, connection: "keep-alive" },
    ["HTTP/1.1 204 No", "Connection: keep-alive"],
  ],
  [
    "WebSocket",
    answer("101 Switching Protocols", [
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Accept: x",
    ]),
    { ...PLAIN, connection: "Upgrade" },
    [
      "HTTP/1.1 101 Switching Protocols",
      "Sec-WebSocket-Accept: x",
      "Connection: Upgrade",
      "Upgrade: websocket",
    ],
  ],
];

test("response heads", async (t) => {
  for (const [name, response, form, expected] of ANSWERS) {
    await t.test(name, () => {
      const bytes = Buffer.from(response, "latin1");
      const head = new ResponseHead();
      assert.equal(head.parse(bytes, 0, bytes.length, false), bytes.length, head.fault);
      assert.equal(responseHeadText(head, bytes, form), lines(...expected, ""));
    });
  }
});

test("an endpoint's request id is noticed", () => {
  const head = new ResponseHead();
  for (const [response, has] of [
    [answer("204 No", ["x-request-ID: 8"]), true],
    [answer("204 No"), false],
  ] as const) {
    const bytes = Buffer.from(response);
    head.parse(bytes, 0, bytes.length, false);
    assert.equal(head.hasRequestId, has);
  }
});
