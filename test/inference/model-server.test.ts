/** The model server over real sockets: every API whole and streamed, usage, limits, errors, and a client that goes. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ResponseReader } from "../../src/core/inference/read/response-reader.ts";
import { RTX4090_8B } from "../../src/sim/engine/profiles.ts";
import { ask, MODEL, modelServer, sampleIn, textOf, user } from "../kit/model-server.ts";
import { waitUntil } from "../kit/wait.ts";

const chat = (content: string, more: object = {}): object => ({
  model: MODEL,
  messages: [user(content)],
  max_tokens: 8,
  ignore_eos: true,
  ...more,
});

describe("answers", () => {
  test("a chat whole: text of as many tokens as allowed, and its usage", async (t) => {
    const server = await modelServer(t);
    const { status, json, headers } = await ask(server, "/v1/chat/completions", chat("12345678"));
    assert.equal(status, 200);
    assert.equal(headers["x-endpoint"], "model-server");
    assert.equal(json.object, "chat.completion");
    assert.equal(json.choices[0].message.content.length, 32);
    assert.equal(json.choices[0].finish_reason, "length");
    // begin, user, two of text, end, assistant
    assert.deepEqual(json.usage, {
      prompt_tokens: 6,
      total_tokens: 14,
      completion_tokens: 8,
      prompt_tokens_details: { cached_tokens: 0 },
    });
  });

  test("a chat streamed says the same, piece by piece, and its usage only where it is wanted", async (t) => {
    const server = await modelServer(t);
    const whole = await ask(server, "/v1/chat/completions", chat("hello"));
    const asked = chat("hello", { stream: true, stream_options: { include_usage: true } });
    const streamed = await ask(server, "/v1/chat/completions", asked);
    assert.equal(streamed.headers["content-type"], "text/event-stream; charset=utf-8");
    assert.ok(streamed.text.endsWith("data: [DONE]\n\n"));
    const text = streamed.events.map((event) => event.choices[0]?.delta.content ?? "").join("");
    assert.equal(text, whole.json.choices[0].message.content);
    assert.deepEqual(streamed.events[0].choices[0].delta, { role: "assistant", content: "" });
    assert.equal(streamed.events.at(-2).choices[0].finish_reason, "length");
    assert.equal(streamed.events.at(-1).usage.completion_tokens, 8);
    const plain = await ask(server, "/v1/chat/completions", chat("hello", { stream: true }));
    assert.ok(plain.events.every((event) => event.usage === undefined));
  });

  test("several prompts and several answers to each", async (t) => {
    const server = await modelServer(t);
    const body = { model: MODEL, prompt: ["one prompt", "another one"], n: 2, max_tokens: 4 };
    const { json } = await ask(server, "/v1/completions", body);
    assert.deepEqual(
      json.choices.map(({ index }: { index: number }) => index),
      [0, 1, 2, 3],
    );
    assert.equal(new Set(json.choices.map(({ text }: { text: string }) => text)).size, 4);
    const streamed = await ask(server, "/v1/completions", { ...body, stream: true });
    const texts = ["", "", "", ""];
    for (const { choices } of streamed.events) texts[choices[0].index] += choices[0].text;
    assert.deepEqual(
      texts,
      json.choices.map(({ text }: { text: string }) => text),
    );
  });

  test("a prompt of tokens counts as many", async (t) => {
    const server = await modelServer(t);
    const { json } = await ask(server, "/v1/completions", { model: MODEL, prompt: [5, 6, 7], max_tokens: 1 });
    assert.equal(json.usage.prompt_tokens, 3);
  });

  test("Messages count what was cached apart, whole and streamed", async (t) => {
    const server = await modelServer(t);
    const body = { model: MODEL, max_tokens: 4, system: textOf(64), messages: [user("hello")] };
    const { input_tokens: all } = (await ask(server, "/v1/messages/count_tokens", body)).json;
    const first = (await ask(server, "/v1/messages", body)).json;
    assert.equal(first.usage.input_tokens, all);
    assert.equal(first.type, "message");
    const { events, text } = await ask(server, "/v1/messages", { ...body, stream: true });
    assert.equal(events[0].type, "message_start");
    assert.equal(events.at(-1).type, "message_stop");
    const { usage } = events.at(-2);
    assert.ok(usage.cache_read_input_tokens >= 48);
    assert.equal(usage.input_tokens + usage.cache_read_input_tokens, all);
    assert.ok(text.startsWith("event: message_start\n"));
  });

  test("Responses, whole and streamed", async (t) => {
    const server = await modelServer(t);
    const body = { model: MODEL, input: "hello", instructions: "be brief", max_output_tokens: 4 };
    const whole = (await ask(server, "/v1/responses", body)).json;
    const { events } = await ask(server, "/v1/responses", { ...body, stream: true });
    assert.deepEqual(
      events.map((event) => event.sequence_number),
      events.map((_, index) => index),
    );
    const last = events.at(-1);
    assert.match(last.type, /^response\.(?:completed|incomplete)$/);
    assert.equal(last.response.output[0].content[0].text, whole.output[0].content[0].text);
    assert.equal(last.response.usage.output_tokens, whole.usage.output_tokens);
    const stored = await ask(server, "/v1/responses", { model: MODEL, previous_response_id: "resp_1" });
    assert.equal(stored.status, 404);
  });

  test("embeddings have length 1, are the same in both encodings and differ between texts", async (t) => {
    const server = await modelServer(t);
    const body = { model: MODEL, input: ["one", "two"], dimensions: 8 };
    const { data, usage } = (await ask(server, "/v1/embeddings", body)).json;
    const length = data[0].embedding.reduce((sum: number, value: number) => sum + value * value, 0);
    assert.ok(Math.abs(length - 1) < 1e-6);
    assert.notDeepEqual(data[0].embedding, data[1].embedding);
    assert.equal(usage.prompt_tokens, 4);
    const packed = await ask(server, "/v1/embeddings", { ...body, encoding_format: "base64" });
    const bytes = Buffer.from(packed.json.data[1].embedding, "base64");
    assert.deepEqual([...new Float32Array(new Uint8Array(bytes).buffer)], data[1].embedding);
  });

  test("answers are the same on every server; how long they are follows the distribution", async (t) => {
    const one = await modelServer(t, { answers: { mean: 20, sigma: 0.8 } });
    const other = await modelServer(t, { answers: { mean: 20, sigma: 0.8 }, name: "other", blockTokens: 32 });
    const lengths: number[] = [];
    for (let index = 0; index < 40; index++) {
      const body = { model: MODEL, messages: [user(`question ${index}`)] };
      const [a, b] = await Promise.all(
        [one, other].map((server) => ask(server, "/v1/chat/completions", body)),
      );
      assert.equal(a!.json.choices[0].message.content, b!.json.choices[0].message.content);
      assert.equal(a!.json.choices[0].finish_reason, "stop");
      lengths.push(a!.json.usage.completion_tokens);
    }
    const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
    assert.ok(mean > 10 && mean < 40, `a mean of ${mean}`);
    assert.ok(new Set(lengths).size > 10);
  });

  test("gateways read their usage and their content as clients do", async (t) => {
    const server = await modelServer(t);
    const system = { role: "system", content: textOf(64) };
    for (const [path, api, body] of [
      ["/v1/chat/completions", "openai-chat", { messages: [system, user("x")], max_tokens: 4 }],
      ["/v1/completions", "openai-completions", { prompt: textOf(64), max_tokens: 4 }],
      ["/v1/responses", "openai-responses", { input: textOf(64), max_output_tokens: 4 }],
      ["/v1/messages", "anthropic-messages", { messages: [user(textOf(64))], max_tokens: 4 }],
    ] as const) {
      for (const stream of [false, true]) {
        const options = stream ? { stream, stream_options: { include_usage: true } } : {};
        const { text } = await ask(server, path, { model: MODEL, ignore_eos: true, ...body, ...options });
        const prompt = promptIn(body);
        const counted = prompt && (await ask(server, "/tokenize", { model: MODEL, ...prompt })).json;
        const reader = new ResponseReader();
        reader.begin(api, stream);
        const bytes = Buffer.from(text);
        reader.feed(bytes, 0, bytes.length);
        const { promptTokens, outputTokens, cachedTokens } = reader.usage();
        assert.equal(outputTokens, 4, `${path} ${text}`);
        assert.ok(reader.isFinished && !reader.hasError && reader.strangeEvents === 0, path);
        if (stream) assert.equal(reader.contentEvents > 0, true);
        assert.ok(promptTokens >= 64 && (counted === undefined || promptTokens === counted.count), path);
        assert.ok(cachedTokens % 16 === 0 && cachedTokens < promptTokens);
        if (stream) assert.ok(cachedTokens >= 48, `${path}: ${cachedTokens}`);
      }
    }
  });
});

/** What /tokenize takes of it; undefined where it has another prompt. */
function promptIn(body: object): object | undefined {
  if ("prompt" in body) return { prompt: body.prompt };
  return "messages" in body ? { messages: body.messages } : undefined;
}

describe("time", () => {
  test("a prompt and an answer take as long as the profile says, whatever the speed", async (t) => {
    for (const speed of [10, 40]) {
      const server = await modelServer(t, { speed });
      const startedMs = performance.now();
      await ask(server, "/v1/completions", {
        model: MODEL,
        prompt: textOf(100),
        max_tokens: 101,
        ignore_eos: true,
      });
      const tookMs = performance.now() - startedMs;
      // What the engine itself has taken: 100 decode steps of 17 ms or so, and a prefill.
      const { text } = await ask(server, "/metrics");
      const whole = 1000 * sampleIn(text, "vllm:e2e_request_latency_seconds_sum");
      const stepMs = RTX4090_8B.kernels.weightsMs + RTX4090_8B.kernels.headMs + RTX4090_8B.kernels.decodeMs;
      assert.ok(whole > 100 * stepMs && whole < 130 * stepMs, `${whole} ms of the engine`);
      // Never early; late as this machine is.
      assert.ok(tookMs >= whole / speed - 1, `${tookMs} ms for ${whole} / ${speed}`);
    }
  });

  test("streams share steps: eight at once take far less than eight times as long", async (t) => {
    const server = await modelServer(t);
    const body = (index: number): object => chat(`question ${index}`, { max_tokens: 100 });
    await Promise.all(
      Array.from({ length: 8 }, (_, index) => ask(server, "/v1/chat/completions", body(index))),
    );
    const { text } = await ask(server, "/metrics");
    assert.equal(sampleIn(text, "vllm:generation_tokens_total"), 800);
    // All eight at less than 25 ms a token; one alone has 17.
    assert.equal(sampleIn(text, "vllm:request_time_per_output_token_seconds_bucket", 'le="0.025"'), 8);
  });
});

describe("limits", () => {
  test("errors have the API's shape and the right status", async (t) => {
    const server = await modelServer(t, { bodyBytesMax: 10_000, contextTokensMax: 200 });
    const openai = async (path: string, body: object | string): Promise<readonly unknown[]> => {
      const { status, json } = await ask(server, path, body);
      assert.deepEqual(Object.keys(json.error), ["message", "type", "param", "code"]);
      return [status, json.error.type, json.error.code, json.error.param];
    };
    const bad = "invalid_request_error";
    const path = "/v1/chat/completions";
    assert.deepEqual(await openai(path, "{"), [400, bad, "cut-short", ""]);
    assert.deepEqual(await openai(path, { model: MODEL }), [400, bad, "missing-prompt", "messages"]);
    assert.deepEqual(await openai(path, { ...chat("x"), model: "other" }), [
      404,
      bad,
      "model_not_found",
      "model",
    ]);
    assert.deepEqual((await openai(path, chat(textOf(190)))).slice(0, 3), [
      400,
      bad,
      "context_length_exceeded",
    ]);
    assert.deepEqual((await openai(path, chat(textOf(3000)))).slice(0, 3), [413, bad, "too-large"]);
    assert.deepEqual((await openai(path, chat("x", { n: 1000 })))[0], 400);
    const anthropic = await ask(server, "/v1/messages", {
      model: "other",
      messages: [user("x")],
      max_tokens: 1,
    });
    assert.deepEqual([anthropic.status, anthropic.json.type], [404, "error"]);
    assert.equal(anthropic.json.error.type, "not_found_error");
    assert.equal((await ask(server, "/v1/nothing", {})).status, 404);
    assert.equal(server.inside(), 0);
  });

  test("a full server says so", async (t) => {
    const server = await modelServer(t, { requestsMax: 1, speed: 1 });
    const leave = new AbortController();
    const first = ask(server, "/v1/chat/completions", chat("x", { max_tokens: 1000 }), {
      signal: leave.signal,
    });
    await waitUntil(() => server.inside() === 1, "the first one inside");
    assert.equal((await ask(server, "/v1/chat/completions", chat("y"))).status, 503);
    leave.abort();
    await assert.rejects(first);
  });

  for (const stream of [true, false]) {
    test(`a client that goes frees the engine (stream: ${stream})`, async (t) => {
      const server = await modelServer(t, { speed: 1 });
      const leave = new AbortController();
      const body = chat(textOf(500), { max_tokens: 1000, stream, n: 2 });
      const gone = ask(server, "/v1/chat/completions", body, { signal: leave.signal });
      const ended = assert.rejects(gone);
      await waitUntil(() => server.metrics()["vllm:kv_cache_usage_perc"] > 0, "blocks in use");
      leave.abort();
      await waitUntil(() => server.inside() === 0, "nobody inside");
      assert.equal(server.metrics()["vllm:kv_cache_usage_perc"], 0);
      assert.equal(server.metrics()["vllm:num_requests_running"], 0);
      const { text } = await ask(server, "/metrics");
      assert.match(text, /finished_reason="abort"\} 2\.0/);
      await Promise.race([ended, new Promise((resolve) => void setTimeout(resolve, 1000))]);
    });
  }
});
