/** The words of problems: what is shown of a value, and when a slip is close enough to guess at. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pathText } from "./path.ts";
import { describeFound, didYouMean, oneOf } from "./words.ts";

test("values are shown short", () => {
  assert.equal(describeFound("a"), '"a"');
  assert.equal(describeFound(8080), "8080");
  assert.equal(describeFound(undefined), "nothing");
  assert.equal(describeFound([]), "an empty list");
  assert.equal(describeFound({ a: 1 }), "a mapping");
  assert.ok(describeFound("x".repeat(10_000)).length <= 80);
});

test("near words are suggested, far ones are not", () => {
  const known = ["matches", "backendRefs", "timeouts", "port"];
  assert.equal(didYouMean("matchs", known), "; did you mean matches?");
  assert.equal(didYouMean("BackendRefs", known), "; did you mean backendRefs?");
  assert.equal(didYouMean("prot", known), "; did you mean port?");
  assert.equal(didYouMean("timeout", known), "; did you mean timeouts?");
  assert.equal(didYouMean("match", known), "; did you mean matches?");
  assert.equal(didYouMean("path", known), "");
  assert.equal(didYouMean("weight", known), "");
  assert.equal(didYouMean("p", known), "");
  assert.equal(didYouMean("x".repeat(1_000_000), known), "");
});

test("lists of words and paths read as people write them", () => {
  assert.equal(oneOf(["a", "b", "c"]), "a, b or c");
  assert.equal(oneOf(["a"]), "a");
  assert.equal(pathText(["spec", "rules", 0, "path"]), "spec.rules[0].path");
  assert.equal(
    pathText(["metadata", "labels", "app.kubernetes.io/name"]),
    'metadata.labels["app.kubernetes.io/name"]',
  );
});
