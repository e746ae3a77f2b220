/** ZeroMQ's frames: messages of all sizes, cut anywhere, and what breaks the rules. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  commandOf,
  greeting,
  greetingFault,
  MALFORMED,
  MESSAGE_BYTES_MAX,
  messageOf,
  MessageScan,
  NEEDS_MORE,
  readyCommand,
  subscribeMessage,
} from "./zmtp-frames.ts";

const scan = new MessageScan();

test("property: what was framed is scanned, and no less than all of it", () => {
  const frames = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(frames, fc.nat(20), (parts, offset) => {
      const message = messageOf(parts);
      const bytes = Buffer.concat([Buffer.alloc(offset, 9), message, Buffer.from([0, 200])]);
      assert.equal(scan.scan(bytes, offset, bytes.length), offset + message.length);
      assert.equal(scan.isCommand, false);
      assert.deepEqual(
        Array.from({ length: scan.count }, (_, i) => [...bytes.subarray(scan.start[i], scan.end[i])]),
        parts.map((part) => [...part]),
      );
      for (let end = 0; end < message.length; end++) {
        assert.equal(scan.scan(bytes, offset, offset + end), NEEDS_MORE);
      }
    }),
    { numRuns: 50, seed: 1 },
  );
});

test("the bytes that go out are those of the specification", () => {
  const hello = greeting();
  assert.equal(hello.toString("hex"), `ff00000000000000007f03004e554c4c${"00".repeat(48)}`);
  assert.equal(readyCommand("SUB").toString("latin1"), "\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB");
  assert.equal(subscribeMessage("kv@").toString("latin1"), "\x00\x04\x01kv@");
  assert.equal(commandOf("PONG", Buffer.from("x")).toString("latin1"), "\x04\x06\x04PONGx");
});

test("greetings of others are told apart", () => {
  const peer = greeting();
  assert.equal(greetingFault(peer, 0), undefined);
  assert.equal(greetingFault(Buffer.concat([Buffer.from("xy"), peer]), 2), undefined);
  peer.write("CURVE", 12);
  assert.equal(greetingFault(peer, 0), 'mechanism "CURVE"');
  peer[10] = 2;
  assert.equal(greetingFault(peer, 0), "ZMTP 2");
  assert.equal(greetingFault(Buffer.alloc(64, "HTTP/1.1 400 Bad Request"), 0), "not ZMTP");
});

test("what breaks the rules is malformed, and sizes are judged before they come", () => {
  const size = Buffer.alloc(9);
  for (const [bytes, fault] of [
    [Buffer.from([8, 0]), "unknown flags"],
    [Buffer.from([5, 0]), "a command within a message"],
    [Buffer.from([1, 0, 4, 0]), "a command within a message"],
    [Buffer.alloc(18, Buffer.from([1, 0])), "too many frames"],
    [Buffer.from([2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), "message too large"],
  ] as const) {
    assert.equal(scan.scan(bytes, 0, bytes.length), MALFORMED);
    assert.equal(scan.fault, fault);
  }
  size[0] = 2;
  size.writeUInt32BE(MESSAGE_BYTES_MAX - 9, 5);
  assert.equal(scan.scan(size, 0, 9), NEEDS_MORE);
  size.writeUInt32BE(MESSAGE_BYTES_MAX - 8, 5);
  assert.equal(scan.scan(size, 0, 9), MALFORMED);
});
