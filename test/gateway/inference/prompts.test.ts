/**
 * Prompts through the gateway: read, routed by what they begin with, rewritten, refused in the API's own words, and answered
 * so that a part is never taken for the whole.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, delayed, echo, type Echoed } from "../../kit/behaviours.ts";
import type { Behaviour } from "../../kit/exchange.ts";
import { closeBeforeAnswer, hang } from "../../kit/misbehaviours.ts";
import type { RawResponse } from "../../kit/raw-client.ts";
import { waitUntil } from "../../kit/wait.ts";
import {
  chatAnswer,
  delta,
  DONE,
  eventStream,
  JSON_FIELDS,
  postBytes,
  promptsOf,
  setModelStage,
  type ModelStage,
} from "./model-stage.ts";

const CHAT = "/v1/chat/completions";
const USAGE = { prompt_tokens: 900, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 0 } };

function chat(content: string, more: object = {}): object {
  return { model: "m", messages: [{ role: "user", content }], ...more };
}

function errorOf(response: RawResponse): {
  message: string;
  type: string;
  param: string | null;
  code: string;
} {
  return (JSON.parse(response.text) as { error: ReturnType<typeof errorOf> }).error;
}

async function askedEndpoint(stage: ModelStage, body: object): Promise<number> {
  const before = stage.endpoints.map((endpoint) => promptsOf(endpoint).length);
  assert.equal((await stage.post(CHAT, body)).status, 200);
  return stage.endpoints.findIndex((endpoint, index) => promptsOf(endpoint).length > before[index]!);
}

test("prompts that begin alike go where their beginning is known, others are spread", async () => {
  await using stage = await setModelStage([0, 1, 2].map((n) => chatAnswer("m", USAGE, String(n))));
  const systems = Array.from({ length: 6 }, (_, n) => `system ${n} `.repeat(400));
  const first = new Map<string, number>();
  for (const system of systems) first.set(system, await askedEndpoint(stage, chat(system)));
  assert.ok(new Set(first.values()).size > 1, "not all at one endpoint");
  for (const system of systems) {
    assert.equal(await askedEndpoint(stage, chat(`${system} and a question`)), first.get(system));
  }
});

test("the body goes on byte for byte, however it came", async () => {
  const body = JSON.stringify(chat("häl\u0001lo ".repeat(3_000)), undefined, 1);
  const bytes = Buffer.from(body);
  await using stage = await setModelStage([answer({ body: "{}", fields: JSON_FIELDS })]);
  const [endpoint] = stage.endpoints;
  const head = `POST ${CHAT} HTTP/1.1\r\nHost: a.test\r\n`;
  // In one piece, in chunks, and with the head alone first.
  await stage.ask(Buffer.concat([Buffer.from(`${head}Content-Length: ${bytes.length}\r\n\r\n`), bytes]));
  const half = Math.floor(bytes.length / 2);
  const chunks = [bytes.subarray(0, half), bytes.subarray(half)].flatMap((chunk) => [
    Buffer.from(`${chunk.length.toString(16)}\r\n`),
    chunk,
    Buffer.from("\r\n"),
  ]);
  await stage.ask(
    Buffer.concat([
      Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n`),
      ...chunks,
      Buffer.from("0\r\n\r\n"),
    ]),
  );
  using client = await stage.client();
  await client.send(`${head}Expect: 100-continue\r\nContent-Length: ${bytes.length}\r\n\r\n`);
  assert.match((await client.readHead()).startLine, / 100 /);
  await client.send(bytes);
  assert.equal((await client.readResponse()).status, 200);
  assert.equal(promptsOf(endpoint!).length, 3);
  for (const request of promptsOf(endpoint!)) {
    assert.ok(request.body.equals(bytes));
    assert.equal(request.framing.kind, "length");
    assert.ok(!/expect|gzip/i.test(request.rawHead), request.rawHead);
  }
});

test("what is no request is refused with its place, in the shape of its API", async () => {
  await using stage = await setModelStage([answer("{}")]);
  const cases: readonly (readonly [body: string, status: number, message: RegExp])[] = [
    ["", 400, /the body ends/],
    ['{"model":"m","messages":[{"role":"user","content":"x"}]', 400, /ends before/],
    ['{"messages":[{"role":"user","content":"x"}]}', 400, /model/],
    ['{"model":7,"messages":[]}', 400, /model: expected a string \(byte 9/],
    ['{"model":"m","messages":[]}', 400, /messages/],
    [`${'{"a":'.repeat(100)}1${"}".repeat(100)}`, 400, /byte/],
    ["not json", 400, /not JSON/],
  ];
  for (const [body, status, message] of cases) {
    const response = await stage.post(CHAT, body);
    assert.equal(response.status, status, body);
    const error = errorOf(response);
    assert.match(error.message, message);
    assert.equal(error.type, "invalid_request_error");
    assert.equal(response.header("content-type"), "application/json");
    assert.equal(response.header("x-plimsoll-refusal"), "bad-inference-request");
  }
  const anthropic = await stage.post("/v1/messages", '{"model":"m"}');
  const told = JSON.parse(anthropic.text) as { type: string; error: { type: string } };
  assert.deepEqual([anthropic.status, told.type, told.error.type], [400, "error", "invalid_request_error"]);
  assert.equal(promptsOf(stage.endpoints[0]!).length, 0, "none of it reached an endpoint");
});

test("a body beyond the limit is refused while it comes, with bounded memory", async () => {
  await using stage = await setModelStage([answer("{}")]);
  using client = await stage.client();
  await client.send(`POST ${CHAT} HTTP/1.1\r\nHost: a.test\r\nContent-Length: 99000000\r\n\r\n`);
  await client.send('{"model":"m","messages":[{"role":"user","content":"');
  const part = Buffer.alloc(1 << 20, "x");
  const sending = (async () => {
    for (let i = 0; i < 40; i++) await client.send(part);
  })().catch(() => {});
  const response = await client.readResponse();
  assert.equal(response.status, 413);
  assert.equal(response.header("x-plimsoll-refusal"), "inference-request-too-large");
  client.close();
  await sending;
});

test("usage and first token are noted, streaming and not", async () => {
  const last = `data: ${JSON.stringify({ choices: [], usage: { ...USAGE, prompt_tokens: 1_000 } })}\n\n`;
  await using stage = await setModelStage([
    async (exchange) => {
      const body = (await exchange.readBody()).toString();
      const streamed = body.includes('"stream":true');
      await (streamed ? eventStream(delta("a"), delta("b"), last, DONE) : chatAnswer("m", USAGE))(exchange);
    },
  ]);
  await stage.post(CHAT, chat("hello"));
  const streamed = await stage.post(CHAT, chat("hello", { stream: true }));
  assert.equal(streamed.text, delta("a") + delta("b") + last + DONE);
  const [plain, stream] = await stage.records(2);
  assert.deepEqual([plain!.promptTokens, plain!.outputTokens, plain!.firstTokenMs], [900, 7, null]);
  assert.equal(stream!.promptTokens, 1_000);
  assert.ok(stream!.firstTokenMs! > 0);
  assert.equal(stream!.api, "openai-chat");
});

test("a stream that breaks, or just ends, ends with an error event and never as if it were whole", async () => {
  const cases: readonly (readonly [Behaviour, string])[] = [
    [eventStream(delta("a")), "stream-unfinished"],
    [brokenStream("fin"), "response-cut"],
    [brokenStream("rst"), "response-cut"],
  ];
  for (const [behaviour, why] of cases) {
    await using stage = await setModelStage([behaviour]);
    const response = await stage.post(CHAT, chat("x", { stream: true }));
    assert.equal(response.status, 200);
    assert.ok(response.text.startsWith(delta("a")), response.text);
    const end = response.text.slice(delta("a").length).trim();
    const { error } = JSON.parse(end.replace(/^data: /, "")) as { error: { type: string } };
    assert.equal(error.type, "server_error");
    assert.ok(!response.text.includes("[DONE]"));
    const [line] = await stage.records(1);
    assert.deepEqual([line!.endedBy, line!.why, line!.attempts[0]!.outcome], ["endpoint", why, "broken"]);
  }
});

/** One event in a chunk, then the connection ends. */
function brokenStream(how: "fin" | "rst"): Behaviour {
  return async (exchange) => {
    await exchange.readBody();
    const event = delta("a");
    await exchange.write(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" +
        `${event.length.toString(16)}\r\n${event}\r\n`,
    );
    await exchange.sleep(50);
    if (how === "rst") exchange.reset();
    else exchange.end();
  };
}

/** Ten bytes of a hundred, then the connection ends. */
function breakJson(): Behaviour {
  return async (exchange) => {
    await exchange.readBody();
    await exchange.write(
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n0123456789",
    );
    await exchange.sleep(50);
    exchange.end();
  };
}

test("an answer in one piece that breaks is cut, as any other", async () => {
  await using stage = await setModelStage([breakJson()]);
  await assert.rejects(stage.post(CHAT, chat("x")));
});

test("a prompt that nobody answered yet is sent again, whole, although it is POSTed", async () => {
  const unavailable = answer({ status: 503, reason: "Service Unavailable", body: "no" });
  for (const bad of [closeBeforeAnswer(), closeBeforeAnswer("rst"), unavailable]) {
    await using stage = await setModelStage([bad, echo()]);
    for (let n = 0; n < 4; n++) {
      const response = await stage.post(CHAT, chat(`prompt ${n}`));
      assert.equal(response.status, 200);
      assert.match(response.text, new RegExp(`prompt ${n}`));
    }
    const lines = await stage.records(4);
    assert.ok(
      lines.some(({ attempts }) => attempts.length === 2),
      "one of them met the bad endpoint",
    );
  }
});

test("a model is asked for by its target's name, and answers under the name it was asked by", async () => {
  const rewrite = {
    apiVersion: "llm-d.ai/v1alpha2",
    kind: "InferenceModelRewrite",
    metadata: { name: "m" },
    spec: {
      poolRef: { name: "models" },
      rules: [
        { matches: [{ model: { value: "m" } }], targets: [{ modelRewrite: "target-of-a-longer-name" }] },
      ],
    },
  };
  const model = "target-of-a-longer-name";
  await using stage = await setModelStage(
    [
      async (exchange) => {
        const streamed = (await exchange.readBody()).toString().includes('"stream":true');
        await (streamed ? eventStream(delta("a", model), DONE) : chatAnswer(model, USAGE))(exchange);
      },
    ],
    { more: [rewrite] },
  );
  const plain = await stage.post(CHAT, chat("x"));
  assert.equal((JSON.parse(plain.text) as { model: string }).model, "m");
  const streamed = await stage.post(CHAT, chat("x", { stream: true }));
  assert.equal(streamed.text, delta("a", "m") + DONE);
  for (const { body } of promptsOf(stage.endpoints[0]!)) {
    assert.deepEqual(JSON.parse(body.toString()).model, model);
  }
});

test("an empty pool holds a prompt until there is an endpoint, or for as long as it may wait", async () => {
  const policy = { balancing: { inference: { queue: { maxWait: "300ms" } } } };
  await using stage = await setModelStage([], { policy });
  const response = await stage.post(CHAT, chat("x"));
  assert.equal(response.status, 503);
  assert.equal(errorOf(response).code, "no-endpoint");
  const [line] = await stage.records(1);
  assert.ok(line!.totalMs >= 290, String(line!.totalMs));
});

test("at the limit the more important prompt goes first, and a flood of one tenant does not hold up another", async () => {
  const objective = (name: string, priority: number): object => ({
    apiVersion: "llm-d.ai/v1alpha2",
    kind: "InferenceObjective",
    metadata: { name },
    spec: { priority, poolRef: { name: "models" } },
  });
  const order: string[] = [];
  const policy = { circuitBreaker: { maxRequests: 1 } };
  await using stage = await setModelStage(
    [
      async (exchange) => {
        const { user } = JSON.parse((await exchange.readBody()).toString()) as { user: string };
        order.push(user);
        await delayed(100, chatAnswer("m", USAGE))(exchange);
      },
    ],
    { more: [objective("urgent", 10), objective("nightly", -10)], policy },
  );
  const waiting = (): number => {
    const pool = stage.gateway.running.gateway.view.pools.get("default/models")!;
    return pool.admission.waiting;
  };
  const ask = (user: string, ...fields: readonly string[]): Promise<RawResponse> =>
    stage.post(CHAT, chat("x", { user }), ...fields);
  const asked = [ask("first")];
  await waitUntil(() => order.length === 1, "the first is under way");
  for (const [user, field] of [
    ["nightly", "x-llm-d-inference-objective: nightly"],
    ["ordinary", "x-llm-d-inference-fairness-id: b"],
    ["urgent", "x-gateway-inference-objective: urgent"],
  ] as const) {
    asked.push(ask(user, field));
    const expected = asked.length - 1;
    await waitUntil(() => waiting() === expected, `${expected} wait`);
  }
  for (const response of await Promise.all(asked)) assert.equal(response.status, 200);
  assert.deepEqual(order, ["first", "urgent", "ordinary", "nightly"]);
});

test("what is no prompt passes through a pool of model servers untouched", async () => {
  await using stage = await setModelStage([echo()]);
  const echoed = JSON.parse(
    (await stage.ask("GET /v1/unknown HTTP/1.1\r\nHost: a.test\r\n\r\n")).text,
  ) as Echoed;
  assert.ok(JSON.stringify(echoed).includes("/v1/unknown"));
});

test("a silent model server is left for another when the connection fails, and named when it does not answer", async () => {
  const policy = { retries: { attempts: 2, perTryTimeout: "200ms" } };
  await using stage = await setModelStage([hang()], { policy });
  const response = await stage.post(CHAT, chat("x"));
  assert.deepEqual([response.status, errorOf(response).code], [504, "try-timeout"]);
});

test("a long prompt is prefilled at one endpoint and decoded at another, which is told of it", async () => {
  const labels = [{ "llm-d.ai/role": "prefill" }, { "llm-d.ai/role": "decode" }];
  await using stage = await setModelStage([chatAnswer("m", USAGE), chatAnswer("m", USAGE)], { labels });
  const forged = "X-Prefiller-Host-Port: 10.9.9.9:1";
  assert.equal((await stage.post(CHAT, chat("word ".repeat(2_000)), forged)).status, 200);
  assert.equal((await stage.post(CHAT, chat("short"), forged)).status, 200);
  const [prefiller, decoder] = stage.endpoints;
  assert.equal(
    promptsOf(prefiller!).length,
    0,
    "the decoding endpoint's sidecar speaks to it, not the gateway",
  );
  const told = promptsOf(decoder!).map(({ fields }) =>
    fields.filter(([name]) => name.toLowerCase() === "x-prefiller-host-port").map(([, value]) => value),
  );
  assert.deepEqual(told, [[prefiller!.key], []]);
});

test("endpoints meant for some lengths get prompts of those, while there are any", async () => {
  const labels = [
    { "llm-d.ai/context-length-range": "0-1000" },
    { "llm-d.ai/context-length-range": "1001-100000" },
  ];
  await using stage = await setModelStage([chatAnswer("m", {}), chatAnswer("m", {})], { labels });
  for (let n = 0; n < 4; n++) {
    assert.equal(await askedEndpoint(stage, chat(`short ${n}`, { max_tokens: 10 })), 0);
    assert.equal(await askedEndpoint(stage, chat(`${n} long `.repeat(4_000), { max_tokens: 10 })), 1);
  }
});

test("a large prompt is rewritten and sent whole", async () => {
  const rewrite = {
    apiVersion: "llm-d.ai/v1alpha2",
    kind: "InferenceModelRewrite",
    metadata: { name: "m" },
    spec: { poolRef: { name: "models" }, rules: [{ targets: [{ modelRewrite: "other" }] }] },
  };
  await using stage = await setModelStage([chatAnswer("other", USAGE)], { more: [rewrite] });
  const content = "x".repeat(2_000_000);
  assert.equal((await stage.post(CHAT, chat(content))).status, 200);
  const [sent] = promptsOf(stage.endpoints[0]!);
  assert.deepEqual(JSON.parse(sent!.body.toString()), { ...chat(content), model: "other" });
});

test("pipelined prompts are answered in order", async () => {
  await using stage = await setModelStage([echo()]);
  using client = await stage.client();
  const two = Buffer.concat([postBytes(CHAT, chat("one")), postBytes(CHAT, chat("two"))]);
  await client.send(two);
  assert.match((await client.readResponse()).text, /one/);
  assert.match((await client.readResponse()).text, /two/);
});
