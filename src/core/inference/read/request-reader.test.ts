import assert from "node:assert/strict";
import { test } from "node:test";
import type { InferenceApi, RequestFaultKind } from "../../../model/inference-facts.ts";
import { createPrng } from "../../../std/prng.ts";
import { inferenceApiOf } from "./inference-api.ts";
import { inferenceFacts } from "./inference-facts.ts";
import { RequestReader, type RequestBody, type RequestReading } from "./request-reader.ts";

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

function bodyOf(api: InferenceApi, body: string | object | Uint8Array, chunkBytes?: number): RequestBody {
  const reading = read(api, body, chunkBytes);
  assert.equal(reading.kind, "request", JSON.stringify(reading));
  return (reading as Extract<RequestReading, { kind: "request" }>).body;
}

test("the API is told by the end of the path", () => {
  const rows: readonly (readonly [string, InferenceApi | undefined])[] = [
    ["/v1/chat/completions", "openai-chat"],
    ["/team-a/v1/chat/completions/?x=/v1/messages", "openai-chat"],
    ["/v1/chat/completions/render", "openai-chat"],
    ["/v1/completions", "openai-completions"],
    ["/v1/responses", "openai-responses"],
    ["/v1/embeddings", "openai-embeddings"],
    ["/v1/messages", "anthropic-messages"],
    ["/v1/messages/count_tokens", "anthropic-count-tokens"],
    ["/tokenize", "vllm-tokenize"],
    ["/inference/v1/generate", "vllm-generate"],
    ["/generate", "sglang-generate"],
    ["/v1/models", undefined],
    ["/v1/responses/resp_1/cancel", undefined],
    ["/regenerate", undefined],
    ["/", undefined],
  ];
  for (const [path, api] of rows) assert.equal(inferenceApiOf("POST", path), api, path);
  assert.equal(inferenceApiOf("GET", "/v1/responses"), undefined);
});

interface Example {
  readonly api: InferenceApi;
  readonly body: object;
  readonly expected: Partial<RequestBody>;
}

const EXAMPLES: readonly Example[] = [
  {
    api: "openai-completions",
    body: {
      model: "llama",
      prompt: "Once upon a time",
      max_tokens: 7,
      n: 2,
      stream: true,
      user: "u1",
      cache_salt: "s",
    },
    expected: {
      model: "llama",
      isStream: true,
      wantsUsage: false,
      outputTokensMax: 7,
      sequences: 2,
      user: "u1",
      cacheSalt: "s",
    },
  },
  {
    api: "openai-completions",
    body: { prompt: [[1, 2, 3], [4]], model: "llama", n: 3 },
    expected: { sequences: 6, promptTokens: 4, outputTokensMax: undefined },
  },
  {
    api: "openai-completions",
    body: { prompt: ["a", "b"], model: "llama" },
    expected: { sequences: 2, promptTokens: undefined },
  },
  {
    api: "openai-chat",
    body: {
      messages: [
        { role: "system", content: "Be brief." },
        {
          role: "user",
          content: [
            { type: "text", text: "What is it?" },
            { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
          ],
        },
      ],
      tools: [
        { type: "function", function: { name: "look", parameters: { type: "object", properties: {} } } },
      ],
      model: "qwen",
      stream: true,
      stream_options: { include_usage: true },
      max_completion_tokens: 100,
      max_tokens: 50,
      prompt_cache_key: "conversation-9",
      priority: -3,
      temperature: 0.5,
      logit_bias: { "12": -100 },
    },
    expected: {
      model: "qwen",
      isStream: true,
      wantsUsage: true,
      outputTokensMax: 50,
      sessionKey: "conversation-9",
      priority: -3,
      mediaParts: 1,
      sequences: 1,
    },
  },
  {
    api: "openai-responses",
    body: {
      model: "gpt",
      instructions: "Be kind.",
      input: "Hello",
      max_output_tokens: 9,
      conversation: { id: "c1" },
      text: { format: { type: "text" } },
    },
    expected: { model: "gpt", outputTokensMax: 9, sessionKey: "c1" },
  },
  {
    api: "openai-responses",
    body: {
      model: "gpt",
      previous_response_id: "r1",
      conversation: null,
      metadata: { user_id: 5, model: "x" },
    },
    expected: { model: "gpt", sessionKey: undefined, user: undefined },
  },
  {
    api: "openai-embeddings",
    body: { model: "e5", input: ["one", "two", "three"] },
    expected: { sequences: 3 },
  },
  {
    api: "anthropic-messages",
    body: {
      max_tokens: 1024,
      messages: [
        { role: "user", content: [{ type: "text", text: "Hi", cache_control: { type: "ephemeral" } }] },
      ],
      model: "claude",
      system: [{ type: "text", text: "You help." }],
      metadata: { user_id: "user_1" },
    },
    expected: { model: "claude", outputTokensMax: 1024, user: "user_1" },
  },
  {
    api: "anthropic-count-tokens",
    body: { model: "claude", messages: [{ role: "user", content: "Hi" }] },
    expected: { model: "claude" },
  },
  { api: "vllm-tokenize", body: { prompt: "Hi" }, expected: { model: "" } },
  {
    api: "vllm-generate",
    body: { token_ids: [5, 6], sampling_params: { max_tokens: 3 } },
    expected: { promptTokens: 2, outputTokensMax: 3 },
  },
  {
    api: "sglang-generate",
    body: {
      text: "Hi",
      sampling_params: { max_new_tokens: 32, n: 2 },
      lora_path: "adapter-1",
      session_params: { id: "s1" },
      stream: true,
    },
    expected: {
      adapter: "adapter-1",
      outputTokensMax: 32,
      sequences: 2,
      sessionKey: "s1",
      isStream: true,
      model: "",
    },
  },
  {
    api: "sglang-generate",
    body: { input_ids: [1, 2, 3], sampling_params: [{ max_new_tokens: 1 }] },
    expected: { promptTokens: 3, outputTokensMax: undefined },
  },
];

test("each API's fields are read, wherever the body is cut", () => {
  for (const { api, body, expected } of EXAMPLES) {
    const text = JSON.stringify(body);
    const whole = bodyOf(api, text);
    for (const [name, value] of Object.entries(expected)) {
      assert.deepEqual(whole[name as keyof RequestBody], value, `${api}: ${name}`);
    }
    if (whole.modelStart >= 0)
      assert.equal(text.slice(whole.modelStart, whole.modelEnd), JSON.stringify(whole.model));
    for (const size of [1, 2, 3, 7, 16])
      assert.deepEqual(bodyOf(api, text, size), whole, `${api} by ${size}`);
  }
});

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
      const { fault } = reading as Extract<RequestReading, { kind: "fault" }>;
      assert.deepEqual([fault.kind, fault.path], [kind, path], label);
      if (expected !== undefined) assert.equal(fault.expected, expected, label);
      const isExact = !("at" in row) && typeof body === "string";
      if (at !== undefined) assert.equal(fault.offset, String(body).lastIndexOf(at), label);
      else if (isExact && fault.kind.startsWith("missing")) assert.equal(fault.offset, body.length, label);
      assert.ok(fault.offset <= body.length && fault.expected !== "", label);
    }
  }
});

test("any bytes end in a request or one fault, and the reader is as good as new afterwards", () => {
  const prng = createPrng(3);
  const reader = new RequestReader({ bodyBytesMax: 10_000, blockBytes: 16 });
  const counts = { request: 0, fault: 0 };
  for (let round = 0; round < 2_500; round++) {
    const { api, body } = EXAMPLES[prng.below(EXAMPLES.length)]!;
    const bytes = [...encoder.encode(JSON.stringify(body))];
    for (let changes = prng.below(3); changes > 0; changes--) {
      bytes.splice(
        prng.below(bytes.length),
        prng.below(3),
        ...Array.from({ length: prng.below(3) }, () => prng.below(128)),
      );
    }
    const mutated = Uint8Array.from(bytes);
    reader.begin(api);
    reader.feed(mutated, 0, mutated.length);
    const reading = reader.finish();
    counts[reading.kind]++;
    assert.deepEqual(reading, read(api, mutated, 1 + prng.below(50)));
    let parsed: { model?: unknown } | undefined;
    try {
      parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(mutated)) as { model?: unknown };
    } catch {
      assert.equal(reading.kind, "fault");
    }
    if (reading.kind === "request" && parsed !== undefined)
      assert.equal(reading.body.model, parsed.model ?? "");
  }
  assert.ok(counts.request > 600 && counts.fault > 600, JSON.stringify(counts));
});

test("headers complete the body, older names are known, and nonsense is no value", () => {
  const body = bodyOf("openai-chat", `{"model":"m",${hi},"prompt_cache_key":"k"}`);
  const facts = (headers: Readonly<Record<string, string>>) =>
    inferenceFacts(body, { header: (name) => headers[name] });
  const full = facts({
    "x-llm-d-inference-fairness-id": "team",
    "x-gateway-inference-fairness-id": "old",
    "x-gateway-inference-objective": "chat",
    "x-llm-d-slo-ttft-ms": "250",
    "x-slo-tpot-ms": "12.5",
    "x-gateway-model-name-rewrite": "m-2",
    "x-session-id": "s",
    "x-gateway-model-name": "other",
  });
  assert.deepEqual(
    [
      full.model,
      full.tenant,
      full.objective,
      full.ttftTargetMs,
      full.tpotTargetMs,
      full.modelRewrite,
      full.sessionKey,
    ],
    ["m", "team", "chat", 250, 12.5, "m-2", "s"],
  );
  const none = facts({ "x-slo-ttft-ms": "-3", "x-llm-d-slo-tpot-ms": "fast", "x-session-id": "" });
  assert.deepEqual(
    [none.ttftTargetMs, none.tpotTargetMs, none.tenant, none.sessionKey],
    [undefined, undefined, undefined, "k"],
  );
  const unnamed = bodyOf("sglang-generate", { text: "Hi" });
  assert.equal(
    inferenceFacts(unnamed, { header: (name) => (name === "x-gateway-model-name" ? "llama" : undefined) })
      .model,
    "llama",
  );
});
