/** Query parameters: first value, decoding, malformed escapes, and agreement with the platform's own parser. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { queryParam } from "./query.ts";

test("reads the first value of a name", () => {
  const cases: readonly (readonly [string, string, string | undefined])[] = [
    ["", "a", undefined],
    ["a=1", "a", "1"],
    ["a=1&a=2", "a", "1"],
    ["b=2&a=1", "a", "1"],
    ["ab=1", "a", undefined],
    ["a", "a", ""],
    ["a=", "a", ""],
    ["a==", "a", "="],
    ["&&a=1&", "a", "1"],
    ["a=x+y%20z", "a", "x y z"],
    ["%61=1", "a", "1"],
    ["a%2Bb=1", "a+b", "1"],
    ["a+b=1", "a+b", undefined],
    ["a=%zz", "a", "%zz"],
    ["a=%E4%BD%A0", "a", "你"],
    ["a=%ff", "a", "\uFFFD"],
  ];
  for (const [query, name, expected] of cases)
    assert.equal(queryParam(query, name), expected, `${query} ${name}`);
});

test("agrees with URLSearchParams on any text", () => {
  const piece = fc.constantFrom("a", "b", "=", "&", "+", "%", "%41", "%zz", "%ff", "é", "a=1", "%61=");
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 12 }),
      fc.constantFrom("a", "A", "b", "a b", ""),
      (pieces, name) => {
        const query = pieces.join("");
        assert.equal(queryParam(query, name) ?? null, new URLSearchParams(query).get(name));
      },
    ),
    { numRuns: 2_000 },
  );
});
