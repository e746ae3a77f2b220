/**
 * OpenAI's own client library through the gateway, before simulated engines: streamed and not, errors, and a stream that breaks.
 */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import OpenAI, { APIError } from "openai";
import type { ModelServer } from "../../src/cli/model-server/model-server.ts";
import { startGateway } from "../kit/gateway.ts";
import { INFERENCE_GROUP, inferencePool } from "../kit/inference-pool.ts";
import { MODEL, modelServer, textOf } from "../kit/model-server.ts";
import { waitUntil } from "../kit/wait.ts";

interface Stage {
  readonly openai: OpenAI;
  readonly servers: readonly ModelServer[];
}

async function stageOf(t: TestContext, count = 2, speed?: number): Promise<Stage> {
  const options = speed === undefined ? {} : { speed };
  const servers = await Promise.all(Array.from({ length: count }, () => modelServer(t, options)));
  const rules = [{ backendRefs: [{ group: INFERENCE_GROUP, kind: "InferencePool", name: "models" }] }];
  const gateway = await startGateway({ pools: {}, rules, more: inferencePool(servers) });
  t.after(() => gateway[Symbol.asyncDispose]());
  const baseURL = `http://127.0.0.1:${gateway.port}/v1`;
  return { openai: new OpenAI({ apiKey: "none", baseURL, maxRetries: 0 }), servers };
}

const messages = [
  { role: "system" as const, content: textOf(256) },
  { role: "user" as const, content: "How is the weather?" },
];

test("chats, streamed and not; the second finds the first one's cache", async (t) => {
  const { openai } = await stageOf(t);
  const whole = await openai.chat.completions.create({ model: MODEL, messages, max_tokens: 20 });
  const stream = await openai.chat.completions.create({
    model: MODEL,
    messages,
    max_tokens: 20,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let cached = 0;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    cached = chunk.usage?.prompt_tokens_details?.cached_tokens ?? cached;
  }
  assert.equal(text, whole.choices[0]!.message.content);
  assert.ok(cached >= 256, `${cached} tokens were cached`);
  const helper = openai.chat.completions.stream({ model: MODEL, messages, max_tokens: 20 });
  assert.equal((await helper.finalMessage()).content, text);
});

test("completions, responses, embeddings and models", async (t) => {
  const { openai } = await stageOf(t);
  const completion = await openai.completions.create({ model: MODEL, prompt: "once", max_tokens: 8 });
  assert.ok(completion.choices[0]!.text.length > 0);
  let text = "";
  const asked = { model: MODEL, input: "hello", max_output_tokens: 16 };
  for await (const event of await openai.responses.create({ ...asked, stream: true })) {
    if (event.type === "response.output_text.delta") text += event.delta;
  }
  assert.equal(text, (await openai.responses.create(asked)).output_text);
  const embeddings = await openai.embeddings.create({ model: MODEL, input: ["one", "two"] });
  assert.equal(embeddings.data.length, 2);
  const names: string[] = [];
  for await (const model of await openai.models.list()) names.push(model.id);
  assert.deepEqual(names, [MODEL]);
});

test("what the gateway refuses is an error of the client's own", async (t) => {
  const { openai, servers } = await stageOf(t, 1);
  const failing = async (asked: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>): Promise<APIError> =>
    openai.chat.completions.create({ model: MODEL, messages, ...asked }).then(
      () => assert.fail("it was answered"),
      (error: unknown) => error as APIError,
    );
  const empty = await failing({ messages: [] });
  assert.deepEqual(
    [empty.constructor.name, empty.code, empty.param],
    ["BadRequestError", "bad-inference-request", "messages"],
  );
  assert.equal((await failing({ model: "other" })).constructor.name, "NotFoundError");
  await servers[0]!.misbehave({ status: 503 });
  assert.equal((await failing({})).constructor.name, "InternalServerError");
});

test("a stream that breaks raises an error, and is never a shorter answer", async (t) => {
  const { openai, servers } = await stageOf(t, 1, 1);
  const stream = await openai.chat.completions.create({
    model: MODEL,
    messages,
    max_tokens: 2_000,
    stream: true,
  });
  let tokens = 0;
  await assert.rejects(async () => {
    for await (const chunk of stream) {
      assert.ok(chunk.id);
      if (++tokens === 5) await servers[0]!.close();
    }
  }, APIError);
  assert.ok(tokens >= 5);
});

test("a stream that its client leaves is ended at the engine", async (t) => {
  const { openai, servers } = await stageOf(t, 2, 1);
  const stream = await openai.chat.completions.create({
    model: MODEL,
    messages,
    max_tokens: 2_000,
    stream: true,
  });
  for await (const chunk of stream) {
    assert.ok(chunk.id);
    break;
  }
  await waitUntil(() => servers.every((server) => server.inside() === 0), "nobody inside");
});
