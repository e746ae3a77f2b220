/**
 * The laws of prompt blocks: prefixes, and what must and must not change a hash.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { InferenceApi, PromptBlocks } from "../../../model/inference-facts.ts";
import { createPrng, type Prng } from "../../../std/prng.ts";
import { RequestReader } from "./request-reader.ts";

const BLOCK_BYTES = 32;

function blocksOf(api: InferenceApi, body: string | object, chunkBytes = 1_000_000): PromptBlocks {
  const bytes = new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
  const reader = new RequestReader({ bodyBytesMax: 10_000_000, blockBytes: BLOCK_BYTES });
  reader.begin(api);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    reader.feed(bytes, at, Math.min(bytes.length, at + chunkBytes));
  }
  const reading = reader.finish();
  assert.equal(reading.kind, "request", JSON.stringify(reading));
  assert.ok(reading.kind === "request");
  return reading.body.prompt;
}

const hashesOf = (blocks: PromptBlocks): number[] => [...blocks.hashes.subarray(0, blocks.count)];

/** How many blocks two prompts begin with in common. */
function shared(a: PromptBlocks, b: PromptBlocks): number {
  let count = 0;
  while (count < Math.min(a.count, b.count) && a.hashes[count] === b.hashes[count]) count++;
  return count;
}

const LETTERS = ["a", "b", " ", "\n", '"', "é", "漢", "😀"];
const randomText = (prng: Prng, length: number): string =>
  Array.from({ length }, () => LETTERS[prng.below(LETTERS.length)]!).join("");

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

test("blocks of a prefix are a prefix of the blocks, up to the block of the first difference", () => {
  const prng = createPrng(11);
  for (let round = 0; round < 150; round++) {
    const common = randomText(prng, prng.below(300));
    const a = common + randomText(prng, 1 + prng.below(100));
    const b = `${common}#${randomText(prng, prng.below(100))}`;
    const [whole, left, right] = [common, a, b].map((prompt) =>
      blocksOf("openai-completions", { model: "m", prompt: prompt || "-" }),
    ) as [PromptBlocks, PromptBlocks, PromptBlocks];
    assert.equal(left.count, Math.floor(bytesOf(a) / BLOCK_BYTES));
    assert.equal(left.bytes, bytesOf(a));
    if (common !== "") assert.equal(shared(whole, left), whole.count);
    let same = 0;
    const [leftBytes, rightBytes] = [a, b].map((text) => new TextEncoder().encode(text)) as [
      Uint8Array,
      Uint8Array,
    ];
    while (leftBytes[same] === rightBytes[same]) same++;
    assert.equal(shared(left, right), Math.floor(same / BLOCK_BYTES));
  }
});

test("token ids too, and they are never taken for text", () => {
  const ids = Array.from({ length: 100 }, (_, i) => i * 7);
  const all = blocksOf("openai-completions", { model: "m", prompt: ids });
  assert.deepEqual([all.count, all.bytes, all.wideBytes], [Math.floor(400 / BLOCK_BYTES), 400, 0]);
  const longer = blocksOf("openai-completions", { model: "m", prompt: [...ids, 1, 2, 3, 4, 5, 6, 7, 8] });
  assert.equal(shared(all, longer), all.count);
  const other = blocksOf("openai-completions", { model: "m", prompt: ids.with(50, 1) });
  assert.equal(shared(all, other), Math.floor((50 * 4) / BLOCK_BYTES));
  const text = String.fromCharCode(...ids.flatMap((id) => [id & 127, 0, 0, 0]));
  const small = ids.map((id) => id & 127);
  const asText = blocksOf("openai-completions", { model: "m", prompt: text });
  const asIds = blocksOf("openai-completions", { model: "m", prompt: small });
  assert.deepEqual([asText.bytes, shared(asText, asIds)], [asIds.bytes, 0]);
});

function randomChat(prng: Prng): { model: string; messages: object[]; tools: object[]; cache_salt: string } {
  const messages = Array.from({ length: 1 + prng.below(5) }, (_, turn) => ({
    role: turn % 2 === 0 ? "user" : "assistant",
    content: randomText(prng, prng.below(120)) + "x",
  }));
  return {
    model: "m",
    messages,
    tools: [{ name: randomText(prng, 70), n: 1.5, deep: [true, null] }],
    cache_salt: "s",
  };
}

test("white space, escapes, chunks and the order of the envelope change nothing", () => {
  const prng = createPrng(12);
  for (let round = 0; round < 80; round++) {
    const chat = randomChat(prng);
    const plain = blocksOf("openai-chat", chat);
    const turned = JSON.stringify(
      Object.fromEntries(Object.entries({ ...chat, stream: true }).toReversed()),
      undefined,
      2,
    );
    const escaped = turned.replaceAll(/(?<!\\)[aé漢x](?![^"]*":)/g, (letter) =>
      prng.below(2) === 0 ? letter : `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    assert.deepEqual(JSON.parse(escaped), JSON.parse(turned));
    assert.deepEqual(blocksOf("openai-chat", escaped, 1 + prng.below(60)), plain);
  }
});

test("a conversation that goes on keeps its blocks", () => {
  const prng = createPrng(13);
  for (let round = 0; round < 80; round++) {
    const chat = randomChat(prng);
    const before = blocksOf("openai-chat", chat);
    const after = blocksOf("openai-chat", {
      ...chat,
      messages: [...chat.messages, { role: "user", content: "Go on." }],
    });
    assert.equal(shared(before, after), before.count);
    assert.ok(after.bytes > before.bytes);
  }
});

test("boundaries and roles are part of the prompt", () => {
  const say = (...messages: object[]) => blocksOf("openai-chat", { model: "m", messages });
  const long = "y".repeat(200);
  const one = say({ role: "user", content: long });
  assert.equal(shared(one, say({ role: "system", content: long })), 0);
  const split = say(
    { role: "user", content: long.slice(0, 100) },
    { role: "user", content: long.slice(100) },
  );
  const joined = shared(one, split);
  assert.ok(joined >= Math.floor(100 / BLOCK_BYTES) && joined < one.count, String(joined));
});

test("model, adapter, salt, tools and system prompt are in front of everything", () => {
  const prompt = "z".repeat(300);
  const base = blocksOf("openai-completions", { model: "m", prompt });
  assert.equal(shared(base, blocksOf("openai-completions", { model: "k", prompt })), 0);
  assert.equal(shared(base, blocksOf("openai-completions", { model: "m", prompt, cache_salt: "s" })), 0);
  const sglang = (body: object) => blocksOf("sglang-generate", { text: prompt, ...body });
  assert.equal(shared(sglang({}), sglang({ lora_path: "a" })), 0);
  const claude = (body: object) =>
    blocksOf("anthropic-messages", { model: "m", messages: [{ role: "user", content: prompt }], ...body });
  assert.equal(shared(claude({ system: "A" }), claude({ system: "B" })), 0);
  assert.equal(shared(claude({ tools: [{ name: "a" }] }), claude({ tools: [{ name: "b" }] })), 0);
  const system = "s".repeat(10 * BLOCK_BYTES + 5);
  const [first, second] = [
    claude({ system }),
    blocksOf("anthropic-messages", { model: "m", messages: [{ role: "user", content: "Hi" }], system }),
  ];
  assert.equal(shared(first, second), 10);
});

test("cache_control may wander, and a picture counts for what it is but not for its bytes", () => {
  const message = (text: string, extra: object = {}) => ({
    role: "user",
    content: [{ type: "text", text, ...extra }],
  });
  const long = "w".repeat(100);
  const bodies = [
    [message(long, { cache_control: { type: "ephemeral", deep: [1, { a: "b" }] } }), message(long)],
    [message(long), message(long, { cache_control: { type: "ephemeral" } })],
    [message(long), message(long)],
  ].map((messages) => blocksOf("anthropic-messages", { model: "m", messages }));
  assert.deepEqual(bodies[0], bodies[2]);
  assert.deepEqual(bodies[1], bodies[2]);
  const picture = (letter: string, length: number) =>
    blocksOf("openai-chat", {
      model: "m",
      messages: [
        {
          role: "user",
          content: [
            { type: "image_url", image_url: { url: letter.repeat(length) } },
            { type: "text", text: long },
          ],
        },
      ],
    });
  const [a, b, larger] = [picture("A", 50_000), picture("B", 50_000), picture("A", 50_001)];
  assert.ok(a.bytes < 300);
  assert.equal(a.bytes, larger.bytes);
  assert.ok(shared(a, b) < a.count && shared(a, larger) < a.count);
});

test("wide bytes are those of characters beyond ASCII", () => {
  const { bytes, wideBytes } = blocksOf("openai-chat", {
    model: "m",
    messages: [{ role: "user", content: "漢字 ok é😀" }],
  });
  assert.equal(wideBytes, 3 + 3 + 2 + 4);
  assert.ok(bytes > wideBytes);
});

test("twenty thousand blocks have as many hashes, of bits that are even", () => {
  const prompt = Array.from({ length: 160_000 }, (_, i) => i % 50_021);
  const blocks = blocksOf("openai-completions", { model: "m", prompt });
  assert.equal(blocks.count, 20_000);
  const hashes = hashesOf(blocks);
  assert.equal(new Set(hashes).size, blocks.count);
  assert.ok(hashes.every((hash) => Number.isSafeInteger(hash) && hash > 0));
  // Each of the 53 bits is set in about half of them: 6 standard deviations are 2.1 %.
  for (let bit = 0; bit < 53; bit++) {
    const set = hashes.filter((hash) => Math.floor(hash / 2 ** bit) % 2 === 1).length;
    assert.ok(Math.abs(set / blocks.count - 0.5) < 0.021, `bit ${bit}: ${set}`);
  }
});
