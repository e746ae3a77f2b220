/**
 * The suite against a scripted picker: one by the book passes everything, and one with a fault fails exactly the checks that it breaks.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runSuite, type CheckResult } from "../../src/cli/verify-picker/run-suite.ts";
import { chosenChecks, SUITE } from "../../src/cli/verify-picker/suite.ts";
import type { PickerFault } from "../kit/picker/faults.ts";
import { startScriptedPicker } from "../kit/picker/scripted-picker.ts";
import { verifySettings } from "./settings.ts";

const ENDPOINTS = ["192.0.2.1:8000", "192.0.2.2:8000"];
/** Above what a fault needs to show, and no more: each of them runs the whole suite. */
const BODY_BYTES_MAX = 1024 * 1024;
const LARGE_BODY_BYTES = 300_000;
const MESSAGE_BYTES_MAX = 200_000;

async function verify(
  faults: readonly PickerFault[],
  more: { readonly fallbacks?: boolean; readonly timeoutMs?: number } = {},
): Promise<readonly CheckResult[]> {
  await using picker = await startScriptedPicker({
    endpoints: ENDPOINTS,
    faults,
    bodyBytesMax: BODY_BYTES_MAX,
    messageBytesMax: MESSAGE_BYTES_MAX,
  });
  const settings = verifySettings(picker.port, {
    subset: ENDPOINTS,
    largeBodyBytes: LARGE_BODY_BYTES,
    bodyBytesMax: BODY_BYTES_MAX,
    shed: [["x-drop", "1"]],
    streams: 50,
    ...more,
  });
  return await runSuite(SUITE, settings, () => undefined);
}

test("a picker by the book passes every check; TLS is not asked for in the clear", async () => {
  const results = await verify([]);
  assert.deepEqual(
    results.filter(({ result }) => result === "failed").map(({ name, note }) => `${name}: ${note}`),
    [],
  );
  assert.deepEqual(
    results.filter(({ result }) => result === "skipped").map(({ name }) => name),
    ["tls"],
  );
  assert.equal(results.length, SUITE.length);
});

test("each of the fifteen tests has a check, and each rule", () => {
  const numbers = (of: (check: (typeof SUITE)[number]) => number): number[] =>
    [...new Set(SUITE.map(of))].toSorted((a, b) => a - b);
  assert.deepEqual(
    numbers(({ test: number }) => number),
    Array.from({ length: 15 }, (_, index) => index + 1),
  );
  assert.deepEqual(
    numbers(({ rule }) => rule),
    Array.from({ length: 10 }, (_, index) => index + 1),
  );
  assert.equal(new Set(SUITE.map(({ name }) => name)).size, SUITE.length);
});

/** Every check whose request has a body in full duplex. */
const DUPLEX = [
  "full-duplex-one-chunk",
  "full-duplex-two-chunks",
  "full-duplex-hundred-chunks",
  "full-duplex-empty-last-chunk",
  "full-duplex-large-body",
  "one-large-message",
];
const DECIDES = [
  "destination-in-both-places",
  ...DUPLEX,
  "request-trailers",
  "no-protocol-config",
  "writes-raw-value-only",
  "no-content-length",
  "half-close",
  "reset-in-each-phase",
  "served-endpoint",
  "sse-response",
  "json-response",
  "response-trailers",
  "many-streams",
];

const BROKEN: Readonly<Record<PickerFault, readonly string[]>> = {
  "no-metadata": ["destination-in-both-places"],
  "metadata-differs": ["destination-in-both-places"],
  "writes-value": ["writes-raw-value-only"],
  "reads-raw-value-only": ["one-large-message", "reads-value", "half-close"],
  "comma-list": ["one-endpoint"],
  "bare-ipv6": [
    "subset-list",
    "subset-comma-text",
    "subset-with-spaces",
    "subset-list-with-commas",
    "subset-bare-ip",
    "one-endpoint",
    "pool-members",
  ],
  "plain-body-replies": DECIDES,
  "large-chunks": ["full-duplex-large-body", "one-large-message"],
  "body-before-headers": DECIDES,
  "two-ends": [
    ...DUPLEX,
    "no-protocol-config",
    "writes-raw-value-only",
    "no-content-length",
    "half-close",
    "reset-in-each-phase",
    "served-endpoint",
    "sse-response",
    "json-response",
    "response-trailers",
  ],
  "ignores-trailers": ["request-trailers"],
  "always-defers": ["destination-in-both-places", "buffered"],
  "assumes-buffered": ["one-large-message", "no-protocol-config", "half-close"],
  "drops-a-byte": [...DUPLEX, "request-trailers", "no-protocol-config"],
  "sets-content-length": ["no-content-length"],
  "ignores-subset": [
    "subset-list",
    "subset-comma-text",
    "subset-with-spaces",
    "subset-list-with-commas",
    "subset-bare-ip",
    "subset-empty",
    "subset-unknown",
  ],
  "subset-lists-only": ["subset-comma-text", "subset-with-spaces", "subset-list-with-commas"],
  "empty-subset-is-none": ["subset-empty"],
  "error-instead-of-503": ["subset-empty", "subset-unknown", "writes-raw-value-only"],
  "takes-any-json": ["invalid-json"],
  "ends-never-after-half-close": ["half-close"],
  "aborts-on-half-close": ["half-close"],
  "holds-response": ["sse-response", "json-response", "response-trailers"],
  "ignores-response-trailers": ["response-trailers"],
  "adds-if-absent": ["forged-destination"],
  appends: ["forged-destination"],
  "no-health": ["health-names", "health-unknown-name"],
  "serves-any-health-name": ["health-unknown-name"],
  "garbage-ends-connection": ["garbage-message"],
  "garbage-is-ignored": ["garbage-message"],
  "drop-without-reason": ["shed"],
  "no-body-limit": ["oversize"],
  "small-messages": ["one-large-message"],
  "ten-streams": ["many-streams"],
  "leaves-after-decision": [],
  "strange-endpoint": [
    "subset-list",
    "subset-comma-text",
    "subset-with-spaces",
    "subset-list-with-commas",
    "subset-bare-ip",
    "pool-members",
  ],
};

for (const [fault, broken] of Object.entries(BROKEN)) {
  test(`a picker with ${fault} fails what it breaks and nothing else`, async () => {
    const results = await verify([fault as PickerFault], { timeoutMs: 400 });
    const failed = results.filter(({ result }) => result === "failed");
    assert.deepEqual(
      failed.map(({ name }) => name),
      SUITE.map(({ name }) => name).filter((name) => broken.includes(name)),
      failed.map(({ name, note }) => `${name}: ${note}`).join("\n"),
    );
  });
}

test("lists are taken where the gateway takes them", async () => {
  const results = await verify(["comma-list"], { fallbacks: true });
  assert.deepEqual(
    results.filter(({ result }) => result === "failed"),
    [],
  );
});

test("silence is told as waiting for ever, with the limit and the rule", async () => {
  const results = await verify(["always-defers"], { timeoutMs: 300 });
  const result = results.find(({ name }) => name === "buffered");
  assert.equal(result?.note, "waits for ever: no header reply within 300 ms");
  assert.equal(result?.rule, 2);
});

test("checks are chosen by name and by number of the test", () => {
  const names = (words: readonly string[]): unknown => {
    const checks = chosenChecks(words);
    return checks instanceof Error ? checks.message.slice(0, 30) : checks.map(({ name }) => name);
  };
  assert.deepEqual(names(["buffered", "11"]), ["buffered", "forged-destination"]);
  assert.deepEqual(names(["bufered"]), 'no such check as "bufered"; kn');
});
