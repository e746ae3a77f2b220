/** Shared hostnames: the specification's examples, and what must hold for any two names. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { covers, sharedHostnames } from "./hostnames.ts";

test("the more specific of two names that meet", () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ["*", [], ["*"]],
    ["*.example.com", [], ["*.example.com"]],
    ["*", ["a.com", "*.b.com"], ["a.com", "*.b.com"]],
    [
      "*.example.com",
      ["test.example.com", "example.com", "foo.test.example.com"],
      ["test.example.com", "foo.test.example.com"],
    ],
    ["test.example.com", ["*.example.com", "*.com", "other.com"], ["test.example.com"]],
    ["*.example.com", ["*.com"], ["*.example.com"]],
    ["*.com", ["*.example.com"], ["*.example.com"]],
    ["*.example.com", ["*.example.org", "notexample.com"], []],
    ["example.com", ["*.example.com"], []],
    ["*.a.com", ["*.a.com"], ["*.a.com"]],
  ];
  for (const [listener, route, expected] of cases)
    assert.deepEqual(sharedHostnames(listener, route), expected);
});

test("a host is admitted by the shared names exactly where both sides admit it", () => {
  const label = fc.constantFrom("a", "b", "ab");
  const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
  const name = fc.oneof(
    host,
    host.map((text) => `*.${text}`),
  );
  const listener = fc.oneof(name, fc.constant("*"));
  fc.assert(
    fc.property(listener, fc.array(name, { minLength: 1, maxLength: 3 }), host, (own, names, asked) => {
      const both = covers(own, asked) && names.some((text) => covers(text, asked));
      const shared = sharedHostnames(own, names).some((text) => covers(text, asked));
      assert.equal(shared, both);
    }),
    { numRuns: 2_000 },
  );
});
