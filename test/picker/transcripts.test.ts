/**
 * The picker's side of every exchange that the protocol knows, message by message, without sockets.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BodyMode } from "../../src/edge/extproc-client/messages.ts";
import { chat, PickerStage, policyFor, poolManifests, type StageStream } from "../kit/picker/stage.ts";

const ENDPOINT = /^10\.0\.0\.[123]:8000$/;

function modes(requestBody: BodyMode, responseBody: BodyMode = requestBody) {
  return { config: { requestBody, responseBody } };
}

/** Both places must say the same. */
function assertDecided(stream: StageStream): string {
  const { destination } = stream;
  assert.match(destination ?? "none", ENDPOINT);
  const metadata = stream.replies.find(({ dynamicMetadata }) => dynamicMetadata !== undefined);
  assert.deepEqual(metadata?.dynamicMetadata, {
    "envoy.lb": { "x-gateway-destination-endpoint": destination },
  });
  return destination!;
}

test("headers alone are answered at once, in both places, and overwrite what was there", () => {
  const stage = PickerStage.ofThree();
  const stream = stage.open();
  stream.headers({
    method: "GET",
    path: "/v1/models",
    endOfStream: true,
    more: [
      ["x-gateway-destination-endpoint", "6.6.6.6:1"],
      ["x-gateway-destination-endpoint-subset", "6.6.6.6:1"],
      ["x-gateway-destination-endpoint-served", "6.6.6.6:1"],
    ],
  });
  const destination = assertDecided(stream);
  assert.deepEqual(stream.heard, ["request headers"]);
  const { answer } = stream.replies[0]!;
  assert.ok(answer.kind === "headers" && answer.common.clearRouteCache);
  const set = answer.common.headers.set.find(({ name }) => name === "x-gateway-destination-endpoint")!;
  assert.equal(set.appendAction, 2);
  assert.equal(set.value, undefined);
  assert.deepEqual(answer.common.headers.remove.toSorted(), [
    "x-gateway-destination-endpoint-served",
    "x-gateway-destination-endpoint-subset",
  ]);
  assert.deepEqual(stage.inFlight(), { [destination]: 1 });
  stream.answerHeaders([[":status", "200"]], true);
  assert.deepEqual(stage.inFlight(), {});
  assert.equal(stage.records[0]?.status, 200);
  assert.equal(stage.records[0]?.why, "complete");
  stage.close();
});

for (const size of [50, 61_999, 62_000, 62_001, 200_000, 5_000_000]) {
  for (const chunks of [1, 2, 100]) {
    test(`full duplex: ${size} bytes in ${chunks} chunks come back byte for byte, with one end`, () => {
      const stage = PickerStage.ofThree();
      const stream = stage.open();
      const body = Buffer.from(chat("é".repeat(size / 2)));
      stream.headers();
      const step = Math.ceil(body.length / chunks);
      for (let at = 0; at < body.length; at += step) {
        assert.deepEqual(stream.heard, []);
        stream.body(body.subarray(at, at + step), at + step >= body.length);
      }
      assertDecided(stream);
      assert.equal(stream.heard[0], "request headers");
      const { body: echoed, ends } = stream.echoed("request");
      assert.ok(echoed.equals(body));
      assert.equal(ends, 1);
      assert.ok(Math.max(...stream.frameBytes) < 62_100);
      assert.equal(stage.budget.used, 0);
      stream.cancel();
      assert.deepEqual(stage.inFlight(), {});
      stage.close();
    });
  }
}

test("full duplex: an empty last chunk ends the body", () => {
  const stage = PickerStage.ofThree();
  const stream = stage.open();
  stream.headers();
  stream.body(chat("hello"), false);
  assert.deepEqual(stream.heard, []);
  stream.body("", true);
  assertDecided(stream);
  assert.deepEqual(stream.echoed("request"), { body: Buffer.from(chat("hello")), ends: 1 });
  stage.close();
});

test("full duplex: trailers end the body, and no part of it is the last", () => {
  const stage = PickerStage.ofThree();
  const stream = stage.open();
  stream.headers();
  stream.body(chat("hello"), false);
  stream.trailers("request");
  assertDecided(stream);
  assert.deepEqual(stream.heard, ["request headers", "request body", "request trailers"]);
  assert.equal(stream.echoed("request").ends, 0);
  stage.close();
});

test("full duplex: what is no prompt is decided by its head and streams through", () => {
  const stage = PickerStage.ofThree();
  const stream = stage.open();
  stream.headers({ path: "/upload" });
  assertDecided(stream);
  stream.body("one", false);
  stream.body("two", false);
  assert.equal(stream.echoed("request").body.toString(), "onetwo");
  stream.trailers("request");
  assert.equal(stream.heard.at(-1), "request trailers");
  stage.close();
});

test("BUFFERED: headers are answered at once and say nothing; the body's reply says where", () => {
  const stage = PickerStage.ofThree();
  const stream = stage.open();
  stream.headers(modes("BUFFERED"));
  assert.deepEqual(stream.heard, ["request headers"]);
  assert.equal(stream.destination, undefined);
  stream.body(chat("hello"), true);
  assert.deepEqual(stream.heard, ["request headers", "request body"]);
  assertDecided(stream);
  const { answer } = stream.replies[1]!;
  assert.ok(answer.kind === "body" && answer.common.body === undefined && answer.common.clearRouteCache);
  stream.answerHeaders([
    [":status", "200"],
    ["content-type", "application/json"],
  ]);
  stream.answerBody('{"usage":{"prompt_tokens":5,"completion_tokens":7}}', true);
  assert.deepEqual(stream.heard.slice(2), ["response headers", "response body"]);
  assert.deepEqual(stage.records[0]?.usage, { promptTokens: 5, cachedTokens: -1, outputTokens: 7 });
  stage.close();
});

test("BUFFERED with trailers: the body is whole although it does not say so", () => {
  const stage = PickerStage.ofThree();
  const stream = stage.open();
  stream.headers(modes("BUFFERED"));
  stream.body(chat("hello"), false);
  stream.trailers("request");
  assert.deepEqual(stream.heard, ["request headers", "request body", "request trailers"]);
  assertDecided(stream);
  stage.close();
});

test("BUFFERED_PARTIAL: a body that was cut off is no fault; its head decides", () => {
  const stage = PickerStage.ofThree();
  const stream = stage.open();
  stream.headers(modes("BUFFERED_PARTIAL"));
  stream.body(chat("hello").slice(0, 20), false);
  assertDecided(stream);
  assert.deepEqual(stream.heard, ["request headers", "request body"]);
  stage.close();
});

test("STREAMED: the head decides, and every chunk has one reply", () => {
  const stage = PickerStage.ofThree();
  const stream = stage.open();
  stream.headers(modes("STREAMED"));
  assertDecided(stream);
  for (const [part, isLast] of [
    ["a", false],
    ["b", false],
    ["", true],
  ] as const)
    stream.body(part, isLast);
  assert.deepEqual(stream.heard, ["request headers", "request body", "request body", "request body"]);
  assert.equal(stream.echoed("request").ends, 0);
  stage.close();
});

test("NONE: the head decides, and the answer is judged by its status when the gateway leaves", () => {
  const stage = PickerStage.ofThree();
  const stream = stage.open();
  stream.headers(modes("NONE"));
  assertDecided(stream);
  stream.answerHeaders([[":status", "500"]]);
  assert.equal(Object.keys(stage.inFlight()).length, 1);
  stream.cancel();
  assert.deepEqual(stage.inFlight(), {});
  assert.equal(stage.records[0]?.attempts[0]?.outcome, "server-error");
  stage.close();
});

test("no protocol config: taken for full duplex, and answered by the head where no body comes", () => {
  const stage = PickerStage.ofThree();
  const prompt = stage.open();
  prompt.headers({ config: undefined });
  prompt.body(chat("hello"), true);
  assertDecided(prompt);
  assert.equal(prompt.echoed("request").ends, 1);
  const silent = stage.open();
  silent.headers({ config: undefined });
  stage.pass(60);
  assert.deepEqual(silent.heard, []);
  stage.pass(60);
  assertDecided(silent);
  stage.close();
});

test("a half-closed stream gets its answer and then ends well", () => {
  const stage = PickerStage.ofThree();
  const stream = stage.open();
  stream.headers({ valuesIn: "value" });
  stream.body(chat("hello"), true);
  stream.halfClose();
  assertDecided(stream);
  assert.deepEqual(stream.end_, { code: 0, message: "" });
  assert.deepEqual(stage.inFlight(), {});
  const cut = stage.open();
  cut.headers();
  cut.body("{", false);
  cut.halfClose();
  assert.deepEqual(cut.end_, { code: 0, message: "" });
  assert.equal(stage.records[1]?.why, "request-cut");
  assert.equal(stage.budget.used, 0);
  stage.close();
});

test("half-closed while it waits for its turn: the answer comes later, then the end", () => {
  const stage = new PickerStage([
    ...poolManifests("chat", ["10.0.0.1"]),
    policyFor("chat", { circuitBreaker: { maxRequests: 1, maxPendingRequests: 4 } }),
  ]);
  const first = stage.open();
  first.headers();
  first.body(chat("one"), true);
  assertDecided(first);
  const second = stage.open();
  second.headers();
  second.body(chat("two"), true);
  second.halfClose();
  assert.deepEqual(second.heard, []);
  assert.equal(second.end_, undefined);
  stage.pass(5);
  first.answerHeaders([[":status", "200"]], true);
  assertDecided(second);
  assert.deepEqual(second.end_, { code: 0, message: "" });
  const third = stage.open();
  third.headers();
  third.body(chat("three"), true);
  assertDecided(third);
  const leaver = stage.open();
  leaver.headers();
  leaver.body(chat("four"), true);
  leaver.cancel();
  third.cancel();
  const fifth = stage.open();
  fifth.headers();
  fifth.body(chat("five"), true);
  assertDecided(fifth);
  assert.equal(stage.budget.used, 0);
  stage.close();
});

test("reset in any phase: nothing stays claimed or held, and each is recorded once", () => {
  const stage = PickerStage.ofThree();
  const phases: ((stream: StageStream) => void)[] = [
    () => {},
    (stream) => stream.headers(),
    (stream) => stream.body(chat("hello").slice(0, 9), false),
    (stream) => stream.body(chat("hello").slice(9), true),
    (stream) =>
      stream.answerHeaders([
        [":status", "200"],
        ["content-type", "text/event-stream"],
      ]),
    (stream) => stream.answerBody('data: {"choices":[{"delta":{"content":"a"}}]}\n\n', false),
    (stream) => stream.answerBody("data: [DONE]\n\n", true),
  ];
  for (let last = 0; last < phases.length; last++) {
    const stream = stage.open();
    for (const phase of phases.slice(0, last + 1)) phase(stream);
    stream.cancel();
    assert.deepEqual(stage.inFlight(), {});
    assert.equal(stage.budget.used, 0);
    assert.equal(stage.records.length, last);
  }
  assert.equal(stage.records.at(-1)?.why, "complete");
  assert.deepEqual(stage.defects, []);
  stage.close();
});

test("replies wait for room, in order, and meanwhile nothing more is read", () => {
  const stage = PickerStage.ofThree();
  const stream = stage.open();
  stream.room = 2;
  const body = chat("x".repeat(300_000));
  stream.headers();
  stream.body(body, true);
  assert.equal(stream.replies.length, 2);
  assert.equal(stream.isPaused, true);
  assert.ok(stage.budget.used > 0);
  stream.drain(2);
  assert.equal(stream.replies.length, 4);
  stream.drain(10);
  assert.equal(stream.isPaused, false);
  assert.equal(stream.echoed("request").body.toString(), body);
  assert.equal(stage.budget.used, 0);
  stage.close();
});

test("a gateway that only watches is told nothing and claims nothing", () => {
  const stage = PickerStage.ofThree();
  const stream = stage.open();
  // observability_mode = 10, request_headers = 2, empty.
  stream.sayBytes(Buffer.from([0x50, 0x01, 0x12, 0x00]));
  stream.body(chat("hello"), true);
  assert.deepEqual(stream.heard, []);
  assert.deepEqual(stage.inFlight(), {});
  stage.close();
});
