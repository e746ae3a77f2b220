/**
 * Where the picker sends requests, why not, and what it learns of the answer, message by message, without sockets.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { MetadataValue, Struct } from "../../src/edge/extproc-client/messages.ts";
import { chat, PickerStage, policyFor, poolManifests, type StageStream } from "../kit/picker/stage.ts";

const TWO = "10.0.0.2:8000";

function subset(value: MetadataValue): Readonly<Record<string, Struct>> {
  return { "envoy.lb.subset_hint": { "x-gateway-destination-endpoint-subset": value } };
}

function served(endpoint: string): Readonly<Record<string, Struct>> {
  return { "envoy.lb": { "x-gateway-destination-endpoint-served": endpoint } };
}

function immediate(stream: StageStream): { readonly status: number; readonly error: unknown } {
  const { answer } = stream.replies.at(-1)!;
  assert.ok(answer.kind === "immediate", stream.heard.join());
  assert.deepEqual(stream.end_, { code: 0, message: "" });
  return { status: answer.status, error: JSON.parse(answer.body.toString()) };
}

const HINTS: readonly (readonly [name: string, value: MetadataValue])[] = [
  ["a list", [TWO]],
  ["a text", TWO],
  ["a text with spaces", ` ${TWO} , 10.9.9.9:1 `],
  ["a list of texts with commas", [`10.9.9.9:1,${TWO}`]],
  ["a bare address", ["10.0.0.2"]],
];

for (const [name, value] of HINTS) {
  for (const at of ["headers", "body"] as const) {
    test(`subset hint as ${name}, beside the ${at}: nobody else is picked`, () => {
      const stage = PickerStage.ofThree();
      for (let round = 0; round < 10; round++) {
        const stream = stage.open();
        stream.headers(at === "headers" ? { metadata: subset(value) } : {});
        stream.body(chat(`hello ${round}`), true, at === "body" ? subset(value) : undefined);
        assert.equal(stream.destination, TWO);
      }
      assert.deepEqual(stage.inFlight(), { [TWO]: 10 });
      stage.close();
    });
  }
}

for (const value of [[], "", "10.9.9.9:8000", ["10.0.0.2:9"]] as const) {
  test(`subset hint ${JSON.stringify(value)}: nobody fits, 503`, () => {
    const stage = PickerStage.ofThree();
    const stream = stage.open();
    stream.headers({ metadata: subset(value) });
    stream.body(chat("hello"), true);
    const { status, error } = immediate(stream);
    assert.equal(status, 503);
    assert.deepEqual(error, {
      error: {
        message: "The pool has no endpoint that may serve.",
        type: "server_error",
        param: null,
        code: "no-endpoint",
      },
    });
    assert.equal(stream.header("x-plimsoll-refusal"), "no-endpoint");
    assert.equal(stage.records[0]?.refusal, "no-endpoint");
    assert.equal(stage.budget.used, 0);
    stage.close();
  });
}

const POLICIES: readonly object[] = [
  ...["RoundRobin", "Random", "LeastRequest", "PeakEwma", "Prequal", "ShortestDelay"].map((policy) => ({
    policy,
  })),
  { policy: "ConsistentHash", consistentHash: { header: "x-request-id" } },
];

test("a subset holds under every policy, and where all are ill", () => {
  for (const balancing of POLICIES) {
    const stage = new PickerStage([
      ...poolManifests("chat", ["10.0.0.1", "10.0.0.2", "10.0.0.3"]),
      policyFor("chat", { balancing }),
    ]);
    const { brain } = stage.pool("default/chat");
    for (const isIll of [false, true]) {
      if (isIll) for (const host of [1, 2, 3]) brain.setHealthy(`10.0.0.${host}:8000`, false, stage.nowMs);
      const stream = stage.open();
      stream.headers({ method: "GET", path: "/health", endOfStream: true, metadata: subset([TWO]) });
      assert.equal(stream.destination, TWO, JSON.stringify(balancing));
    }
    stage.close();
  }
});

test("no endpoint at all: 503 in the API's words; for other paths in plain text", () => {
  const stage = new PickerStage(poolManifests("chat", []));
  const stream = stage.open();
  stream.headers({ path: "/v1/messages" });
  stream.body(chat("hello", { max_tokens: 5 }), true);
  const { status, error } = immediate(stream);
  assert.equal(status, 503);
  assert.deepEqual(error, {
    type: "error",
    error: { type: "overloaded_error", message: "The pool has no endpoint that may serve." },
  });
  const plain = stage.open();
  plain.headers({ method: "GET", path: "/", endOfStream: true });
  const { answer } = plain.replies[0]!;
  assert.ok(answer.kind === "immediate" && answer.body.toString().startsWith("no-endpoint: "));
  stage.close();
});

test("what is no request of the API is 400, at the byte where that is certain", () => {
  const stage = PickerStage.ofThree();
  const stream = stage.open();
  stream.headers();
  stream.body('{"model": "m", "messages": [}', false);
  const { status, error } = immediate(stream);
  assert.equal(status, 400);
  assert.equal((error as { error: { code: string } }).error.code, "bad-inference-request");
  stream.body("more", true);
  assert.equal(stream.replies.length, 1);
  assert.equal(stage.records[0]?.endedBy, "client");
  stage.close();
});

test("an endless body is 413 at the limit, and what was held is let go", () => {
  const stage = PickerStage.ofThree();
  const stream = stage.open();
  stream.headers();
  const chunk = Buffer.alloc(1 << 20, "x");
  stream.body('{"model":"m","messages":[{"role":"user","content":"', false);
  let chunks = 0;
  while (stream.end_ === undefined && chunks++ < 100) stream.body(chunk, false);
  assert.equal(immediate(stream).status, 413);
  assert.ok(chunks <= 33);
  assert.equal(stage.budget.used, 0);
  stage.close();
});

test("more bodies than may be held: 503 picker-full, and room again afterwards", () => {
  const stage = new PickerStage(poolManifests("chat", ["10.0.0.1"]), 1_000_000);
  const first = stage.open();
  first.headers();
  first.body('{"model":"m","messages":[{"role":"user","content":"' + "x".repeat(900_000), false);
  const second = stage.open();
  second.headers();
  second.body('{"model":"m","messages":[{"role":"user","content":"' + "x".repeat(200_000), false);
  assert.equal(immediate(second).status, 503);
  assert.equal(second.header("x-plimsoll-refusal"), "picker-full");
  first.cancel();
  assert.equal(stage.budget.used, 0);
  stage.close();
});

test("dropped on purpose: 429 with a reason and a time to come back", () => {
  const stage = new PickerStage([
    ...poolManifests("chat", ["10.0.0.1"]),
    policyFor("chat", { circuitBreaker: { maxRequests: 1, maxPendingRequests: 0 } }),
  ]);
  const first = stage.open();
  first.headers();
  first.body(chat("one"), true);
  const second = stage.open();
  second.headers();
  second.body(chat("two"), true);
  const { status, error } = immediate(second);
  assert.equal(status, 429);
  assert.equal((error as { error: { type: string } }).error.type, "rate_limit_error");
  assert.equal(second.header("x-llm-d-request-dropped-reason"), "rejected-saturated");
  assert.match(second.header("retry-after") ?? "", /^[0-9]+$/);
  stage.close();
});

test("the endpoint that really served has the request in flight, and is told of its end", () => {
  const stage = PickerStage.ofThree();
  const stream = stage.open();
  stream.headers();
  stream.body(chat("hello"), true);
  const other = ["10.0.0.1:8000", TWO].find((key) => key !== stream.destination)!;
  assert.deepEqual(stage.inFlight(), { [stream.destination!]: 1 });
  stage.pass(40);
  stream.answerHeaders(
    [
      [":status", "200"],
      ["content-type", "application/json"],
    ],
    false,
    served(other),
  );
  assert.deepEqual(stage.inFlight(), { [other]: 1 });
  stream.answerBody('{"usage":{"prompt_tokens":1,"completion_tokens":1}}', true);
  assert.deepEqual(stage.inFlight(), {});
  const [attempt] = stage.records[0]!.attempts;
  assert.equal(attempt?.endpoint, other);
  assert.equal(attempt?.firstByteMs, 40);
  const { brain } = stage.pool("default/chat");
  assert.equal(brain.recent.find(attempt.decision)?.reason, "moved");
  stage.close();
});

test("an endpoint that is none of the pool's changes nothing", () => {
  const stage = PickerStage.ofThree();
  const stream = stage.open();
  stream.headers();
  stream.body(chat("hello"), true);
  stream.answerHeaders([[":status", "200"]], false, served("10.9.9.9:8000"));
  assert.deepEqual(stage.inFlight(), { [stream.destination!]: 1 });
  stream.answerBody("", true);
  assert.deepEqual(stage.inFlight(), {});
  stage.close();
});

test("a stream of events: echoed at once, first token and usage noted, cut streams told apart", () => {
  const stage = PickerStage.ofThree();
  const events = [
    'data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n',
    'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"choi',
    'ces":[{"delta":{"content":"b"}}]}\n\n',
    'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":8}}}\n\n',
    "data: [DONE]\n\n",
  ];
  for (const isCut of [false, true]) {
    const stream = stage.open();
    stream.headers();
    stream.body(chat("hello", { stream: true }), true);
    stage.pass(10);
    stream.answerHeaders([
      [":status", "200"],
      ["content-type", "text/event-stream"],
    ]);
    const sent = isCut ? events.slice(0, 3) : events;
    for (const [index, event] of sent.entries()) {
      stage.pass(10);
      const before = stream.replies.length;
      stream.answerBody(event, index === sent.length - 1);
      assert.equal(stream.replies.length, before + 1);
    }
    assert.deepEqual(stream.echoed("response"), { body: Buffer.from(sent.join("")), ends: 1 });
    const record = stage.records.at(-1)!;
    assert.equal(record.firstTokenMs, 30);
    assert.equal(record.why, isCut ? "stream-unfinished" : "complete");
    assert.equal(record.attempts[0]?.outcome, isCut ? "broken" : "success");
    if (!isCut) assert.deepEqual(record.usage, { promptTokens: 9, cachedTokens: 8, outputTokens: 2 });
  }
  assert.deepEqual(stage.inFlight(), {});
  stage.close();
});

test("fallbacks, where asked for: others behind the one that is picked, each once, never outside the hint", () => {
  const stage = PickerStage.ofThree();
  for (const fallbacksMax of [1, 2, 5]) {
    stage.fallbacksMax = fallbacksMax;
    const stream = stage.open();
    stream.headers();
    stream.body(chat("hello"), true);
    const endpoints = stream.destination!.split(",");
    assert.equal(endpoints.length, Math.min(3, fallbacksMax + 1));
    assert.equal(new Set(endpoints).size, endpoints.length);
    assert.deepEqual(stage.inFlight(), { [endpoints[0]!]: 1 });
    stream.cancel();
    const hinted = stage.open();
    hinted.headers({ metadata: subset(["10.0.0.1", TWO]) });
    hinted.body(chat("hello"), true);
    assert.deepEqual(hinted.destination!.split(",").toSorted(), ["10.0.0.1:8000", TWO]);
    hinted.cancel();
  }
  stage.close();
});

const REWRITE = {
  apiVersion: "llm-d.ai/v1alpha2",
  kind: "InferenceModelRewrite",
  metadata: { name: "chat" },
  spec: {
    poolRef: { name: "chat" },
    rules: [
      {
        matches: [{ model: { type: "Exact", value: "m" } }],
        targets: [{ modelRewrite: "m-version-2", weight: 1 }],
      },
    ],
  },
};

test("a rewritten model: another body goes on, with its length, and the answer has the client's name", () => {
  const stage = new PickerStage([...poolManifests("chat", ["10.0.0.1"]), REWRITE]);
  const expected = chat("hello").replace('"m"', '"m-version-2"');
  for (const cut of [1, 9, 11, 12, 30]) {
    const stream = stage.open();
    stream.headers();
    stream.body(chat("hello").slice(0, cut), false);
    stream.body(chat("hello").slice(cut), true);
    assert.equal(stream.echoed("request").body.toString(), expected);
    assert.equal(stream.header("content-length"), String(expected.length));
    stream.answerHeaders([
      [":status", "200"],
      ["content-type", "application/json"],
      ["content-length", "24"],
    ]);
    const { answer } = stream.replies.at(-1)!;
    assert.ok(answer.kind === "headers");
    assert.deepEqual(answer.common.headers.remove, ["content-length"]);
    stream.answerBody('{"model":"m-ver', false);
    stream.answerBody('sion-2","n":1}', true);
    assert.equal(stream.echoed("response").body.toString(), '{"model":"m","n":1}');
    assert.equal(stream.echoed("response").ends, 1);
  }
  const buffered = stage.open();
  buffered.headers({ config: { requestBody: "BUFFERED", responseBody: "STREAMED" } });
  buffered.body(chat("hello"), true);
  const { answer } = buffered.replies.at(-1)!;
  assert.ok(answer.kind === "body" && answer.common.body?.kind === "whole");
  assert.equal(answer.common.body.body.toString(), expected);
  assert.equal(buffered.header("content-length"), String(expected.length));
  stage.close();
});

test("many pools in one process: by the call's metadata, by the request's, else none can be told", () => {
  const stage = new PickerStage([
    ...poolManifests("chat", ["10.0.0.1"]),
    ...poolManifests("code", ["10.1.0.1"]),
  ]);
  const ask = (stream: StageStream, metadata?: Readonly<Record<string, Struct>>): StageStream => {
    stream.headers({ metadata });
    stream.body(chat("hello"), true);
    return stream;
  };
  for (const name of ["default/code", "code"]) {
    assert.equal(ask(stage.open({ "x-gateway-inference-pool": name })).destination, "10.1.0.1:8000");
    assert.equal(ask(stage.open(), { "plimsoll.dev": { pool: name } }).destination, "10.1.0.1:8000");
  }
  const unknown = stage.open({ "x-gateway-inference-pool": "nowhere" });
  unknown.headers({ endOfStream: true });
  assert.deepEqual(unknown.heard, ["immediate 500"]);
  const untold = stage.open();
  untold.headers({ endOfStream: true });
  assert.deepEqual(untold.heard, ["immediate 404"]);
  assert.equal(stage.records.length, 2);
  stage.close();
});

test("many pools, and a gateway that names none: the routes of its own controller tell which", () => {
  const rule = (name: string, matches: readonly object[]): object => ({
    matches,
    timeouts: { request: "1s" },
    backendRefs: [
      { name: "frontend", port: 80 },
      { group: "inference.networking.k8s.io", kind: "InferencePool", name },
    ],
  });
  const route = {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "llm" },
    spec: {
      parentRefs: [{ name: "envoy-gateway" }],
      hostnames: ["models.example.com"],
      rules: [
        rule("code", [
          {
            path: { type: "PathPrefix", value: "/v1" },
            headers: [{ name: "x-gateway-model-name", value: "coder" }],
          },
        ]),
        rule("chat", [{ path: { type: "PathPrefix", value: "/v1" } }]),
      ],
    },
  };
  const gateway = {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: "envoy-gateway" },
    spec: { gatewayClassName: "envoy", listeners: [{ name: "http", port: 80, protocol: "HTTP" }] },
  };
  const pools = [...poolManifests("chat", ["10.0.0.1"]), ...poolManifests("code", ["10.1.0.1"])];
  const stage = new PickerStage([...pools, route, gateway]);
  for (let round = 0; round < 8; round++) {
    const plain = stage.open();
    plain.headers({ endOfStream: true });
    assert.equal(plain.destination, "10.0.0.1:8000");
    const coder = stage.open();
    coder.headers({ endOfStream: true, more: [["x-gateway-model-name", "coder"]] });
    assert.equal(coder.destination, "10.1.0.1:8000");
  }
  const elsewhere = stage.open();
  elsewhere.headers({ endOfStream: true, path: "/metrics" });
  assert.deepEqual(elsewhere.heard, ["immediate 404"]);
  stage.pass(1_100);
  assert.equal(stage.records.filter(({ refusal }) => refusal === "request-timeout").length, 16);
  assert.equal(stage.records.at(-1)?.rule?.rule.route, "default/llm");
  assert.equal(stage.view.ports.size, 0);
  stage.close();
});

test("one that takes too long is refused, and its endpoint is told", () => {
  const stage = new PickerStage([
    ...poolManifests("chat", ["10.0.0.1"]),
    policyFor("chat", { timeouts: { request: "2s", idle: "1s" } }),
  ]);
  const decided = stage.open();
  decided.headers();
  decided.body(chat("hello"), true);
  const reading = stage.open();
  reading.headers();
  reading.body("{", false);
  for (let i = 0; i < 22; i++) stage.pass(100);
  assert.equal(immediate(reading).status, 408);
  assert.equal(immediate(decided).status, 504);
  assert.equal(stage.records.at(-1)?.attempts[0]?.outcome, "timeout");
  assert.deepEqual(stage.inFlight(), {});
  stage.close();
});
