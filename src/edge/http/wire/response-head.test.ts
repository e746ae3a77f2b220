/**
 * Responses: status lines, and where an answer ends. An endpoint may be broken, or speak for an attacker.
 */
import { test } from "node:test";
import assert from "node:assert/strict";
import { answer, lines } from "../../../../test/fuzz/messages.ts";
import { readResponses } from "../../../../test/fuzz/our-reading.ts";
import { acceptsResponses, refusesResponses } from "../../../../test/fuzz/table.ts";

const NOT_HTTP = "not HTTP/1.x";
const VERSION = "not HTTP/1.0 or HTTP/1.1";
const STATUS = "malformed status line";
const END = "malformed end of the status line";
const LENGTH = "ambiguous body length";
const NO_BODY = "a body length where no body can be";
const INTERIM = "an interim response that ends the connection";
const UNASKED = "bytes that nobody waits for";
const OK = answer("200 OK", ["Content-Length: 2"], "ok");
const CHUNKED = "Transfer-Encoding: chunked";
const LAST = "0\r\n\r\n";

refusesResponses("status line", [
  ["empty line before it (stricter)", `\r\n${OK}`, NOT_HTTP],
  ["space before it", ` ${OK}`, NOT_HTTP],
  ["NUL before it", `\0${OK}`, NOT_HTTP],
  ["no status line", "<html></html>", NOT_HTTP],
  ["a request", lines("GET / HTTP/1.1", "Host: a", ""), NOT_HTTP],
  ["ICY", lines("ICY 200 OK", ""), NOT_HTTP],
  ["lower-case version", lines("http/1.1 200 OK", ""), NOT_HTTP],
  ["HTTP/2", lines("HTTP/2 200 OK", ""), NOT_HTTP],
  ["HTTP/2.0", lines("HTTP/2.0 200 OK", ""), NOT_HTTP],
  ["HTTP/0.9", lines("HTTP/0.9 200 OK", ""), NOT_HTTP],
  ["HTTP/1.2 (stricter)", lines("HTTP/1.2 200 OK", ""), VERSION],
  ["HTTP/1.10", lines("HTTP/1.10 200 OK", ""), STATUS],
  ["HTTP/01.1", lines("HTTP/01.1 200 OK", ""), NOT_HTTP],
  ["no minor version", lines("HTTP/1 200 OK, fine", ""), NOT_HTTP],
  ["two spaces before the status", lines("HTTP/1.1  200 OK", ""), STATUS],
  ["tab before the status", lines("HTTP/1.1\t200 OK", ""), STATUS],
  ["no status", lines("HTTP/1.1 OK fine", ""), STATUS],
  ["two digits", lines("HTTP/1.1 20 OK", ""), STATUS],
  ["four digits", lines("HTTP/1.1 2000 OK", ""), END],
  ["signed status", lines("HTTP/1.1 +20 OK", ""), STATUS],
  ["hexadecimal status", lines("HTTP/1.1 0xC OK", ""), STATUS],
  ["status 000", lines("HTTP/1.1 000 OK", ""), STATUS],
  ["status 099", lines("HTTP/1.1 099 OK", ""), STATUS],
  ["status with a fraction", lines("HTTP/1.1 404.1 No", ""), END],
  ["tab after the status", lines("HTTP/1.1 200\tOK", ""), END],
  ["letter after the status", lines("HTTP/1.1 200OK", ""), END],
  ["NUL in the reason", lines("HTTP/1.1 200 O\0K", ""), END],
  ["vertical tab in the reason", lines("HTTP/1.1 200 O\x0bK", ""), END],
  ["splitting by a bare CR in the reason", lines("HTTP/1.1 200 OK\rContent-Length: 0", ""), END],
  ["splitting by a bare LF in the reason", lines("HTTP/1.1 200 OK\nContent-Length: 0", ""), END],
  ["bare LF after it", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", END],
  ["bare CR after it", "HTTP/1.1 200 OK\rContent-Length: 0\r\n\r\n", END],
  ["bare LF after the status", "HTTP/1.1 200\nContent-Length: 0\r\n\r\n", END],
  ["bare CR after the status", "HTTP/1.1 200\rContent-Length: 0\r\n\r\n", END],
  ["CR CR LF", "HTTP/1.1 200 OK\r\r\nContent-Length: 0\r\n\r\n", END],
  [
    "too many fields",
    answer(
      "200 OK",
      Array.from({ length: 129 }, () => "A: b"),
    ),
    "too many fields",
  ],
]);

refusesResponses("framing", [
  ["both lengths (stricter)", answer("200 OK", ["Content-Length: 2", CHUNKED], LAST), LENGTH],
  [
    "both lengths in the other order (stricter)",
    answer("200 OK", [CHUNKED, "Content-Length: 2"], LAST),
    LENGTH,
  ],
  ["two lengths, differing", answer("200 OK", ["Content-Length: 2", "Content-Length: 3"], "ok!"), LENGTH],
  [
    "two lengths, equal (stricter)",
    answer("200 OK", ["Content-Length: 2", "Content-Length: 2"], "ok"),
    LENGTH,
  ],
  ["list of lengths (stricter)", answer("200 OK", ["Content-Length: 2, 2"], "ok"), LENGTH],
  ["empty length", answer("200 OK", ["Content-Length:"], "ok"), LENGTH],
  ["negative length", answer("200 OK", ["Content-Length: -1"], "ok"), LENGTH],
  ["signed length", answer("200 OK", ["Content-Length: +2"], "ok"), LENGTH],
  ["leading zero (stricter)", answer("200 OK", ["Content-Length: 02"], "ok"), LENGTH],
  ["huge length", answer("200 OK", ["Content-Length: 18446744073709551618"], "ok"), LENGTH],
  ["space before the colon", answer("200 OK", ["Content-Length : 2"], "ok"), "white space before the colon"],
  ["xchunked", answer("200 OK", ["Transfer-Encoding: xchunked"], LAST), LENGTH],
  ["gzip (stricter: until close)", answer("200 OK", ["Transfer-Encoding: gzip"], "ok"), LENGTH],
  ["gzip, chunked (stricter)", answer("200 OK", ["Transfer-Encoding: gzip, chunked"], LAST), LENGTH],
  ["identity", answer("200 OK", ["Transfer-Encoding: identity"], "ok"), LENGTH],
  ["tab after chunked (stricter: until close, to llhttp)", answer("200 OK", [`${CHUNKED} \t`], LAST), LENGTH],
  ["two Transfer-Encoding", answer("200 OK", [CHUNKED, CHUNKED], LAST), LENGTH],
  ["folded Transfer-Encoding", answer("200 OK", ["Transfer-Encoding:", " chunked"], LAST), "line folding"],
  [
    "Transfer-Encoding in HTTP/1.0",
    lines("HTTP/1.0 200 OK", CHUNKED, "") + LAST,
    "Transfer-Encoding in HTTP/1.0",
  ],
  [
    "Connection names Content-Length",
    answer("200 OK", ["Connection: Content-Length", "Content-Length: 2"], "ok"),
    "Connection names a framing field",
  ],
  [
    "Connection names Transfer-Encoding",
    answer("200 OK", ["Connection: Transfer-Encoding", CHUNKED], LAST),
    "Connection names a framing field",
  ],
  ["length on 204", answer("204 No Content", ["Content-Length: 2"], "ok"), NO_BODY],
  ["chunks on 204", answer("204 No Content", [CHUNKED], LAST), NO_BODY],
  ["length on 100", answer("100 Continue", ["Content-Length: 2"], "ok") + OK, NO_BODY],
  ["chunks on 103", answer("103 Early Hints", [CHUNKED], LAST) + OK, NO_BODY],
  ["length on 101", answer("101 Switching Protocols", ["Content-Length: 2"], "ok"), NO_BODY],
  ["100 that closes", answer("100 Continue", ["Connection: close"]) + OK, INTERIM],
  ["100 in HTTP/1.0", lines("HTTP/1.0 100 Continue", "") + OK, INTERIM],
  ["101 that closes", answer("101 Switching", ["Connection: upgrade, close", "Upgrade: websocket"]), INTERIM],
  ["both lengths on 304", answer("304 Not Modified", ["Content-Length: 2", CHUNKED]), LENGTH],
]);

refusesResponses("surplus: what follows the answer is nobody's", [
  ["a second answer", OK + OK, UNASKED, "unasked"],
  ["a CRLF too many", `${OK}\r\n`, UNASKED, "unasked"],
  ["a body longer than its length", answer("200 OK", ["Content-Length: 2"], "ok!"), UNASKED, "unasked"],
  ["a body on 204", answer("204 No Content", [], "ok"), UNASKED, "unasked"],
  ["a body on 304", answer("304 Not Modified", ["Content-Length: 2"], "ok"), UNASKED, "unasked"],
  ["an answer after the last chunk", answer("200 OK", [CHUNKED], LAST) + OK, UNASKED, "unasked"],
  ["an interim answer after the final one", OK + answer("100 Continue"), UNASKED, "unasked"],
  ["a body on 100 is a status line", answer("100 Continue", [], "ok") + OK, NOT_HTTP],
]);

refusesResponses(
  "surplus after HEAD",
  [
    ["a body", OK, UNASKED, "unasked"],
    ["chunks", answer("200 OK", [CHUNKED], LAST), UNASKED, "unasked"],
    ["both lengths", answer("200 OK", ["Content-Length: 2", CHUNKED]), LENGTH],
  ],
  "HEAD",
);

acceptsResponses("answers", [
  ["Content-Length", OK, { status: 200, reason: "OK", body: "ok", keepAlive: true }],
  ["three answers to three requests", OK + OK + OK, { body: "ok" }, { body: "ok" }, { body: "ok" }],
  ["an answer in a body is a body", answer("200 OK", [`Content-Length: ${OK.length}`], OK), { body: OK }],
  [
    "an answer in a chunk is a body",
    answer("200 OK", [CHUNKED], `${OK.length.toString(16)}\r\n${OK}\r\n${LAST}`),
    { body: OK },
  ],
  ["no reason", lines("HTTP/1.1 200 ", "Content-Length: 0", ""), { reason: "", bodyLength: 0 }],
  [
    "no reason and no space before it (laxer)",
    lines("HTTP/1.1 200", "Content-Length: 0", ""),
    { reason: "" },
  ],
  [
    "reason of many words",
    answer("404 There is no such thing", ["Content-Length: 0"]),
    { reason: "There is no such thing" },
  ],
  ["reason of high bytes", answer("200 \xc3\xa9\xff", ["Content-Length: 0"]), { reason: "\xc3\xa9\xff" }],
  ["reason of blanks", answer("200  \t", ["Content-Length: 0"]), { reason: " \t" }],
  ["reason that looks like a status", answer("200 404 Not Found", ["Content-Length: 0"]), { status: 200 }],
  ["status 999", answer("999 Denied", ["Content-Length: 0"]), { status: 999 }],
  ["chunks", answer("200 OK", [CHUNKED], `2\r\nok\r\n${LAST}`), { body: "ok", keepAlive: true }],
  ["until close", answer("200 OK", [], `ok${OK}`), { body: `ok${OK}`, keepAlive: false }],
  ["until close, nothing", answer("200 OK"), { body: "", keepAlive: false }],
  [
    "until close although kept alive",
    answer("200 OK", ["Connection: keep-alive"], "ok"),
    { body: "ok", keepAlive: false },
  ],
  [
    "HTTP/1.0",
    lines("HTTP/1.0 200 OK", "Content-Length: 2", "") + "ok",
    { minorVersion: 0, keepAlive: false },
  ],
  [
    "HTTP/1.0 kept alive",
    lines("HTTP/1.0 200 OK", "Connection: keep-alive", "Content-Length: 2", "") + "ok",
    { keepAlive: true },
  ],
  ["closing", answer("200 OK", ["Connection: close", "Content-Length: 2"], "ok"), { keepAlive: false }],
  [
    "Keep-Alive",
    answer("200 OK", ["Keep-Alive: timeout=5, max=3", "Content-Length: 0"]),
    { keepAliveMs: 5000 },
  ],
  ["204", answer("204 No Content") + OK, { bodyLength: 0, keepAlive: true }, { body: "ok" }],
  [
    "204 with a length of 0 (laxer: it must not have one)",
    answer("204 No Content", ["Content-Length: 0"]),
    { bodyLength: 0 },
  ],
  [
    "304 with a length",
    answer("304 Not Modified", ["Content-Length: 2"]) + OK,
    { bodyLength: 0 },
    { body: "ok" },
  ],
  ["304 with chunks", answer("304 Not Modified", [CHUNKED]) + OK, { bodyLength: 0 }, { body: "ok" }],
  ["205 with chunks", answer("205 Reset Content", [CHUNKED], LAST), { body: "" }],
  ["100 and the answer", answer("100 Continue") + OK, { status: 100 }, { status: 200 }],
  [
    "100, 103 and the answer",
    answer("100 Continue") + answer("103 Hints", ["Link: x"]) + OK,
    { status: 100 },
    { status: 103, fields: [["Link", "x"]] },
    { status: 200 },
  ],
  [
    "101 to WebSocket",
    answer("101 Switching Protocols", ["Connection: upgrade", "Upgrade: WebSocket"], "\x81"),
    { switchesToWebSocket: true },
  ],
  [
    "101 to h2c",
    answer("101 Switching Protocols", ["Connection: upgrade", "Upgrade: h2c"]),
    { switchesToWebSocket: false },
  ],
  [
    "101 to both",
    answer("101 Switching Protocols", ["Connection: upgrade", "Upgrade: h2c", "Upgrade: websocket"]),
    { switchesToWebSocket: false },
  ],
  [
    "101 without Connection",
    answer("101 Switching Protocols", ["Upgrade: websocket"]),
    { switchesToWebSocket: false },
  ],
  [
    "101 to nothing",
    answer("101 Switching Protocols", ["Connection: upgrade"]),
    { switchesToWebSocket: false },
  ],
]);

acceptsResponses(
  "answers to HEAD",
  [
    ["with a length", answer("200 OK", ["Content-Length: 5"]), { bodyLength: 0, keepAlive: true }],
    ["with chunks", answer("200 OK", [CHUNKED]), { bodyLength: 0, keepAlive: true }],
    ["with neither", answer("200 OK"), { bodyLength: 0, keepAlive: true }],
    [
      "one after the other",
      answer("200 OK", ["Content-Length: 5"]) + answer("404 No", [CHUNKED]),
      { status: 200 },
      { status: 404 },
    ],
  ],
  "HEAD",
);

test("a body cut short is not whole", () => {
  for (const text of [
    answer("200 OK", ["Content-Length: 3"], "ok"),
    answer("200 OK", [CHUNKED], "2\r\nok\r\n"),
    answer("200 OK", [CHUNKED], "2\r\nok\r\n0\r\n"),
    answer("200 OK", [CHUNKED], "2\r\nok\r\n0\r\nA: b\r\n"),
  ]) {
    const { messages, stop } = readResponses(Buffer.from(text), ["GET"], true);
    assert.deepEqual([messages[0]?.whole, messages[0]?.body, stop.kind], [false, "ok", "starved"]);
  }
});
