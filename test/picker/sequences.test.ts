/**
 * Any messages in any order, in any mode: whatever a gateway says, nothing throws, nothing stays claimed or held, every exchange is
 * recorded once, and where the gateway keeps to the protocol every message gets what it is owed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BODY_MODES } from "../../src/edge/extproc-client/messages.ts";
import { chat, PickerStage, policyFor, poolManifests, type StageStream } from "../kit/picker/stage.ts";

const MODES = BODY_MODES;
const BODY = chat("hello, ".repeat(20_000));

type Act = (stream: StageStream, stage: PickerStage) => void;

const anyAct: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ endOfStream: fc.boolean(), path: fc.constantFrom("/v1/chat/completions", "/x") }).map(
    (options): Act =>
      (stream) =>
        stream.headers(options),
  ),
  fc.tuple(fc.nat(BODY.length), fc.nat(BODY.length), fc.boolean()).map(
    ([from, to, isLast]): Act =>
      (stream) =>
        stream.body(BODY.slice(from, to), isLast),
  ),
  fc.boolean().map(
    (isLast): Act =>
      (stream) =>
        stream.answerHeaders(
          [
            [":status", "200"],
            ["content-type", "text/event-stream"],
          ],
          isLast,
        ),
  ),
  fc.boolean().map(
    (isLast): Act =>
      (stream) =>
        stream.answerBody('data: {"choices":[{"delta":{"content":"a"}}]}\n\n', isLast),
  ),
  fc.constantFrom("request", "response").map(
    (side): Act =>
      (stream) =>
        stream.trailers(side),
  ),
  fc.nat(400_000).map(
    (ms): Act =>
      (_stream, stage) =>
        stage.pass(ms),
  ),
  fc.integer({ min: 1, max: 4 }).map(
    (room): Act =>
      (stream) =>
        stream.drain(room),
  ),
  fc.uint8Array({ maxLength: 20 }).map(
    (bytes): Act =>
      (stream) =>
        stream.sayBytes(Buffer.from(bytes)),
  ),
  fc.constant<Act>((stream) => stream.halfClose()),
  fc.constant<Act>((stream) => stream.cancel()),
);

/** Two requests under way at most, and two that wait. */
const TIGHT_POOL: readonly object[] = [
  ...poolManifests("chat", ["10.0.0.1", "10.0.0.2"]),
  policyFor("chat", { circuitBreaker: { maxRequests: 2, maxPendingRequests: 2 } }),
];

test("any messages in any order leave nothing behind", () => {
  const stage = new PickerStage(TIGHT_POOL);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), anyAct), { maxLength: 40 }), (acts) => {
      const streams = Array.from({ length: 4 }, () => stage.open());
      for (const stream of streams) stream.room = 3;
      for (const [index, act] of acts) act(streams[index]!, stage);
      for (const stream of streams) stream.cancel();
      assert.deepEqual(stage.defects, []);
      assert.deepEqual(stage.inFlight(), {});
      assert.equal(stage.budget.used, 0);
      assert.equal(stage.sweeper.size, 0);
      assert.ok(stage.records.length <= streams.length);
      stage.records.length = 0;
    }),
    { numRuns: 600, seed: 3 },
  );
  stage.close();
});

test("a gateway that keeps to the protocol is answered in every mode, however the body is cut", () => {
  const stage = PickerStage.ofThree();
  const cuts = fc.array(fc.nat(BODY.length), { maxLength: 8 });
  fc.assert(
    fc.property(
      fc.constantFrom(...MODES),
      cuts,
      fc.boolean(),
      fc.boolean(),
      fc.constantFrom("/v1/chat/completions", "/x"),
      (mode, places, hasTrailers, isSlow, path) => {
        const stream = stage.open();
        stream.room = isSlow ? 1 : Infinity;
        const ends = mode === "BUFFERED" ? [BODY.length] : [...places, BODY.length].toSorted((a, b) => a - b);
        const said = { headers: 1, body: 0, trailers: 0 };
        stream.headers({ path, config: { requestBody: mode, responseBody: mode } });
        let at = 0;
        if (mode !== "NONE") {
          for (const [index, end] of ends.entries()) {
            stream.body(BODY.slice(at, end), !hasTrailers && index === ends.length - 1);
            said.body++;
            at = end;
          }
        }
        if (hasTrailers) stream.trailers("request");
        if (hasTrailers) said.trailers++;
        for (let round = 0; round < 100; round++) stream.drain(1);
        assert.match(stream.destination ?? "none", /^10\.0\.0\.[123]:8000$/, mode);
        const heard = stream.heard.join();
        assert.equal(stream.heard[0], "request headers");
        assert.equal(stream.heard.filter((each) => each === "request headers").length, 1, heard);
        assert.equal(stream.heard.filter((each) => each === "request trailers").length, said.trailers, heard);
        if (hasTrailers) assert.equal(stream.heard.at(-1), "request trailers");
        if (mode === "FULL_DUPLEX_STREAMED") {
          const { body, ends: count } = stream.echoed("request");
          assert.equal(body.toString(), BODY);
          assert.equal(count, hasTrailers ? 0 : 1);
        } else assert.equal(stream.heard.filter((each) => each === "request body").length, said.body, heard);
        stream.cancel();
        assert.deepEqual(stage.inFlight(), {});
        assert.equal(stage.budget.used, 0);
      },
    ),
    { numRuns: 300, seed: 4 },
  );
  assert.deepEqual(stage.defects, []);
  stage.close();
});
