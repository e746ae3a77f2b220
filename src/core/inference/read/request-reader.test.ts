/**
 * Bodies of each API, whole, cut anywhere and broken.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { InferenceApi } from "../../../model/inference-facts.ts";
import { createPrng } from "../../../std/prng.ts";
import { inferenceApiOf } from "./inference-api.ts";
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
  return reading.body;
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
