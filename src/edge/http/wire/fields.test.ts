/**
 * Field lines: names, values and line ends, for both directions, and the limits on how many and how large.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, get, lines } from "../../../../test/fuzz/messages.ts";
import {
  acceptsRequests,
  acceptsResponses,
  refusesRequests,
  refusesResponses,
} from "../../../../test/fuzz/table.ts";
import { FIELD_COUNT_MAX, FieldTable, MALFORMED, NEEDS_MORE, TOO_LARGE } from "./fields.ts";
import { TOKEN } from "./grammar.ts";

const NAME = "bad character in a field name";
const EMPTY = "empty field name";
const SPACE = "white space before the colon";
const FOLD = "line folding";
const CONTROL = "control character in a field value";
const CR = "bare CR in a field value";

/** Field lines that no message may have. */
const MALFORMED_LINES: readonly (readonly [name: string, line: string, fault: string])[] = [
  ["no colon", "A", NAME],
  ["no name", ": b", EMPTY],
  ["only a colon", ":", EMPTY],
  ["only a space", " ", FOLD],
  ["only a tab", "\t", FOLD],
  ["space before the name", " A: b", FOLD],
  ["space before the colon", "A : b", SPACE],
  ["tab before the colon", "A\t: b", SPACE],
  ["space in the name", "A B: c", SPACE],
  ["quotes in the name", '"A": b', EMPTY],
  ["parentheses in the name", "A(b): c", NAME],
  ["comma in the name", "A,B: c", NAME],
  ["slash in the name", "A/B: c", NAME],
  ["at sign in the name", "A@B: c", NAME],
  ["backslash in the name", "A\\B: c", NAME],
  ["braces in the name", "{A}: b", EMPTY],
  ["equals sign in the name", "A=B: c", NAME],
  ["NUL in the name", "A\0: b", NAME],
  ["DEL in the name", "A\x7f: b", NAME],
  ["UTF-8 in the name", "\xc3\xa9: b", EMPTY],
  ["high byte in the name", "A\x80: b", NAME],
  ["no-break space in the name", "A\xa0: b", NAME],
  ["bare CR in the name", "A\rB: c", NAME],
  ["bare LF in the name", "A\nB: c", "bare LF"],
  ["bare LF before the name", "\nA: b", "bare LF"],
  ["bare CR before the name", "\rA: b", "bare CR"],
  ["bare LF in the value", "A: b\nC: d", CONTROL],
  ["bare CR in the value", "A: b\rC: d", CR],
  ["CR CR LF", "A: b\r\r\nC: d", CR],
  ["LF CR", "A: b\n\rC: d", CONTROL],
  ["bare LF after the colon", "A:\nb", CONTROL],
  ["bare CR after the colon", "A:\rb", CR],
  ["NUL in the value", "A: b\0c", CONTROL],
  ["NUL alone", "A: \0", CONTROL],
  ["DEL in the value", "A: b\x7f", CONTROL],
  ["backspace in the value", "A: b\b", CONTROL],
  ["escape in the value", "A: \x1b[0m", CONTROL],
  ["vertical tab in the value", "A: b\x0bc", CONTROL],
  ["form feed in the value", "A: b\x0cc", CONTROL],
  ["folded with a space", "A: b\r\n c", FOLD],
  ["folded with a tab", "A: b\r\n\tc", FOLD],
  ["folded after nothing", "A:\r\n b", FOLD],
  ["folded empty line", "A: b\r\n \r\nC: d", FOLD],
];

/** Field lines that every message may have, and how they are read. */
const UNUSUAL_LINES: readonly (readonly [name: string, line: string, field: readonly [string, string]])[] = [
  ["no space after the colon", "A:b", ["A", "b"]],
  ["many blanks around the value", "A: \t  b \t ", ["A", "b"]],
  ["empty value", "A:", ["A", ""]],
  ["blank value", "A: \t ", ["A", ""]],
  ["blanks inside the value", "A: b \t c", ["A", "b \t c"]],
  ["colons in the value", "A: b: c:", ["A", "b: c:"]],
  ["one letter", "a: 1", ["a", "1"]],
  ["every mark in the name", "!#$%&'*+-.^_`|~: 1", ["!#$%&'*+-.^_`|~", "1"]],
  ["underscore in the name", "A_B: c", ["A_B", "c"]],
  ["digits as the name", "0: 1", ["0", "1"]],
  ["high bytes in the value", "A: \x80\xc3\xa9\xff", ["A", "\x80\xc3\xa9\xff"]],
  ["no-break space at the value's end stays", "A: b\xa0", ["A", "b\xa0"]],
  ["quotes, unbalanced", 'A: "b', ["A", '"b']],
  ["a request line as the value", "A: GET / HTTP/1.1", ["A", "GET / HTTP/1.1"]],
];

refusesRequests(
  "request field",
  MALFORMED_LINES.map(([name, line, fault]) => [name, get(line), fault]),
);
refusesResponses(
  "response field",
  MALFORMED_LINES.map(([name, line, fault]) => [name, answer("200 OK", [line]), fault]),
);
acceptsRequests(
  "request field",
  UNUSUAL_LINES.map(([name, line, field]) => [name, get(line), { fields: [["Host", "a"], field] }]),
);
acceptsResponses(
  "response field",
  UNUSUAL_LINES.map(([name, line, field]) => [name, answer("204 No", [line]), { fields: [field] }]),
);

refusesRequests("section", [
  ["bare LF for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", "bare LF"],
  ["bare CR for the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\rX", "bare CR"],
  ["bare LF everywhere", "GET / HTTP/1.1\nHost: a\n\n", "malformed HTTP version"],
  ["bare CR everywhere", "GET / HTTP/1.1\rHost: a\r\r", "malformed HTTP version"],
  ["too many fields", get(...repeated(FIELD_COUNT_MAX, "A: b")), "too many fields", "head-too-large"],
]);

acceptsRequests("section", [
  ["no fields in HTTP/1.0", lines("GET / HTTP/1.0", ""), { fields: [] }],
  [
    "the same field often",
    get("A: 1", "a: 2", "A: 1"),
    {
      fields: [
        ["Host", "a"],
        ["A", "1"],
        ["a", "2"],
        ["A", "1"],
      ],
    },
  ],
]);

function repeated(count: number, line: string): string[] {
  return Array.from({ length: count }, () => line);
}

test("names are tokens, values are anything but control characters: every byte in every place", () => {
  const table = new FieldTable();
  for (let byte = 0; byte < 256; byte++) {
    const char = String.fromCharCode(byte);
    const parse = (text: string): number => {
      const bytes = Buffer.from(text, "latin1");
      return table.parse(bytes, 0, bytes.length);
    };
    assert.equal(parse(`A${char}B: c\r\n\r\n`) > 0, TOKEN[byte] === 1 || char === ":", `name with ${byte}`);
    const plain = byte === 0x09 || (byte >= 0x20 && byte !== 0x7f);
    assert.equal(parse(`A: b${char}c\r\n\r\n`) > 0, plain, `value with ${byte}`);
    assert.equal(parse(`A: b\r${char}\r\n`) === MALFORMED, char !== "\n", `CR and ${byte}`);
  }
});

test("as many fields as may be, and one more", () => {
  const table = new FieldTable();
  const section = (count: number): Buffer => Buffer.from(`${"A: b\r\n".repeat(count)}\r\n`);
  const most = section(FIELD_COUNT_MAX);
  assert.equal(table.parse(most, 0, most.length), most.length);
  assert.equal(table.count, FIELD_COUNT_MAX);
  const more = section(FIELD_COUNT_MAX + 1);
  assert.equal(table.parse(more, 0, more.length), TOO_LARGE);
});

test("an unfinished section needs more, at every cut", () => {
  const table = new FieldTable();
  const bytes = Buffer.from("Host: a\r\nB:\r\n\r\n");
  for (let end = 0; end < bytes.length; end++) assert.equal(table.parse(bytes, 0, end), NEEDS_MORE);
  assert.equal(table.parse(bytes, 0, bytes.length), bytes.length);
});

test("values are found by any name, their lines joined", () => {
  const table = new FieldTable();
  const bytes = Buffer.from("X_A: 1\r\nx_a:2\r\nX^A: 3\r\nX-A: 4\r\nXa: 5\r\n\r\n");
  table.parse(bytes, 0, bytes.length);
  assert.equal(table.joined(bytes, "x_a"), "1, 2");
  assert.equal(table.joined(bytes, "x^a"), "3");
  assert.equal(table.joined(bytes, "x~a"), undefined);
  assert.equal(table.joined(bytes, "x-a"), "4");
  assert.equal(table.joined(bytes, "xa"), "5");
});
