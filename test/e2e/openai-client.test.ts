/**
 * OpenAI's own client library against the model server: chats, completions, responses, embeddings, models and errors, streamed
 * and not.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { MODEL, modelServer, textOf } from "../kit/model-server.ts";
import { waitUntil } from "../kit/wait.ts";

// Answers are looked at as the tests expect them, whatever the library's types allow for.
// oxlint-disable-next-line typescript/no-explicit-any
type Client = any;

function client(port: number): Client {
  return new OpenAI({ apiKey: "none", baseURL: `http://127.0.0.1:${port}/v1`, maxRetries: 0 });
}

const messages = [
  { role: "system", content: textOf(64) },
  { role: "user", content: "How is the weather?" },
];

test("chats, streamed and not", async (t) => {
  const openai = client((await modelServer(t)).port);
  const whole = await openai.chat.completions.create({ model: MODEL, messages, max_tokens: 20 });
  assert.equal(whole.choices[0].message.role, "assistant");
  assert.equal(whole.usage.prompt_tokens_details.cached_tokens, 0);
  const stream = await openai.chat.completions.create({
    model: MODEL,
    messages,
    max_tokens: 20,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let usage;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(usage.completion_tokens, whole.usage.completion_tokens);
  assert.ok(usage.prompt_tokens_details.cached_tokens >= 64);
  const helper = openai.chat.completions.stream({ model: MODEL, messages, max_tokens: 20 });
  assert.equal((await helper.finalMessage()).content, text);
});

test("completions, streamed and not", async (t) => {
  const openai = client((await modelServer(t)).port);
  const asked = { model: MODEL, prompt: ["once", "twice"], max_tokens: 8 };
  const whole = await openai.completions.create(asked);
  const texts = ["", ""];
  for await (const chunk of await openai.completions.create({ ...asked, stream: true })) {
    texts[chunk.choices[0].index] += chunk.choices[0].text;
  }
  assert.deepEqual(
    texts,
    whole.choices.map((choice: { readonly text: string }) => choice.text),
  );
});

test("responses, streamed and not", async (t) => {
  const openai = client((await modelServer(t)).port);
  const asked = { model: MODEL, input: "hello", max_output_tokens: 16 };
  const whole = await openai.responses.create(asked);
  let text = "";
  for await (const event of await openai.responses.create({ ...asked, stream: true })) {
    if (event.type === "response.output_text.delta") text += event.delta;
  }
  assert.equal(text, whole.output_text);
  assert.ok(text.length > 0);
  const final = await openai.responses.stream(asked).finalResponse();
  assert.equal(final.output_text, text);
});

test("embeddings, in the client's default encoding and as numbers", async (t) => {
  const openai = client((await modelServer(t)).port);
  const input = ["one", "two"];
  const packed = await openai.embeddings.create({ model: MODEL, input });
  const plain = await openai.embeddings.create({ model: MODEL, input, encoding_format: "float" });
  assert.equal(packed.data.length, 2);
  assert.deepEqual([...packed.data[1].embedding], plain.data[1].embedding);
  assert.equal(plain.data[0].embedding.length, 256);
});

test("models", async (t) => {
  const openai = client((await modelServer(t, { adapters: ["sql"] })).port);
  const names: string[] = [];
  for await (const model of await openai.models.list()) names.push(model.id);
  assert.deepEqual(names, [MODEL, "sql"]);
});

test("errors become the client's own", async (t) => {
  const server = await modelServer(t, { bodyBytesMax: 5_000, contextTokensMax: 200 });
  const openai = client(server.port);
  const failing = async (asked: object): Promise<Client> =>
    openai.chat.completions.create({ model: MODEL, messages, ...asked }).then(
      () => assert.fail("it was answered"),
      (error: unknown) => error,
    );
  const unknown = await failing({ model: "other" });
  assert.deepEqual(
    [unknown.constructor.name, unknown.status, unknown.code, unknown.param],
    ["NotFoundError", 404, "model_not_found", "model"],
  );
  const long = await failing({ max_tokens: 500 });
  assert.deepEqual([long.constructor.name, long.code], ["BadRequestError", "context_length_exceeded"]);
  assert.equal((await failing({ messages: [{ role: "user", content: textOf(2000) }] })).status, 413);
  await server.misbehave({ status: 503 });
  assert.equal((await failing({})).constructor.name, "InternalServerError");
});

test("a stream that is left is canceled in the engine", async (t) => {
  const server = await modelServer(t, { speed: 1 });
  const openai = client(server.port);
  const stream = await openai.chat.completions.create({
    model: MODEL,
    messages,
    max_tokens: 1000,
    stream: true,
  });
  for await (const chunk of stream) {
    assert.ok(chunk.id);
    break;
  }
  await waitUntil(() => server.inside() === 0, "nobody inside");
});
