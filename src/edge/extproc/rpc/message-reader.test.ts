/**
 * gRPC messages out of bytes that are cut anywhere, and the bounds on them; the timeouts that calls carry.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteBudget } from "./byte-budget.ts";
import { parseTimeoutMs } from "./grpc-timeout.ts";
import { MessageReader } from "./message-reader.ts";

function framed(...messages: readonly string[]): Buffer {
  return Buffer.concat(
    messages.map((message) => {
      const frame = Buffer.alloc(5 + Buffer.byteLength(message));
      frame.writeUInt32BE(frame.length - 5, 1);
      frame.write(message, 5);
      return frame;
    }),
  );
}

test("messages come out whole however the bytes are cut, and nothing stays held", () => {
  const messages = ["", "a", "hello", "", "x".repeat(1_000), "", "y"];
  const bytes = framed(...messages);
  for (let step = 1; step < 40; step++) {
    const budget = new ByteBudget(10_000);
    const heard: string[] = [];
    const reader = new MessageReader(2_000, budget, (message) => heard.push(message.toString()));
    for (let at = 0; at < bytes.length; at += step) {
      assert.equal(reader.feed(bytes.subarray(at, at + step)), undefined);
    }
    assert.deepEqual(heard, messages, `in steps of ${step}`);
    assert.equal(budget.used, 0);
    assert.equal(reader.isInside, false);
  }
});

test("what is too large, compressed or more than may be held is a fault", () => {
  const reader = (max: number, budget = new ByteBudget(100)): MessageReader =>
    new MessageReader(max, budget, () => {});
  assert.equal(reader(10).feed(framed("x".repeat(11))), "message-too-large");
  assert.equal(reader(10).feed(Buffer.from([1, 0, 0, 0, 1, 0])), "compressed-message");
  const budget = new ByteBudget(100);
  const first = reader(1_000, budget);
  assert.equal(first.feed(framed("x".repeat(500)).subarray(0, 85)), undefined);
  assert.equal(budget.used, 80);
  assert.equal(reader(1_000, budget).feed(framed("x".repeat(500)).subarray(0, 85)), "memory-full");
  first.close();
  assert.equal(budget.used, 0);
});

test("a prefix that claims much reserves nothing", () => {
  const budget = new ByteBudget(1 << 30);
  const reader = new MessageReader(1 << 30, budget, () => {});
  assert.equal(reader.feed(Buffer.from([0, 0x3f, 0xff, 0xff, 0xff])), undefined);
  assert.equal(budget.used, 0);
  assert.equal(reader.isInside, true);
});

test("timeouts as gRPC writes them", () => {
  assert.deepEqual(
    ["1H", "2M", "30S", "500m", "7u", "9n", "99999999S", "", "1", "1x", "-1S", "999999999S", undefined].map(
      parseTimeoutMs,
    ),
    [
      3_600_000,
      120_000,
      30_000,
      500,
      0.007,
      0.000_009,
      99_999_999_000,
      ...Array.from({ length: 6 }, () => undefined),
    ],
  );
});
