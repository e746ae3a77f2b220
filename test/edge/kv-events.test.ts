/** Cache events over real sockets: live, lost, replayed, cut, started anew, hostile. */
import assert from "node:assert/strict";
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import type { CacheListener } from "../../src/edge/kv-events/cache-events.ts";
import { EventSubscriber, type SubscriptionState } from "../../src/edge/kv-events/subscriber.ts";
import { commandOf, greeting } from "../../src/edge/kv-events/zmtp-frames.ts";
import { createPrng } from "../../src/std/prng.ts";
import { EventPublisher, type PublisherOptions } from "../kit/event-publisher.ts";
import { pack } from "../kit/message-pack.ts";
import { waitUntil } from "../kit/wait.ts";

/** What the listener was told, as text. */
class Notes implements CacheListener {
  readonly lines: string[] = [];
  stored: CacheListener["stored"] = (key, { hashes, count, parent, tokenCount }) => {
    this.lines.push(
      `${key} +${[...hashes.subarray(0, count)].join(",")} after ${parent} (${tokenCount} tokens)`,
    );
  };
  removed: CacheListener["removed"] = (key, { hashes, count }) => {
    this.lines.push(`${key} -${[...hashes.subarray(0, count)].join(",")}`);
  };
  cleared: CacheListener["cleared"] = (key) => {
    this.lines.push(`${key} cleared`);
  };
  gap: CacheListener["gap"] = (key) => {
    this.lines.push(`${key} gap`);
  };
}

const stored = (hash: number): Buffer => pack([1.5, [["BlockStored", [hash], null, [1, 2], 2, null]], 0]);
const line = (hash: number): string => `e +${hash} after undefined (2 tokens)`;

interface Setting {
  readonly publisher: EventPublisher;
  readonly subscriber: EventSubscriber;
  readonly notes: Notes;
  state(): SubscriptionState;
  /** Moves the subscriber's clock. */
  later(ms: number): void;
}

async function follow(t: TestContext, options: PublisherOptions = {}): Promise<Setting> {
  const publisher = await EventPublisher.start(options);
  t.after(() => publisher.close());
  const notes = new Notes();
  const defects: unknown[] = [];
  let nowMs = 1_000;
  const subscriber = new EventSubscriber({
    listener: notes,
    prng: createPrng(1),
    clock: () => nowMs,
    defect: (error) => defects.push(error),
  });
  t.after(() => {
    subscriber.close();
    assert.deepEqual(defects, []);
  });
  const { port, replayPort } = publisher;
  const subscribed = publisher.subscribed();
  subscriber.follow([{ endpointKey: "e", address: "127.0.0.1", port, replayPort, topic: "kv@" }]);
  await subscribed;
  const later = (ms: number): void => void (nowMs += ms);
  return { publisher, subscriber, notes, later, state: () => subscriber.state()[0]! };
}

const settled = (setting: Setting): Promise<void> =>
  waitUntil(() => !setting.state().replaying, "the replay's end");
const told = (notes: Notes, count: number): Promise<void> =>
  waitUntil(
    () => notes.lines.length >= count,
    () => `${count} lines, but: ${notes.lines.join("; ")}`,
  );

test("what was published before is replayed, what is published now comes live", async (t) => {
  const before = await EventPublisher.start({ topic: "kv@x@m" });
  before.publish(stored(1));
  before.publish(stored(2));
  t.after(() => before.close());
  const notes = new Notes();
  const subscriber = new EventSubscriber({
    listener: notes,
    prng: createPrng(1),
    clock: () => performance.now(),
    defect: assert.ifError,
  });
  t.after(() => subscriber.close());
  const subscribed = before.subscribed();
  const { port, replayPort } = before;
  subscriber.follow([{ endpointKey: "e", address: "127.0.0.1", port, replayPort, topic: "kv@" }]);
  await subscribed;
  await told(notes, 2);
  before.publish(stored(3));
  await told(notes, 3);
  assert.deepEqual(notes.lines, [1, 2, 3].map(line));
  assert.deepEqual(before.replaysFrom, [0]);
});

test("what was published while the subscription was on its way is missed, and had", async (t) => {
  const setting = await follow(t, { topic: "kv@" });
  const { publisher, notes } = setting;
  await settled(setting);
  publisher.publish(stored(1), true);
  publisher.publish(stored(2));
  await told(notes, 2);
  assert.deepEqual(notes.lines, [1, 2].map(line));
  assert.deepEqual(publisher.replaysFrom, [0, 0]);
  assert.equal(setting.state().counts.gaps, 0);
});

for (const replaysTopic of [false, true]) {
  test(`a gap is filled by replay, in order (topic in replays: ${replaysTopic})`, async (t) => {
    const setting = await follow(t, { topic: "kv@e@m", replaysTopic, replayDelayMs: 50 });
    const { publisher, notes } = setting;
    await settled(setting);
    publisher.publish(stored(1));
    await told(notes, 1);
    // A replay has just been; another within the second would not be asked for.
    setting.later(1_001);
    publisher.publish(stored(2), true);
    publisher.publish(stored(3), true);
    publisher.publish(stored(4));
    publisher.publish(stored(5));
    await told(notes, 5);
    assert.deepEqual(notes.lines, [1, 2, 3, 4, 5].map(line));
    assert.deepEqual(publisher.replaysFrom, [0, 1]);
    assert.equal(setting.state().counts.gaps, 0);
  });
}

test("a gap that cannot be filled is told, and the stream goes on", async (t) => {
  const setting = await follow(t, { topic: "kv@", keeps: 0 });
  const { publisher, notes } = setting;
  publisher.publish(stored(1));
  publisher.skip(3);
  publisher.publish(stored(5));
  publisher.publish(stored(6));
  await told(notes, 4);
  assert.deepEqual(notes.lines, [line(1), "e gap", line(5), line(6)]);
  assert.equal(setting.state().counts.gaps, 1);
});

test("a replay that never comes is given up, and nothing live is lost meanwhile", async (t) => {
  const setting = await follow(t, { topic: "kv@", replayDelayMs: -1 });
  const { publisher, notes } = setting;
  for (let i = 1; i <= 20; i++) publisher.publish(stored(i));
  await told(notes, 20);
  assert.deepEqual(
    notes.lines,
    Array.from({ length: 20 }, (_, i) => line(i + 1)),
  );
  assert.equal(setting.state().counts.failedReplays, 1);
});

test("an engine that starts anew is known anew", async (t) => {
  const first = await follow(t, { topic: "kv@", keeps: 2 });
  const { publisher, notes } = first;
  await settled(first);
  for (const hash of [1, 2, 3]) publisher.publish(stored(hash));
  await told(notes, 3);
  const ports = { publish: publisher.port, replay: publisher.replayPort! };
  await publisher.close();
  const second = await EventPublisher.start({ topic: "kv@", ports });
  t.after(() => second.close());
  // More than before the restart: by number alone it would pass for a gap in the old life.
  for (const hash of [11, 12, 13, 14]) second.publish(stored(hash));
  await told(notes, 8);
  assert.deepEqual(notes.lines.slice(3), ["e gap", line(11), line(12), line(13), line(14)]);
  assert.equal(first.state().counts.connections, 2);
});

test("numbers that go back on a living connection are a restart", async (t) => {
  const setting = await follow(t, { topic: "kv@", keeps: 0 });
  const { publisher, notes } = setting;
  publisher.publish(stored(1));
  publisher.publish(stored(2));
  publisher.skip(-2);
  publisher.publish(stored(7));
  await told(notes, 4);
  assert.deepEqual(notes.lines, [line(1), line(2), "e cleared", line(7)]);
});

test("what cannot be read is counted and stops nothing", async (t) => {
  const setting = await follow(t, { topic: "kv@", keeps: 0 });
  const { publisher, notes } = setting;
  publisher.publish(Buffer.from("no message pack"));
  publisher.publish(Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]));
  publisher.send([Buffer.from("kv@")]);
  publisher.publish(stored(1));
  await told(notes, 1);
  assert.equal(setting.state().counts.malformed, 3);
  assert.equal(setting.state().counts.gaps, 0);
});

test("a peer that breaks the protocol is left, and met again", async (t) => {
  const setting = await follow(t, { topic: "kv@", keeps: 0 });
  const { publisher, notes } = setting;
  publisher.publish(stored(1));
  await told(notes, 1);
  const subscribed = publisher.subscribed();
  // A frame of 2^62 bytes.
  publisher.sendRaw(Buffer.from([2, 0x40, 0, 0, 0, 0, 0, 0, 0]));
  await subscribed;
  publisher.publish(stored(2));
  await told(notes, 3);
  assert.deepEqual(notes.lines, [line(1), "e gap", line(2)]);
});

test("a large batch that comes in many reads is read whole", async (t) => {
  const setting = await follow(t, { topic: "kv@", keeps: 0 });
  const { publisher, notes } = setting;
  const tokens = Array.from({ length: 100_000 }, (_, i) => i);
  const hashes = Array.from({ length: 6_250 }, (_, i) => BigInt(i) + 2n ** 40n);
  publisher.publish(pack([1.5, [["BlockStored", hashes, null, tokens, 16, null]], 0]));
  publisher.publish(stored(2));
  await told(notes, 2);
  assert.match(notes.lines[0]!, /^e \+1099511627776,.*,1099511634025 after undefined \(100000 tokens\)$/);
});

for (const [what, hello, fault] of [
  [
    "speaks HTTP",
    Buffer.from("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"),
    "not ZMTP",
  ],
  ["wants a key", Buffer.concat([greeting(), Buffer.alloc(8)]).fill("CURVE", 12, 17), 'mechanism "CURVE"'],
  [
    "sends before it is ready",
    Buffer.concat([greeting(), Buffer.from([0, 1, 65])]),
    "a message before READY",
  ],
  ["refuses", Buffer.concat([greeting(), commandOf("ERROR", Buffer.from("\x02no"))]), "refused by the peer"],
] as const) {
  test(`a peer that ${what} is left, and the reason is known`, async (t) => {
    const padded = Buffer.concat([hello, Buffer.alloc(Math.max(0, 64 - hello.length), " ")]);
    const server = net.createServer((socket) => {
      socket.on("error", () => {});
      socket.write(padded);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const notes = new Notes();
    const subscriber = new EventSubscriber({
      listener: notes,
      prng: createPrng(1),
      clock: () => 0,
      defect: assert.ifError,
    });
    t.after(() => subscriber.close());
    subscriber.follow([{ endpointKey: "e", address: "127.0.0.1", port, replayPort: undefined, topic: "" }]);
    await waitUntil(
      () => subscriber.state()[0]!.fault === fault,
      () => String(subscriber.state()[0]!.fault),
    );
    assert.deepEqual(notes.lines, []);
  });
}

test("a peer that asks whether we live gets its answer", async (t) => {
  const setting = await follow(t, { topic: "kv@", keeps: 0 });
  const heard = setting.publisher.command();
  setting.publisher.sendRaw(commandOf("PING", Buffer.from("\0\x0actx")));
  assert.equal((await heard).toString("latin1"), "\x04PONGctx");
});
