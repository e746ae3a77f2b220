/**
 * Answers of each API, whole, cut anywhere and hostile.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { InferenceApi } from "../../../model/inference-facts.ts";
import { createPrng } from "../../../std/prng.ts";
import { ResponseReader } from "./response-reader.ts";
import { streamEnd, type StreamPlace } from "./stream-end.ts";

const sse = (...events: (object | string)[]): string =>
  events.map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`).join("");
const named = (...events: { type: string }[]): string =>
  events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");

interface Expected {
  readonly events?: number;
  readonly contentEvents?: number;
  /** How many events had ended when the first content was counted. */
  readonly firstContentEvent?: number;
  readonly isFinished: boolean;
  readonly hasError?: boolean;
  /** Prompt, cached, output. */
  readonly usage: readonly [number, number, number];
}

interface Example {
  readonly name: string;
  readonly api: InferenceApi;
  readonly isStream: boolean;
  readonly text: string;
  readonly expected: Expected;
}

const delta = (content: object, rest: object = {}) => ({
  id: "1",
  object: "chat.completion.chunk",
  model: "m",
  choices: [{ index: 0, delta: content, logprobs: null, finish_reason: null }],
  ...rest,
});
const chatUsage = {
  prompt_tokens: 30,
  completion_tokens: 2,
  total_tokens: 32,
  prompt_tokens_details: { cached_tokens: 16 },
};

const EXAMPLES: readonly Example[] = [
  {
    name: "chat",
    api: "openai-chat",
    isStream: true,
    text: sse(
      delta({ role: "assistant", content: "" }),
      delta({ content: 'Hi "usage":{"prompt_tokens":99} [DONE]\n\ndata: [DONE]\n\n' }),
      delta({ content: "é😀" }),
      delta({}),
      { choices: [], usage: chatUsage, error: null },
      "[DONE]",
    ),
    expected: { events: 6, contentEvents: 2, firstContentEvent: 2, isFinished: true, usage: [30, 16, 2] },
  },
  {
    name: "chat, cut",
    api: "openai-chat",
    isStream: true,
    text: sse(delta({ role: "assistant", content: "" }), delta({ reasoning_content: "Well" })),
    expected: { events: 2, contentEvents: 1, firstContentEvent: 2, isFinished: false, usage: [-1, -1, -1] },
  },
  {
    name: "chat, tool call and usage along the way",
    api: "openai-chat",
    isStream: true,
    text: sse(
      delta({ role: "assistant", content: null }),
      delta(
        { tool_calls: [{ index: 0, function: { name: "f", arguments: "" } }] },
        { usage: { prompt_tokens: 5, completion_tokens: 1 } },
      ),
      delta(
        { tool_calls: [{ index: 0, function: { arguments: "{}" } }] },
        { usage: { prompt_tokens: 5, completion_tokens: 2 } },
      ),
      "[DONE]",
    ),
    expected: { contentEvents: 2, firstContentEvent: 2, isFinished: true, usage: [5, -1, 2] },
  },
  {
    name: "chat, error inside",
    api: "openai-chat",
    isStream: true,
    text: sse(delta({ content: "a" }), { error: { message: "out of memory", type: "server_error" } }),
    expected: {
      events: 2,
      contentEvents: 1,
      firstContentEvent: 1,
      isFinished: false,
      hasError: true,
      usage: [-1, -1, -1],
    },
  },
  {
    name: "completions, CRLF, comments, other fields",
    api: "openai-completions",
    isStream: true,
    text: ': ping\r\n\r\nid: 1\r\nretry: 5\r\ndata:{"choices":[{"text":""}]}\r\n\r\ndata: {"choices":\r\ndata: [{"text":"a"}]}\r\n\r\ndatax: 1\r\n\r\ndata: [DONE]\r\n\r\n',
    expected: { events: 3, contentEvents: 1, firstContentEvent: 2, isFinished: true, usage: [-1, -1, -1] },
  },
  {
    name: "messages",
    api: "anthropic-messages",
    isStream: true,
    text: named(
      {
        type: "message_start",
        message: {
          model: "c",
          content: [],
          usage: {
            input_tokens: 10,
            cache_read_input_tokens: 100,
            cache_creation_input_tokens: 5,
            output_tokens: 1,
          },
        },
      } as never,
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } } as never,
      { type: "ping" },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hi" } } as never,
      {
        type: "content_block_delta",
        index: 1,
        delta: { type: "input_json_delta", partial_json: "{" },
      } as never,
      { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "xx" } } as never,
      { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 12 } } as never,
      { type: "message_stop" },
    ),
    expected: { events: 8, contentEvents: 2, firstContentEvent: 4, isFinished: true, usage: [115, 100, 12] },
  },
  {
    name: "messages, error",
    api: "anthropic-messages",
    isStream: true,
    text: named({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } } as never),
    expected: { events: 1, isFinished: false, hasError: true, usage: [-1, -1, -1] },
  },
  {
    name: "responses",
    api: "openai-responses",
    isStream: true,
    text: named(
      { type: "response.created", response: { id: "r", error: null, usage: null } } as never,
      { type: "response.output_item.added", item: { type: "message", content: [] } } as never,
      { type: "response.output_text.delta", delta: "Hi" } as never,
      { type: "response.output_text.done", text: "Hi" } as never,
      {
        type: "response.completed",
        response: {
          usage: { input_tokens: 7, input_tokens_details: { cached_tokens: 4 }, output_tokens: 3 },
        },
      } as never,
    ),
    expected: { events: 5, contentEvents: 1, firstContentEvent: 3, isFinished: true, usage: [7, 4, 3] },
  },
  {
    name: "responses, failed",
    api: "openai-responses",
    isStream: true,
    text: named({ type: "response.failed", response: { error: { code: "server_error" } } } as never),
    expected: { isFinished: true, hasError: true, usage: [-1, -1, -1] },
  },
  {
    name: "SGLang",
    api: "sglang-generate",
    isStream: true,
    text: sse(
      { text: "", meta_info: { prompt_tokens: 9, completion_tokens: 0, cached_tokens: 8 } },
      { text: "Hi", meta_info: { prompt_tokens: 9, completion_tokens: 1, cached_tokens: 8 } },
      {
        text: "Hi you",
        meta_info: {
          prompt_tokens: 9,
          completion_tokens: 2,
          cached_tokens: 8,
          finish_reason: { type: "stop" },
        },
      },
      "[DONE]",
    ),
    expected: { contentEvents: 2, firstContentEvent: 2, isFinished: true, usage: [9, 8, 2] },
  },
  {
    name: "chat in one piece",
    api: "openai-chat",
    isStream: false,
    text: JSON.stringify({
      choices: [{ message: { role: "assistant", content: 'Hi,"usage":{"prompt_tokens":1}' } }],
      usage: chatUsage,
    }),
    expected: { isFinished: true, usage: [30, 16, 2] },
  },
  {
    name: "messages in one piece",
    api: "anthropic-messages",
    isStream: false,
    text: JSON.stringify({
      type: "message",
      content: [{ type: "text", text: "Hi" }],
      usage: { input_tokens: 3, cache_read_input_tokens: 0, output_tokens: 4 },
    }),
    expected: { isFinished: true, usage: [3, 0, 4] },
  },
  {
    name: "batch of SGLang",
    api: "sglang-generate",
    isStream: false,
    text: JSON.stringify(
      [1, 2].map((n) => ({ text: "a", meta_info: { prompt_tokens: n, completion_tokens: 10 * n } })),
    ),
    expected: { isFinished: true, usage: [3, -1, 30] },
  },
  {
    name: "count_tokens",
    api: "anthropic-count-tokens",
    isStream: false,
    text: '{"input_tokens":14}',
    expected: { isFinished: true, usage: [14, -1, -1] },
  },
  {
    name: "tokenize",
    api: "vllm-tokenize",
    isStream: false,
    text: '{"count":3,"max_model_len":4096,"tokens":[1,2,3]}',
    expected: { isFinished: true, usage: [3, -1, -1] },
  },
  {
    name: "error in one piece",
    api: "openai-chat",
    isStream: false,
    text: '{"error":{"message":"no"}}',
    expected: { isFinished: true, hasError: true, usage: [-1, -1, -1] },
  },
  {
    name: "cut in one piece",
    api: "openai-chat",
    isStream: false,
    text: '{"choices":[',
    expected: { isFinished: false, usage: [-1, -1, -1] },
  },
];

function read(reader: ResponseReader, example: Example, chunkBytes: number): Expected {
  const bytes = new TextEncoder().encode(example.text);
  reader.begin(example.api, example.isStream);
  let firstContentEvent = 0;
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.slice(at, at + chunkBytes);
    reader.feed(chunk, 0, chunk.length);
    if (firstContentEvent === 0 && reader.contentEvents > 0) firstContentEvent = reader.events;
  }
  const { promptTokens, cachedTokens, outputTokens } = reader.usage();
  assert.equal(reader.strangeEvents, 0, example.name);
  return {
    events: reader.events,
    contentEvents: reader.contentEvents,
    firstContentEvent,
    isFinished: reader.isFinished,
    hasError: reader.hasError,
    usage: [promptTokens, cachedTokens, outputTokens],
  };
}

test("usage, first token and end are found, wherever the answer is cut", () => {
  const reader = new ResponseReader();
  for (const example of EXAMPLES) {
    for (const size of [1, 2, 3, 5, 17]) {
      const found = read(reader, example, size);
      for (const [name, value] of Object.entries({ hasError: false, ...example.expected })) {
        // In larger chunks several events end at once.
        if (name === "firstContentEvent" && size > 1) continue;
        assert.deepEqual(found[name as keyof Expected], value, `${example.name} by ${size}: ${name}`);
      }
    }
  }
});

test("a stream cut at any byte is not finished, and an error event behind it is one", () => {
  const error = { status: 502, code: "endpoint-reset", message: "The endpoint closed the connection." };
  for (const example of EXAMPLES.filter(({ isStream, expected }) => isStream && expected.isFinished)) {
    const bytes = new TextEncoder().encode(example.text);
    const reader = new ResponseReader();
    const places = new Set<StreamPlace>();
    for (let cut = 0; cut < bytes.length - 1; cut++) {
      reader.begin(example.api, true);
      reader.feed(bytes, 0, cut);
      assert.equal(reader.isFinished, false, `${example.name} at ${cut}`);
      if (example.expected.hasError === true) continue;
      const strange = reader.strangeEvents;
      const { events, place } = reader;
      places.add(place);
      const end = new TextEncoder().encode(streamEnd(example.api, place, events, error));
      reader.feed(end, 0, end.length);
      assert.equal(reader.hasError, true, `${example.name} at ${cut}`);
      assert.equal(reader.place, "between-events");
      assert.ok(reader.events - events <= 2 && reader.strangeEvents - strange <= 1);
    }
    if (example.expected.hasError !== true) assert.equal(places.size, 3, example.name);
  }
});

test("the last line feed is not needed to know that all went well, but the line is", () => {
  const reader = new ResponseReader();
  const bytes = new TextEncoder().encode("data: [DONE]\n\n");
  reader.begin("openai-chat", true);
  reader.feed(bytes, 0, bytes.length - 1);
  assert.equal(reader.isFinished, false);
  reader.feed(bytes, bytes.length - 1, bytes.length);
  assert.equal(reader.isFinished, true);
});

test("hostile answers are passed over", () => {
  const prng = createPrng(5);
  const reader = new ResponseReader();
  for (let round = 0; round < 1_500; round++) {
    const { api, isStream, text } = EXAMPLES[prng.below(EXAMPLES.length)]!;
    const bytes = [...new TextEncoder().encode(text)];
    for (let changes = 1 + prng.below(5); changes > 0; changes--) {
      bytes.splice(
        prng.below(bytes.length),
        prng.below(4),
        ...Array.from({ length: prng.below(4) }, () => prng.below(256)),
      );
    }
    reader.begin(api, isStream);
    reader.feed(Uint8Array.from(bytes), 0, bytes.length);
    const { promptTokens, cachedTokens, outputTokens } = reader.usage();
    for (const count of [promptTokens, cachedTokens, outputTokens])
      assert.ok(Number.isInteger(count) && count >= -1);
    assert.ok(reader.contentEvents <= reader.events);
  }
  reader.begin("openai-chat", true);
  const nested = new TextEncoder().encode(
    sse(`{"a":${"[".repeat(200)}`, '{"usage":{"prompt_tokens":1e99}}', "hello"),
  );
  reader.feed(nested, 0, nested.length);
  assert.deepEqual([reader.events, reader.strangeEvents, reader.usage().promptTokens], [3, 2, -1]);
});
