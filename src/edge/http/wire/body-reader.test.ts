/**
 * Chunked bodies: sizes, extensions, line ends and trailers, and what is handed on of them.
 *
 * Many rows are the literature's "funky chunks" (Weikop 2025): TERM.EXT and EXT.TERM hide a line end in an
 * extension, TERM.SPILL and SPILL.TERM after a chunk's data. "Stricter": RFC 9112 would let us accept the message.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { chunked, get, lines } from "../../../../test/fuzz/messages.ts";
import { readRequests } from "../../../../test/fuzz/our-reading.ts";
import { acceptsRequests, refusesRequests } from "../../../../test/fuzz/table.ts";
import { BODY_MALFORMED, BodyReader } from "./body-reader.ts";
import { CHUNKED, UNTIL_CLOSE } from "./framing.ts";

const MISSING = "chunk size missing";
const LONG = "chunk size too long";
const SIZE = "bad byte after a chunk size";
const SIZE_CR = "bare CR after a chunk size";
const EXTENSION = "malformed chunk extension";
const SPILL = "chunk longer than its size";
const DATA_CR = "bare CR after chunk data";
const ROUTES = "trailer field that frames or routes the message";
const END = "0\r\n\r\n";
const SMUGGLED = lines("GET /admin HTTP/1.1", "Host: a", "");

refusesRequests("chunk size", [
  ["empty", chunked("\r\n"), MISSING],
  ["empty line before it", chunked(`\r\n5\r\nhello\r\n${END}`), MISSING],
  ["bare LF before it", chunked(`\n5\r\nhello\r\n${END}`), MISSING],
  ["letters", chunked(`xyz\r\nhello\r\n${END}`), MISSING],
  ["letters after", chunked(`5g\r\nhello\r\n${END}`), SIZE],
  ["minus", chunked(`-5\r\nhello\r\n${END}`), MISSING],
  ["minus zero", chunked("-0\r\n\r\n"), MISSING],
  ["plus", chunked(`+5\r\nhello\r\n${END}`), MISSING],
  ["0x", chunked(`0x5\r\nhello\r\n${END}`), SIZE],
  ["x", chunked(`x5\r\nhello\r\n${END}`), MISSING],
  ["backslash x", chunked(`\\x5\r\nhello\r\n${END}`), MISSING],
  ["underscore", chunked(`1_0\r\nhello\r\n${END}`), SIZE],
  ["fraction", chunked(`5.0\r\nhello\r\n${END}`), SIZE],
  ["comma", chunked(`5,5\r\nhello\r\n${END}`), SIZE],
  ["quoted", chunked(`"5"\r\nhello\r\n${END}`), MISSING],
  ["space before it", chunked(` 5\r\nhello\r\n${END}`), MISSING],
  ["tab before it", chunked(`\t5\r\nhello\r\n${END}`), MISSING],
  ["space after it (stricter)", chunked(`5 \r\nhello\r\n${END}`), SIZE],
  ["tab after it (stricter)", chunked(`5\t\r\nhello\r\n${END}`), SIZE],
  ["space inside", chunked(`1 0\r\nhello\r\n${END}`), SIZE],
  ["space after the last one (stricter)", chunked("0 \r\n\r\n"), SIZE],
  ["NUL after it", chunked(`5\0\r\nhello\r\n${END}`), SIZE],
  ["vertical tab after it", chunked(`5\x0b\r\nhello\r\n${END}`), SIZE],
  ["no-break space after it", chunked(`5\xa0\r\nhello\r\n${END}`), SIZE],
  ["full-width digit", chunked(`\xef\xbc\x95\r\nhello\r\n${END}`), MISSING],
  ["high byte that 0x7f would mask to a digit", chunked(`\xb5\r\nhello\r\n${END}`), MISSING],
  ["bare LF after it", chunked(`5\nhello\r\n${END}`), SIZE],
  ["bare CR after it", chunked(`5\rhello\r\n${END}`), SIZE_CR],
  ["CR CR LF after it", chunked(`5\r\r\nhello\r\n${END}`), SIZE_CR],
  ["LF CR after it", chunked(`5\n\rhello\r\n${END}`), SIZE],
  ["bare LF after the last one", chunked("0\n\n"), SIZE],
  ["bare CR after the last one", chunked("0\r\r"), SIZE_CR],
  ["past 2^53", chunked(`20000000000005\r\nhello\r\n${END}`), LONG],
  ["wraps to 5 in 64 bits", chunked(`10000000000000005\r\nhello\r\n${END}`), LONG],
  ["all ones in 64 bits", chunked(`ffffffffffffffff\r\nhello\r\n${END}`), LONG],
  ["fourteen digits, all zeros (stricter)", chunked("00000000000000\r\n\r\n"), LONG],
  ["thousands of zeros before it (stricter)", chunked(`${"0".repeat(5000)}5\r\nhello\r\n${END}`), LONG],
]);

refusesRequests("chunk extension", [
  ["nothing after the semicolon", chunked(`5;\r\nhello\r\n${END}`), EXTENSION],
  ["two semicolons", chunked(`5;;a\r\nhello\r\n${END}`), EXTENSION],
  ["semicolon at the end", chunked(`5;a;\r\nhello\r\n${END}`), EXTENSION],
  ["no name", chunked(`5;=b\r\nhello\r\n${END}`), EXTENSION],
  ["no value", chunked(`5;a=\r\nhello\r\n${END}`), EXTENSION],
  ["two equals signs", chunked(`5;a==b\r\nhello\r\n${END}`), EXTENSION],
  ["equals sign in the value", chunked(`5;a=b=c\r\nhello\r\n${END}`), EXTENSION],
  ["quoted name", chunked(`5;"a"\r\nhello\r\n${END}`), EXTENSION],
  ["quotes inside the value", chunked(`5;a=b"c"\r\nhello\r\n${END}`), EXTENSION],
  ["bytes after the quotes", chunked(`5;a="b"c\r\nhello\r\n${END}`), EXTENSION],
  ["quotes not closed", chunked(`5;a="b\r\nhello\r\n${END}`), EXTENSION],
  ["escaped line end", chunked(`5;a="b\\\r\n"\r\nhello\r\n${END}`), EXTENSION],
  ["space before the semicolon (stricter)", chunked(`5 ;a\r\nhello\r\n${END}`), SIZE],
  ["space after the semicolon (stricter)", chunked(`5; a\r\nhello\r\n${END}`), EXTENSION],
  ["space around the equals sign (stricter)", chunked(`5;a = b\r\nhello\r\n${END}`), EXTENSION],
  ["space at the end (stricter)", chunked(`5;a \r\nhello\r\n${END}`), EXTENSION],
  ["tab after the semicolon (stricter)", chunked(`5;\ta\r\nhello\r\n${END}`), EXTENSION],
  ["NUL", chunked(`5;\0\r\nhello\r\n${END}`), EXTENSION],
  ["NUL in quotes", chunked(`5;a="\0"\r\nhello\r\n${END}`), EXTENSION],
  ["vertical tab", chunked(`5;a\x0b\r\nhello\r\n${END}`), EXTENSION],
  ["high byte", chunked(`5;\xe9\r\nhello\r\n${END}`), EXTENSION],
  ["brackets", chunked(`5;[a]\r\nhello\r\n${END}`), EXTENSION],
  ["comma for the semicolon", chunked(`5,a=b\r\nhello\r\n${END}`), SIZE],
  ["TERM.EXT: bare LF after the semicolon", chunked(`2;\nxx\r\n4c\r\n0\r\n\r\n${SMUGGLED}`), EXTENSION],
  ["TERM.EXT: bare LF in a name", chunked(`2;a\nxx\r\n${END}`), EXTENSION],
  ["TERM.EXT: bare LF in a value", chunked(`2;a=b\nxx\r\n${END}`), EXTENSION],
  ["TERM.EXT: bare LF in quotes", chunked(`2;a="\n"\r\nxx\r\n${END}`), EXTENSION],
  ["TERM.EXT: bare LF in the last chunk's", chunked(`0;a\n\r\n${SMUGGLED}`), EXTENSION],
  ["EXT.TERM: bare CR after the semicolon", chunked(`2;\rxx\r\n${END}`), EXTENSION],
  ["EXT.TERM: bare CR in a name", chunked(`2;a\rxx\r\n${END}`), SIZE_CR],
  ["EXT.TERM: bare CR in a value", chunked(`2;a=b\rxx\r\n${END}`), SIZE_CR],
  ["EXT.TERM: bare CR in quotes", chunked(`2;a="\r"\r\nxx\r\n${END}`), EXTENSION],
  ["EXT.TERM: CR CR LF", chunked(`2;a\r\r\nxx\r\n${END}`), SIZE_CR],
  ["5000 bytes (stricter)", chunked(`5;${"a".repeat(5000)}\r\nhello\r\n${END}`), EXTENSION],
  [
    "3000 bytes twice (stricter)",
    chunked(`1;${"a".repeat(3000)}\r\nx\r\n0;${"a".repeat(3000)}\r\n\r\n`),
    EXTENSION,
  ],
]);

refusesRequests("chunk data", [
  ["TERM.SPILL: longer than its size", chunked(`5\r\nhelloworld\r\n${END}`), SPILL],
  ["SPILL.TERM: two bytes for the line end", chunked("5\r\nhelloXX2d\r\n"), SPILL],
  ["SPILL.TERM: CR and another byte", chunked(`5\r\nhello\rX${END}`), DATA_CR],
  ["SPILL.TERM: LF CR", chunked(`5\r\nhello\n\r${END}`), SPILL],
  ["shorter than its size", chunked(`7\r\nhello\r\n${END}`), SPILL],
  ["no line end", chunked(`5\r\nhello${END}`), SPILL],
  ["bare LF after it", chunked(`5\r\nhello\n${END}`), SPILL],
  ["bare CR after it", chunked(`5\r\nhello\r${END}`), DATA_CR],
  ["CR CR LF after it", chunked(`5\r\nhello\r\r\n${END}`), DATA_CR],
  ["blank after it", chunked(`5\r\nhello \r\n${END}`), SPILL],
  ["two line ends after it", chunked(`5\r\nhello\r\n\r\n${END}`), MISSING],
  ["data after the last chunk", chunked("0\r\nhello\r\n\r\n"), "trailer: bad character in a field name"],
  ["a request in the trailer section", chunked(`0\r\n${SMUGGLED}`), "trailer: white space before the colon"],
]);

refusesRequests("trailers", [
  ["Content-Length", chunked("0\r\nContent-Length: 5\r\n\r\nhello"), ROUTES],
  ["Transfer-Encoding", chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), ROUTES],
  ["Content_Length", chunked("0\r\nContent_Length: 5\r\n\r\n"), ROUTES],
  ["Host", chunked("0\r\nHost: b\r\n\r\n"), ROUTES],
  ["Connection", chunked("0\r\nConnection: close\r\n\r\n"), ROUTES],
  ["Upgrade", chunked("0\r\nUpgrade: websocket\r\n\r\n"), ROUTES],
  ["Expect", chunked("0\r\nExpect: 100-continue\r\n\r\n"), ROUTES],
  ["TE", chunked("0\r\nTE: trailers\r\n\r\n"), ROUTES],
  ["Trailer", chunked("0\r\nTrailer: A\r\n\r\n"), ROUTES],
  ["Authorization", chunked("0\r\nAuthorization: x\r\n\r\n"), ROUTES],
  ["Cookie", chunked("0\r\nCookie: x\r\n\r\n"), ROUTES],
  ["Set-Cookie", chunked("0\r\nSet-Cookie: x\r\n\r\n"), ROUTES],
  ["Set_Cookie", chunked("0\r\nSet_Cookie: x\r\n\r\n"), ROUTES],
  ["Content-Type", chunked("0\r\ncontent-TYPE: x\r\n\r\n"), ROUTES],
  ["Content-Encoding", chunked("0\r\nContent-Encoding: gzip\r\n\r\n"), ROUTES],
  ["Cache-Control", chunked("0\r\nCache-Control: public\r\n\r\n"), ROUTES],
  ["X-Forwarded-For", chunked("0\r\nX-Forwarded-For: 1\r\n\r\n"), ROUTES],
  ["X-Forwarded-Host", chunked("0\r\nX-Forwarded-Host: b\r\n\r\n"), ROUTES],
  ["Forwarded", chunked("0\r\nForwarded: host=b\r\n\r\n"), ROUTES],
  ["X-Request-Id", chunked("0\r\nX-Request-Id: b\r\n\r\n"), ROUTES],
  ["a good one and a bad one", chunked("0\r\nA: b\r\nHost: b\r\n\r\n"), ROUTES],
  ["folded", chunked("0\r\nA: b\r\n c\r\n\r\n"), "trailer: line folding"],
  ["folded at once", chunked("0\r\n A: b\r\n\r\n"), "trailer: line folding"],
  ["space before the colon", chunked("0\r\nA : b\r\n\r\n"), "trailer: white space before the colon"],
  ["NUL", chunked("0\r\nA: \0\r\n\r\n"), "trailer: control character in a field value"],
  ["bare LF after one", chunked("0\r\nA: b\n\r\n"), "trailer: control character in a field value"],
  ["bare LF for the empty line", chunked(`0\r\n\n${SMUGGLED}`), "trailer: bare LF"],
  ["bare LF for the empty line after one", chunked(`0\r\nA: b\r\n\n${SMUGGLED}`), "trailer: bare LF"],
  ["bare CR for the empty line", chunked(`0\r\n\rX${SMUGGLED}`), "trailer: bare CR"],
  ["too many", chunked(`0\r\n${"A: b\r\n".repeat(129)}\r\n`), "too many trailer fields"],
  ["too large", chunked(`0\r\nA: ${"b".repeat(17_000)}\r\n\r\n`), "trailer section too large"],
]);

acceptsRequests("chunks", [
  ["none", chunked(END), { body: "", forwardedBody: END }],
  ["one", chunked(`5\r\nhello\r\n${END}`), { body: "hello", forwardedBody: `5\r\nhello\r\n${END}` }],
  ["several", chunked(`5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n${END}`), { body: "hello world" }],
  ["upper-case digits", chunked(`A\r\n0123456789\r\n${END}`), { body: "0123456789" }],
  ["lower-case digits", chunked(`a\r\n0123456789\r\n${END}`), { body: "0123456789" }],
  ["leading zeros", chunked(`0000000000005\r\nhello\r\n${END}`), { body: "hello" }],
  ["leading zeros in the last", chunked("0000\r\n\r\n"), { body: "", forwardedBody: "0000\r\n\r\n" }],
  [
    "data that looks like framing",
    chunked(`9\r\n\r\n0\r\n\r\n\r\n\r\n${END}`),
    { body: "\r\n0\r\n\r\n\r\n" },
  ],
  [
    "data of every byte",
    chunked(
      `100\r\n${Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i)).toString("latin1")}\r\n${END}`,
    ),
    { bodyLength: CHUNKED },
  ],
  [
    "two bodies in a row",
    chunked(`1\r\na\r\n${END}`) + chunked(`1\r\nb\r\n${END}`),
    { body: "a" },
    { body: "b" },
  ],
  ["extension", chunked(`5;a\r\nhello\r\n${END}`), { forwardedBody: `5\r\nhello\r\n${END}` }],
  ["extension with a value", chunked(`5;a=b\r\nhello\r\n${END}`), { forwardedBody: `5\r\nhello\r\n${END}` }],
  [
    "extension in quotes",
    chunked(`5;a="b c;=\t\xe9"\r\nhello\r\n${END}`),
    { forwardedBody: `5\r\nhello\r\n${END}` },
  ],
  ["empty quotes", chunked(`5;a=""\r\nhello\r\n${END}`), { forwardedBody: `5\r\nhello\r\n${END}` }],
  ["escaped quote", chunked(`5;a="b\\"c\\\\"\r\nhello\r\n${END}`), { forwardedBody: `5\r\nhello\r\n${END}` }],
  [
    "several extensions",
    chunked(`5;a;b=c;d="e"\r\nhello\r\n0;f=g\r\n\r\n`),
    { forwardedBody: `5\r\nhello\r\n${END}` },
  ],
  ["extension that looks like a size", chunked(`5;10\r\nhello\r\n${END}`), { body: "hello" }],
  ["trailer", chunked("0\r\nA: b\r\n\r\n"), { trailers: [["A", "b"]], forwardedBody: "0\r\nA: b\r\n\r\n" }],
  [
    "trailers after data",
    chunked("2\r\nok\r\n0\r\nA: b\r\nC:d \r\n\r\n") + get(),
    {
      body: "ok",
      trailers: [
        ["A", "b"],
        ["C", "d"],
      ],
    },
    {},
  ],
  ["trailer after an extension", chunked("0;x\r\nA: b\r\n\r\n"), { forwardedBody: "0\r\nA: b\r\n\r\n" }],
  ["trailer with high bytes", chunked("0\r\nA: \xe9\xff\r\n\r\n"), { trailers: [["A", "\xe9\xff"]] }],
]);

function feedAll(reader: BodyReader, text: string, pieceBytes: number): { out: string; at: number } {
  const bytes = Buffer.from(text, "latin1");
  let out = "";
  const sink = {
    bodyBytes: (buffer: Buffer, start: number, end: number) =>
      void (out += buffer.toString("latin1", start, end)),
    bodyText: (more: string) => void (out += more),
  };
  let at = 0;
  while (at < bytes.length && at !== BODY_MALFORMED && !reader.done) {
    const end = Math.min(bytes.length, at + pieceBytes);
    const next = reader.feed(bytes, at, end, sink);
    if (next === BODY_MALFORMED) return { out, at: BODY_MALFORMED };
    at = next;
  }
  return { out, at };
}

test("nothing is handed on from the faulty byte on, in pieces of any size, and the reader stays dead", () => {
  const good = "5\r\nhello\r\n3;a=b\r\n";
  for (const [bad, passable] of [
    ["XXXX\r\n0\r\n\r\n", "5\r\nhello\r\n3\r\nXXX"],
    ["abc\n0\r\n\r\n", "5\r\nhello\r\n3\r\nabc"],
    ["abc\r\n-1\r\n", "5\r\nhello\r\n3\r\nabc\r\n"],
    ["abc\r\n0\r\nHost: b\r\n\r\n", "5\r\nhello\r\n3\r\nabc\r\n0\r\n"],
  ] as const) {
    for (let pieceBytes = 1; pieceBytes <= good.length + bad.length; pieceBytes++) {
      const reader = new BodyReader();
      reader.begin(CHUNKED, "verbatim");
      const { out, at } = feedAll(reader, good + bad, pieceBytes);
      assert.equal(at, BODY_MALFORMED);
      assert.ok(passable.startsWith(out), `${JSON.stringify(out)} in pieces of ${pieceBytes}`);
      assert.equal(reader.done, false);
      assert.deepEqual(feedAll(reader, "\r\n0\r\n\r\n", 100), { out: "", at: BODY_MALFORMED });
      reader.begin(CHUNKED, "verbatim");
      assert.deepEqual(feedAll(reader, "1\r\na\r\n0\r\n\r\n", pieceBytes), {
        out: "1\r\na\r\n0\r\n\r\n",
        at: 11,
      });
    }
  }
});

test("limits count over the whole body, however it comes", () => {
  const extended = (bytes: number) => `1;${"a".repeat(bytes)}\r\nx\r\n`;
  const most = `${extended(2047)}${extended(2047)}${END}`;
  const over = `${extended(2047)}${extended(2048)}${END}`;
  const trailers = (bytes: number) => `0\r\nA: ${"b".repeat(bytes - 7)}\r\n\r\n`;
  for (const pieceBytes of [1, 7, 1000, 100_000]) {
    for (const [text, isAccepted] of [
      [most, true],
      [over, false],
      [trailers(16_384), true],
      [trailers(16_385), false],
      [`1fffffffffffff\r\n`, false],
      [`fffffffffffff\r\n`, true],
    ] as const) {
      const reader = new BodyReader();
      reader.begin(CHUNKED, "verbatim");
      assert.equal(feedAll(reader, text, pieceBytes).at !== BODY_MALFORMED, isAccepted, text.slice(0, 20));
    }
  }
});

test("a stated length ends exactly there, and until close never ends by itself", () => {
  const reader = new BodyReader();
  for (const pieceBytes of [1, 2, 3, 100]) {
    reader.begin(5, "verbatim");
    assert.deepEqual(feedAll(reader, "hello, next", pieceBytes), { out: "hello", at: 5 });
    assert.equal(reader.done, true);
    reader.begin(UNTIL_CLOSE, "verbatim");
    assert.equal(reader.endsAtClose, true);
    assert.deepEqual(feedAll(reader, "hello\r\n0\r\n\r\n", pieceBytes), {
      out: "hello\r\n0\r\n\r\n",
      at: 12,
    });
    assert.equal(reader.done, false);
  }
  reader.begin(0, "verbatim");
  assert.equal(reader.done, true);
});

test("a chunked body without trailers is handed on in one piece", () => {
  const bytes = Buffer.from(`5\r\nhello\r\n${END}`);
  const pieces: string[] = [];
  const reader = new BodyReader();
  reader.begin(CHUNKED, "verbatim");
  reader.feed(bytes, 0, bytes.length, {
    bodyBytes: (buffer, start, end) => void pieces.push(buffer.toString("latin1", start, end)),
    bodyText: (text) => void pieces.push(text),
  });
  assert.deepEqual(pieces, [bytes.toString()]);
});

test("a chunked body is whole only after its empty line", () => {
  const text = chunked("5\r\nhello\r\n0\r\n\r\n");
  for (let end = text.indexOf("hello"); end < text.length; end++) {
    assert.equal(readRequests(Buffer.from(text.slice(0, end))).messages[0]?.whole, false);
  }
});
