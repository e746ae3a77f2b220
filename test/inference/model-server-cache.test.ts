/** The model server's cache: what usage says is cached is what events told, and adapters and salts keep apart. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { ModelServer } from "../../src/cli/model-server/model-server.ts";
import { DEFAULT_CACHE_EVENTS, type ModelServerOptions } from "../../src/cli/model-server/options.ts";
import { hashBlocks } from "../../src/cli/model-server/token-blocks.ts";
import { tokensInBody } from "../../src/edge/kv-events/tokeniser.ts";
import { EventSubscriber } from "../../src/edge/kv-events/subscriber.ts";
import { RTX4090_8B } from "../../src/sim/engine/profiles.ts";
import { createPrng } from "../../src/std/prng.ts";
import { ask, MODEL, modelServer, textOf, user } from "../kit/model-server.ts";
import { waitUntil } from "../kit/wait.ts";

const BLOCK = 16;

/** What an engine's events say it holds. */
class Held {
  readonly hashes = new Map<number, { readonly tokens: readonly number[]; readonly adapter: string }>();
  readonly salts = new Set<string>();
  cleared = 0;
  removed = 0;

  static follow(t: TestContext, server: ModelServer): Held {
    const held = new Held();
    const subscriber = new EventSubscriber({
      prng: createPrng(1),
      clock: () => performance.now(),
      defect: assert.ifError,
      listener: {
        stored: (_key, { hashes, count, parent, tokens, tokenCount, blockTokens, adapter, extras }) => {
          assert.equal(blockTokens, BLOCK);
          assert.equal(tokenCount, count * BLOCK);
          if (parent !== undefined) assert.ok(held.hashes.has(parent), "a block whose parent nobody told");
          for (let i = 0; i < count; i++) {
            held.hashes.set(hashes[i]!, {
              tokens: [...tokens.subarray(i * BLOCK, (i + 1) * BLOCK)],
              adapter,
            });
          }
          if (extras?.[0] !== undefined) held.salts.add(extras[0]);
        },
        removed: (_key, { hashes, count }) => {
          held.removed += count;
          for (const hash of hashes.subarray(0, count)) assert.ok(held.hashes.delete(hash));
        },
        cleared: () => held.clear(),
        gap: () => held.clear(),
      },
    });
    t.after(() => subscriber.close());
    const { publish, replay } = server.cachePorts!;
    const source = { address: server.host, port: publish, replayPort: replay, topic: "" };
    subscriber.follow([{ endpointKey: "e", ...source }]);
    return held;
  }

  clear(): void {
    this.hashes.clear();
    this.cleared++;
  }

  /** Tokens of a prompt that are held from its beginning. */
  cachedOf(tokens: readonly number[], adapter = ""): number {
    const hashes = hashBlocks(Int32Array.from(tokens), BLOCK, adapter, "");
    let found = 0;
    while (found < hashes.length && this.hashes.has(hashes[found]!)) found++;
    // Never the last token.
    return BLOCK * Math.min(found, Math.floor((tokens.length - 1) / BLOCK));
  }
}

async function withEvents(
  t: TestContext,
  options: Partial<ModelServerOptions> = {},
): Promise<{ readonly server: ModelServer; readonly held: Held }> {
  const server = await modelServer(t, { cacheEvents: DEFAULT_CACHE_EVENTS, ...options });
  return { server, held: Held.follow(t, server) };
}

async function tokensOf(server: ModelServer, body: object): Promise<readonly number[]> {
  return (await ask(server, "/tokenize", body)).json.tokens as number[];
}

test("the second turn finds the first one's prompt and answer, and events told so before", async (t) => {
  const { server, held } = await withEvents(t);
  const messages: object[] = [{ role: "system", content: textOf(200) }];
  let expected = 0;
  for (let turn = 0; turn < 4; turn++) {
    messages.push(user(textOf(30, turn + 1)));
    const body = { model: MODEL, messages, max_tokens: 40, ignore_eos: true };
    const tokens = await tokensOf(server, body);
    await waitUntil(
      () => held.cachedOf(tokens) === expected,
      () => `${expected} tokens held, but ${held.cachedOf(tokens)}`,
    );
    const { json } = await ask(server, "/v1/chat/completions", body);
    assert.equal(json.usage.prompt_tokens, tokens.length);
    assert.equal(json.usage.prompt_tokens_details.cached_tokens, expected);
    const answer = json.choices[0].message.content as string;
    messages.push({ role: "assistant", content: answer });
    // All of the prompt and of the answer but its last token, in whole blocks.
    expected = BLOCK * Math.floor((tokens.length + 40 - 1) / BLOCK);
  }
  const metrics = server.metrics();
  assert.ok(metrics["vllm:prefix_cache_hits_total"] > 0.5 * metrics["vllm:prefix_cache_queries_total"]);
});

test("events and usage agree under pressure: blocks are removed, and what is left is what is found", async (t) => {
  // 125 blocks: some six of these prompts.
  const { server, held } = await withEvents(t, { profile: { ...RTX4090_8B, kvTokens: 2000 } });
  const prng = createPrng(7);
  let asked = 0;
  let cached = 0;
  for (let round = 0; round < 60; round++) {
    const which = prng.below(9);
    const prompt = await tokensOf(server, { model: MODEL, prompt: textOf(300, which) });
    // The batch of a step is out before its answers are; it has only to arrive.
    const page = server.metrics();
    const { json } = await ask(server, "/v1/completions", {
      model: MODEL,
      prompt: [...prompt],
      max_tokens: 2,
    });
    const { cached_tokens: found } = json.usage.prompt_tokens_details;
    assert.equal(
      found,
      server.metrics()["vllm:prefix_cache_hits_total"] - page["vllm:prefix_cache_hits_total"],
    );
    asked += prompt.length;
    cached += found;
    await waitUntil(
      () => held.cachedOf(prompt) === BLOCK * Math.floor((prompt.length - 1) / BLOCK),
      () => `round ${round}: all of the prompt held, but ${held.cachedOf(prompt)}`,
    );
    const next = await tokensOf(server, { model: MODEL, prompt: textOf(300, prng.below(9)) });
    const told = held.cachedOf(next);
    const again = await ask(server, "/v1/completions", { model: MODEL, prompt: [...next], max_tokens: 1 });
    assert.equal(again.json.usage.prompt_tokens_details.cached_tokens, told);
    await waitUntil(() => held.cachedOf(next) >= 288, "its blocks told");
  }
  assert.ok(held.removed > 0 && cached > 0 && cached < asked);
});

test("a prompt of tokens is cached as its text is", async (t) => {
  const server = await modelServer(t);
  const tokens = await tokensOf(server, { model: MODEL, prompt: textOf(100) });
  await ask(server, "/v1/completions", { model: MODEL, prompt: textOf(100), max_tokens: 1 });
  const body = JSON.stringify({ model: MODEL, prompt: tokens, max_tokens: 1 });
  assert.deepEqual([...tokensInBody(Buffer.from(body))!], tokens);
  const { json } = await ask(server, "/v1/completions", body);
  assert.equal(json.usage.prompt_tokens_details.cached_tokens, 96);
});

test("adapters are models, have caches of their own, and cost time to load", async (t) => {
  const { server, held } = await withEvents(t, {
    adapters: ["sql", "poet"],
    adapterPlaces: 1,
    adapterLoadMs: 500,
  });
  const list = (await ask(server, "/v1/models")).json.data as { id: string; parent: string | null }[];
  assert.deepEqual(
    list.map(({ id, parent }) => [id, parent]),
    [
      [MODEL, null],
      ["sql", MODEL],
      ["poet", MODEL],
    ],
  );
  assert.doesNotMatch((await ask(server, "/metrics")).text, /lora_requests_info\{/);
  const cachedFor = async (model: string): Promise<number> => {
    const { json } = await ask(server, "/v1/completions", { model, prompt: textOf(64), max_tokens: 1 });
    return json.usage.prompt_tokens_details.cached_tokens as number;
  };
  assert.deepEqual([await cachedFor("sql"), await cachedFor("sql"), await cachedFor("poet")], [0, 64, 0]);
  const page = (await ask(server, "/metrics")).text;
  assert.match(
    page,
    /lora_requests_info\{max_lora="1",running_lora_adapters="poet",waiting_lora_adapters=""\}/,
  );
  assert.equal(/time_to_first_token_seconds_bucket\{le="0.5"\S* (\d+)/.exec(page)?.[1], "1");
  await waitUntil(() => held.hashes.size === 8, "blocks of both");
  assert.deepEqual([...held.hashes.values()].map(({ adapter }) => adapter).toSorted(), [
    ...Array.from({ length: 4 }, () => "poet"),
    ...Array.from({ length: 4 }, () => "sql"),
  ]);
  assert.equal(
    (await ask(server, "/v1/load_lora_adapter", { lora_name: "law", lora_path: "x" })).status,
    200,
  );
  assert.equal(
    (await ask(server, "/v1/load_lora_adapter", { lora_name: "law", lora_path: "x" })).status,
    400,
  );
  assert.equal(await cachedFor("law"), 0);
  assert.equal((await ask(server, "/v1/unload_lora_adapter", { lora_name: "law" })).status, 200);
  assert.equal((await ask(server, "/v1/completions", { model: "law", prompt: "x" })).status, 404);
});

test("a salt keeps caches apart", async (t) => {
  const { server, held } = await withEvents(t);
  const cachedFor = async (salt: string): Promise<number> => {
    const body = { model: MODEL, prompt: textOf(64), max_tokens: 1, cache_salt: salt };
    const { json } = await ask(server, "/v1/completions", body);
    return json.usage.prompt_tokens_details.cached_tokens as number;
  };
  assert.deepEqual([await cachedFor("a"), await cachedFor("b"), await cachedFor("a")], [0, 0, 64]);
  await waitUntil(() => held.salts.size === 2, "both salts");
});

test("what was told before somebody listens is replayed, and a crash clears it", async (t) => {
  const server = await modelServer(t, { cacheEvents: { ...DEFAULT_CACHE_EVENTS, topic: "kv@e@m" } });
  await ask(server, "/v1/completions", { model: MODEL, prompt: textOf(64), max_tokens: 1 });
  const held = Held.follow(t, server);
  await waitUntil(() => held.hashes.size === 4, "four blocks replayed");
  await server.misbehave({ isDown: true });
  await server.misbehave({ isDown: false });
  await waitUntil(() => held.hashes.size === 0, "nothing held");
  const { json } = await ask(server, "/v1/completions", { model: MODEL, prompt: textOf(64), max_tokens: 1 });
  assert.equal(json.usage.prompt_tokens_details.cached_tokens, 0);
  await waitUntil(() => held.hashes.size === 4, "four blocks anew");
});
