/** Regular expressions in matches: anchoring, leading flags, and texts that do not compile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileRegex } from "./regex.ts";

test("anchors at both ends, around alternatives too", () => {
  const regex = compileRegex("/a|/b");
  assert.ok(regex?.test("/a"));
  assert.ok(regex?.test("/b"));
  assert.ok(!regex?.test("/ax"));
  assert.ok(!regex?.test("x/b"));
});

test("takes leading flags as RE2 writes them", () => {
  assert.ok(compileRegex("(?i)abc")?.test("ABC"));
  assert.ok(compileRegex("(?s)a.c")?.test("a\nc"));
  assert.ok(!compileRegex("abc")?.test("ABC"));
});

test("refuses what does not compile, also where wrapping would hide it", () => {
  for (const source of ["(", "[a", "a)(b", "a**", "\\q", "(?i", "(?ii)a"]) {
    assert.equal(compileRegex(source), undefined, source);
  }
});
