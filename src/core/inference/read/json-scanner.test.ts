/**
 * The scanner against JSON.parse: random documents, broken ones, every cut.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPrng, type Prng } from "../../../std/prng.ts";
import { BACKSLASH } from "./json-grammar.ts";
import type { JsonNumber } from "./json-number.ts";
import { ARRAY, DEPTH_MAX, KEY_BYTES_MAX, type ContainerKind } from "./json-place.ts";
import { JsonScanner } from "./json-scanner.ts";
import type { JsonVisitor, LiteralName } from "./json-visitor.ts";

/** Builds what JSON.parse builds, from visits alone. */
class Builder implements JsonVisitor {
  readonly wantsIntegers = true;
  readonly scanner = new JsonScanner(this);
  result: unknown;
  readonly #open: (unknown[] | Map<string, unknown>)[] = [];
  readonly #keys: string[] = [];
  #bytes: number[] = [];

  key(): void {
    const { place } = this.scanner;
    const length = place.keyLengths[place.depth]!;
    assert.ok(length <= KEY_BYTES_MAX);
    const start = place.depth * KEY_BYTES_MAX;
    this.#keys.push(decode([...place.keys.subarray(start, start + length)]));
  }

  open(kind: ContainerKind): void {
    this.#open.push(kind === ARRAY ? [] : new Map());
  }

  close(kind: ContainerKind): void {
    const built = this.#open.pop()!;
    assert.equal(Array.isArray(built), kind === ARRAY);
    this.#put(Array.isArray(built) ? built : Object.fromEntries(built));
  }

  text(): boolean {
    this.#bytes = [];
    return true;
  }

  run(bytes: Uint8Array, start: number, end: number): void {
    assert.ok(start < end);
    for (let i = start; i < end; i++) this.#bytes.push(bytes[i]!);
  }

  textEnd(): void {
    this.#put(decode(this.#bytes));
  }

  number(number: JsonNumber): void {
    this.#put(number.value);
  }

  integers(values: Uint32Array, count: number): void {
    assert.ok(count > 0);
    for (let i = 0; i < count; i++) this.#put(values[i]);
  }

  literal(name: LiteralName): void {
    this.#put(JSON.parse(name));
  }

  #put(value: unknown): void {
    const into = this.#open.at(-1);
    if (into === undefined) this.result = value;
    else if (Array.isArray(into)) into.push(value);
    else into.set(this.#keys.pop()!, value);
  }
}

/** WTF-8: a lone surrogate is the three bytes it would have. */
function decode(bytes: readonly number[]): string {
  let text = "";
  for (let i = 0; i < bytes.length;) {
    const lead = bytes[i]!;
    const followers = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    let code = followers === 0 ? lead : lead & (0x3f >> followers);
    for (let j = 1; j <= followers; j++) code = (code << 6) | (bytes[i + j]! & 0x3f);
    text += String.fromCodePoint(code);
    i += followers + 1;
  }
  return text;
}

function scan(bytes: Uint8Array, cut: (left: number) => number): Builder {
  const builder = new Builder();
  for (let at = 0; at < bytes.length;) {
    const length = Math.min(bytes.length - at, Math.max(1, cut(bytes.length - at)));
    if (!builder.scanner.feed(bytes, at, at + length)) break;
    at += length;
  }
  return builder;
}

const LETTERS = [
  "a",
  "Z",
  "0",
  " ",
  '"',
  "\\",
  "/",
  "\n",
  "\t",
  "\u0001",
  "é",
  "漢",
  "😀",
  "\ud800",
  "\udc00",
  "\u007f",
];

function randomText(prng: Prng, lengthMax: number): string {
  let text = "";
  for (let i = prng.below(lengthMax + 1); i > 0; i--) text += LETTERS[prng.below(LETTERS.length)]!;
  return text;
}

function randomValue(prng: Prng, depth: number): unknown {
  switch (prng.below(depth > 4 ? 5 : 8)) {
    case 0:
      return null;
    case 1:
      return prng.below(2) === 0;
    case 2:
      return prng.below(2_000) - 1_000;
    case 3:
      return (prng.float() - 0.5) * 10 ** (prng.below(40) - 20);
    case 4:
      return randomText(prng, 40);
    case 5:
      return Array.from({ length: prng.below(5) }, () => randomValue(prng, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: prng.below(5) }, () => [
          `k${randomText(prng, 6)}`,
          randomValue(prng, depth + 1),
        ]),
      );
  }
}

/** White space between tokens, and some letters of strings as escapes. */
function loosely(text: string, prng: Prng): string {
  let inString = false;
  let out = "";
  for (let i = 0; i < text.length; i++) {
    const letter = text[i]!;
    if (letter === "\\") {
      const length = text[i + 1] === "u" ? 6 : 2;
      out += text.slice(i, i + length);
      i += length - 1;
      continue;
    }
    if (letter === '"') inString = !inString;
    if (!inString && "{}[]:,".includes(letter)) {
      const space = " \n\r\t".slice(prng.below(5));
      out += prng.below(2) === 0 ? space + letter : letter + space;
    } else if (inString && letter !== '"' && !/[\ud800-\udfff]/.test(letter) && prng.below(8) === 0) {
      const hex = letter.charCodeAt(0).toString(16).padStart(4, "0");
      out += `\\u${prng.below(2) === 0 ? hex : hex.toUpperCase()}`;
    } else out += letter;
  }
  return out;
}

function parsed(bytes: Uint8Array): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)) };
  } catch {
    return undefined;
  }
}

/** Ends a number at the top level, which only the end of the text ends. */
function closed(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([...bytes, 0x20]);
}

test("what JSON.stringify writes is accepted, with the same value, however it is cut", () => {
  const prng = createPrng(1);
  const encoder = new TextEncoder();
  for (let round = 0; round < 1_000; round++) {
    const value = randomValue(prng, 0);
    const text = loosely(JSON.stringify(value), prng);
    const bytes = closed(encoder.encode(text));
    const sizeMax = 1 + prng.below(30);
    const builder = scan(bytes, () => 1 + prng.below(sizeMax));
    assert.ok(builder.scanner.isComplete, `${text}: ${builder.scanner.faultExpected}`);
    // Against what was written: JSON.parse of V8 13.6 takes the key "k\\t" for the key "k\\\\" of an object it saw before.
    assert.deepEqual(builder.result, value);
  }
});

test("what JSON.parse refuses is refused, and the other way round", () => {
  const prng = createPrng(2);
  const encoder = new TextEncoder();
  const odd = [
    0x22, 0x5c, 0x2c, 0x3a, 0x7b, 0x7d, 0x5b, 0x5d, 0x30, 0x2d, 0x2e, 0x65, 0x75, 0xc3, 0xed, 0xf4, 0x80, 0,
    10,
  ];
  const seen = { accepted: 0, refused: 0 };
  for (let round = 0; round < 5_000; round++) {
    const bytes = [...encoder.encode(loosely(JSON.stringify(randomValue(prng, 2)), prng))];
    for (let changes = 1 + prng.below(3); changes > 0 && bytes.length > 0; changes--) {
      const at = prng.below(bytes.length);
      const byte = prng.below(3) === 0 ? prng.below(256) : odd[prng.below(odd.length)]!;
      bytes.splice(at, prng.below(2), ...(prng.below(4) === 0 ? [] : [byte]));
    }
    const whole = closed(Uint8Array.from(bytes));
    const expected = parsed(whole);
    const builder = scan(whole, () => 1 + prng.below(20));
    seen[expected === undefined ? "refused" : "accepted"]++;
    assert.equal(
      builder.scanner.isComplete,
      expected !== undefined,
      JSON.stringify(String.fromCharCode(...whole)),
    );
    if (expected !== undefined && !whole.includes(BACKSLASH))
      assert.deepEqual(builder.result, expected.value);
  }
  assert.ok(seen.accepted > 300 && seen.refused > 1_000, JSON.stringify(seen));
});

test("the same at every cut into two", () => {
  const text =
    '{"a\\u00e9\\ud83d\\ude00é😀":["\\ud800x\\udc00\\ud800\\ud83d\\ude00\\n",-12.5e+3,0,true,false,null,{}],"":[[]]}';
  const bytes = new TextEncoder().encode(text);
  for (let at = 1; at < bytes.length; at++) {
    const builder = new Builder();
    builder.scanner.feed(bytes, 0, at);
    // A second array, so that no byte of the first chunk can be read again.
    const rest = bytes.slice(at);
    assert.ok(builder.scanner.feed(rest, 0, rest.length), `cut at ${at}`);
    assert.ok(builder.scanner.isComplete);
    assert.deepEqual(builder.result, JSON.parse(text));
  }
});

test("faults tell the byte and what was expected there", () => {
  const rows: readonly (readonly [text: string, offset: number, path: string, expected: string])[] = [
    ['{"a":1,}', 7, "", "a key in quotes"],
    ['{"a" 1}', 5, "a", "a colon"],
    ["[1 2]", 3, "[0]", "a comma or the end of what is open"],
    ["[1,]", 3, "[1]", "a value"],
    ["[1]x", 3, "", "nothing but white space"],
    ['{"a":[{"b c":tru}]}', 16, 'a[0]["b c"]', "true"],
    ["[01]", 2, "[0]", "a comma or the end of what is open"],
    ["[-]", 2, "[0]", "a digit"],
    ['["\\x"]', 3, "[0]", 'one of the escapes \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u'],
    ['["\\u12g4"]', 6, "[0]", "four hexadecimal digits after \\u"],
    ['["a\nb"]', 3, "[0]", "no control character"],
    ["\ufeff{}", 0, "", "a value"],
    ["[".repeat(DEPTH_MAX + 1), DEPTH_MAX, "[0]".repeat(DEPTH_MAX), `at most ${DEPTH_MAX} levels`],
  ];
  for (const [text, offset, path, expected] of rows) {
    const { scanner } = scan(new TextEncoder().encode(text), () => 3);
    assert.deepEqual(
      [scanner.hasFailed, scanner.offset, scanner.place.text(), scanner.faultExpected],
      [true, offset, path, expected],
      text,
    );
  }
});

test("bytes that are not UTF-8 are refused inside strings and keys", () => {
  const bad = [
    [0x80],
    [0xc0, 0xaf],
    [0xc3],
    [0xe0, 0x80, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf0, 0x8f, 0xbf, 0xbf],
    [0xf4, 0x90, 0x80, 0x80],
    [0xf5],
    [0xff],
    [0xe4, 0xb8],
  ];
  for (const sequence of bad) {
    for (const frame of [
      ['["', '"]'],
      ['{"', '":1}'],
    ]) {
      const bytes = Uint8Array.from([...Buffer.from(frame[0]!), ...sequence, ...Buffer.from(frame[1]!)]);
      for (const size of [1, 2, 64]) {
        const { scanner } = scan(bytes, () => size);
        assert.equal(
          scanner.faultKind,
          "bad-text",
          `${sequence.map((byte) => byte.toString(16)).join(" ")} by ${size}`,
        );
      }
    }
  }
});
