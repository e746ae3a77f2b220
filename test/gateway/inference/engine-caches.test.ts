/**
 * Simulated engines behind the running gateway: prompts follow their caches, as those are, not as the gateway has filled them; and
 * adapters are known by the engines' lists.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startModelServer } from "../../../src/cli/model-server/model-server.ts";
import { DEFAULT_CACHE_EVENTS } from "../../../src/cli/model-server/options.ts";
import { startGateway, type TestGateway } from "../../kit/gateway.ts";
import { portsInARow } from "../../kit/ports.ts";
import { exchangeOnce } from "../../kit/raw-client.ts";
import { enginePool, poolRule } from "../../kit/scripted-engine.ts";
import { waitUntil } from "../../kit/wait.ts";
import { adminPage } from "../life/admin-pages.ts";
import { postBytes } from "./model-stage.ts";

interface EnginePage {
  readonly key: string;
  readonly engine: {
    readonly reportAgeMs: number | null;
    readonly models: number | null;
    readonly cacheEvents: { readonly fault: string | null; readonly blocks: number };
  };
}

async function pages(gateway: TestGateway): Promise<readonly EnginePage[]> {
  const { text } = await adminPage(gateway.adminPort, "/debug/pools");
  return (JSON.parse(text) as { pools: { endpoints: readonly EnginePage[] }[] }).pools[0]!.endpoints;
}

for (const model of ["llama-3.1-8b", "sql"]) {
  test(`a prompt for ${model} goes where its prefix is, though it came there by another way`, async (t) => {
    const count = 3;
    const first = await portsInARow(2 * count);
    const servers = await Promise.all(
      Array.from({ length: count }, (_, rank) =>
        startModelServer({
          name: String(rank),
          speed: 20,
          adapters: ["sql"],
          answers: { mean: 4, sigma: 0 },
          cacheEvents: { ...DEFAULT_CACHE_EVENTS, port: first + rank, replayPort: first + count + rank },
        }),
      ),
    );
    t.after(() => Promise.all(servers.map((server) => server.close())));
    // A policy that weighs nothing else: at twenty times the speed a prefill is soon less than the chances of a busy machine.
    const kvEvents = { port: first, replayPort: first + count };
    await using gateway = await startGateway({
      pools: {},
      rules: [poolRule("models")],
      more: enginePool("models", servers, { policy: "LeastUncached", kvEvents }),
    });
    const areFollowed = async (): Promise<boolean> =>
      (await pages(gateway)).every(
        ({ engine }) =>
          engine.reportAgeMs !== null && engine.models === 2 && engine.cacheEvents.fault === null,
      );
    await waitUntil(areFollowed, "all engines to be followed");

    const content = Array.from({ length: 600 }, (_, n) => `word ${n}`).join(" ");
    const chat = { model, max_tokens: 4, messages: [{ role: "user", content }] };
    const bytes = postBytes("/v1/chat/completions", chat);
    const askAt = async (port: number): Promise<number> => {
      const answer = await exchangeOnce(port, bytes, { method: "POST" });
      assert.equal(answer.status, 200, answer.text);
      return Number(answer.header("x-endpoint"));
    };
    const blocksOf = async (rank: number): Promise<number> => {
      const all = await pages(gateway);
      return all.find(({ key }) => key === `127.0.0.1:${servers[rank]!.port}`)!.engine.cacheEvents.blocks;
    };

    let holder = await askAt(gateway.port);
    await waitUntil(async () => (await blocksOf(holder)) > 50, "the events of the first");
    assert.equal(await askAt(gateway.port), holder, "it stays where it was");

    // Who holds it loses its cache, and another is asked by somebody else. Several times, so that chance cannot be right.
    for (const step of [1, 2, 2, 1, 1]) {
      await servers[holder]!.misbehave({ isDown: true });
      await servers[holder]!.misbehave({ isDown: false });
      await waitUntil(async () => (await blocksOf(holder)) === 0 && (await areFollowed()), "the new life");
      holder = (holder + step) % count;
      assert.equal(await askAt(servers[holder]!.port), holder);
      await waitUntil(async () => (await blocksOf(holder)) > 50, "the events of the other");
      assert.equal(await askAt(gateway.port), holder);
    }
  });
}
