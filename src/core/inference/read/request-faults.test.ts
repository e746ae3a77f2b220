/**
 * One row for each way in which a body is no request: kind, place, offset and what was expected.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { InferenceApi, RequestFaultKind } from "../../../model/inference-facts.ts";
import { RequestReader, type RequestReading } from "./request-reader.ts";

const encoder = new TextEncoder();

function read(api: InferenceApi, body: string | object | Uint8Array, chunkBytes = 1_000_000): RequestReading {
  const text = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  const reader = new RequestReader({ bodyBytesMax: 1_000_000, blockBytes: 16 });
  reader.begin(api);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    // A copy, so that nothing outside the chunk can be read.
    const chunk = bytes.slice(at, at + chunkBytes);
    if (!reader.feed(chunk, 0, chunk.length)) break;
  }
  return reader.finish();
}

interface FaultRow {
  readonly api?: InferenceApi;
  readonly body: string | Uint8Array;
  readonly kind: RequestFaultKind;
  readonly path: string;
  /** The first byte of that text in the body; the body's length where absent. */
  readonly at?: string;
  readonly expected?: string;
}

const hi = '"messages":[{"role":"user","content":"Hi"}]';
const FAULTS: readonly FaultRow[] = [
  { body: "", kind: "cut-short", path: "" },
  { body: `{"model":"m",${hi}`, kind: "cut-short", path: "messages" },
  { body: `{"model":"m",${hi}} x`, kind: "bad-json", path: "", at: "x", expected: "nothing but white space" },
  { body: "[]", kind: "wrong-type", path: "", at: "[", expected: "a JSON object" },
  { body: '"x"', kind: "wrong-type", path: "", at: '"x"' },
  { body: "7 ", kind: "wrong-type", path: "", at: "7" },
  { body: `{${hi}}`, kind: "missing-model", path: "model" },
  { body: `{"model":null,${hi}}`, kind: "missing-model", path: "model" },
  { body: `{"model":"",${hi}}`, kind: "missing-model", path: "model" },
  { body: `{"model":5,${hi}}`, kind: "wrong-type", path: "model", at: "5", expected: "a string" },
  { body: `{"model":{"a":1},${hi}}`, kind: "wrong-type", path: "model", at: '{"a"', expected: "a string" },
  { body: `{"model":"m",${hi},"mod\\u0065l":"k"}`, kind: "duplicate-key", path: "model", at: '"mod\\' },
  { body: `{"model":"m",${hi},${hi}}`, kind: "duplicate-key", path: "messages", at: undefined as never },
  { body: '{"model":"m"}', kind: "missing-prompt", path: "messages" },
  { body: '{"model":"m","messages":null}', kind: "missing-prompt", path: "messages" },
  { body: '{"model":"m","messages":[]}', kind: "empty-prompt", path: "messages" },
  {
    body: '{"model":"m","messages":"Hi"}',
    kind: "wrong-type",
    path: "messages",
    at: '"Hi"',
    expected: "an array of objects",
  },
  {
    body: '{"model":"m","messages":["Hi"]}',
    kind: "wrong-type",
    path: "messages[0]",
    at: '"Hi"',
    expected: "an object",
  },
  { body: '{"model":"m","messages":{}}', kind: "wrong-type", path: "messages", at: "{}" },
  {
    body: `{"model":"m",${hi},"stream":"yes"}`,
    kind: "wrong-type",
    path: "stream",
    at: '"yes"',
    expected: "true or false",
  },
  {
    body: `{"model":"m",${hi},"stream_options":{"include_usage":1}}`,
    kind: "wrong-type",
    path: "stream_options.include_usage",
    at: "1}",
  },
  {
    body: `{"model":"m",${hi},"stream_options":true}`,
    kind: "wrong-type",
    path: "stream_options",
    at: "true",
    expected: "an object",
  },
  { body: `{"model":"m",${hi},"max_tokens":1e99}`, kind: "out-of-range", path: "max_tokens", at: "1e99" },
  { body: `{"model":"m",${hi},"max_tokens":-1}`, kind: "out-of-range", path: "max_tokens", at: "-1" },
  { body: `{"model":"m",${hi},"max_tokens":1.5}`, kind: "wrong-type", path: "max_tokens", at: "1.5" },
  { body: `{"model":"m",${hi},"n":8${"9".repeat(500)}}`, kind: "out-of-range", path: "n", at: "8999" },
  {
    body: `{"model":"m",${hi},"x":${"[".repeat(80)}`,
    kind: "too-deep",
    path: `x${"[0]".repeat(63)}`,
    at: undefined as never,
  },
  {
    body: `{"model":"${"m".repeat(2_000)}",${hi}}`,
    kind: "out-of-range",
    path: "model",
    at: undefined as never,
  },
  {
    body: `{"model":"m",${hi},"x":"${"y".repeat(1_000_000)}"}`,
    kind: "too-large",
    path: "",
    at: undefined as never,
  },
  {
    body: Uint8Array.from([...encoder.encode('{"model":"m","messages":[{"content":"'), 0xff, 0x22]),
    kind: "bad-text",
    path: "messages[0].content",
    at: undefined as never,
  },
  { api: "openai-completions", body: '{"model":"m","prompt":""}', kind: "empty-prompt", path: "prompt" },
  {
    api: "openai-completions",
    body: '{"model":"m","prompt":[1,"a"]}',
    kind: "wrong-type",
    path: "prompt[1]",
    at: '"a"',
    expected: "a token id",
  },
  {
    api: "openai-completions",
    body: '{"model":"m","prompt":["a",1]}',
    kind: "wrong-type",
    path: "prompt[1]",
    at: "1]",
    expected: "a string",
  },
  {
    api: "openai-completions",
    body: '{"model":"m","prompt":[[1],2]}',
    kind: "wrong-type",
    path: "prompt[1]",
    at: "2]",
    expected: "an array of token ids",
  },
  {
    api: "openai-completions",
    body: '{"model":"m","prompt":[1,[2]]}',
    kind: "wrong-type",
    path: "prompt[1]",
    at: "[2]",
  },
  {
    api: "openai-completions",
    body: '{"model":"m","prompt":[1.5]}',
    kind: "wrong-type",
    path: "prompt[0]",
    at: "1.5",
  },
  {
    api: "openai-completions",
    body: '{"model":"m","prompt":[4294967295]}',
    kind: "wrong-type",
    path: "prompt[0]",
    at: "4294967295",
  },
  {
    api: "openai-completions",
    body: '{"model":"m","prompt":{"a":1}}',
    kind: "wrong-type",
    path: "prompt",
    at: '{"a"',
  },
  {
    api: "vllm-tokenize",
    body: '{"prompt":"a","messages":[{}]}',
    kind: "duplicate-key",
    path: "messages",
    at: "[{}]",
    expected: "one of prompt or messages",
  },
];

test("each fault has its kind, its place and what was expected", () => {
  for (const { api = "openai-chat", body, kind, path, at, expected, ...row } of FAULTS) {
    const label = typeof body === "string" ? body.slice(0, 80) : "bytes";
    for (const size of [1, 5, 2_000_000]) {
      if (size === 1 && body.length > 100_000) continue;
      const reading = read(api, body, size);
      assert.equal(reading.kind, "fault", label);
      const { fault } = reading;
      assert.deepEqual([fault.kind, fault.path], [kind, path], label);
      if (expected !== undefined) assert.equal(fault.expected, expected, label);
      const isExact = !("at" in row) && typeof body === "string";
      if (at !== undefined) assert.equal(fault.offset, String(body).lastIndexOf(at), label);
      else if (isExact && fault.kind.startsWith("missing")) assert.equal(fault.offset, body.length, label);
      assert.ok(fault.offset <= body.length && fault.expected !== "", label);
    }
  }
});
