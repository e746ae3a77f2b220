/**
 * What engines say of themselves reaches the running gateway's decisions: metrics pages, cache events, both failing, both coming
 * and going with reloads.
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, test, type TestContext } from "node:test";
import { startGateway, type TestGateway } from "../../kit/gateway.ts";
import { portsInARow } from "../../kit/ports.ts";
import { exchangeOnce } from "../../kit/raw-client.ts";
import {
  enginePool,
  poolRule,
  ScriptedEngine,
  type ScriptedEngineOptions,
} from "../../kit/scripted-engine.ts";
import { waitUntil } from "../../kit/wait.ts";
import { adminPage, metric } from "../life/admin-pages.ts";
import { postBytes } from "./model-stage.ts";

const POOL = "default/models";

async function engines(t: TestContext, ...all: readonly ScriptedEngineOptions[]): Promise<ScriptedEngine[]> {
  const started = await Promise.all(all.map((options) => ScriptedEngine.start(options)));
  t.after(() => Promise.all(started.map((engine) => engine.close())));
  return started;
}

const setup = (pool: readonly ScriptedEngine[], policy: object = {}): Parameters<typeof startGateway>[0] => ({
  pools: {},
  rules: [poolRule("models")],
  more: enginePool("models", pool, policy),
});

/** Engines that publish cache events on ports in a row, and the pool's `kvEvents`. */
async function publishing(
  t: TestContext,
  count: number,
  options: ScriptedEngineOptions,
): Promise<{ readonly pool: ScriptedEngine[]; readonly policy: object }> {
  const first = await portsInARow(2 * count);
  const ports = (rank: number) => ({ publish: first + rank, replay: first + count + rank });
  const each = Array.from({ length: count }, (_, rank) => ({ ...options, cachePorts: ports(rank) }));
  const pool = await engines(t, ...each);
  return { pool, policy: { kvEvents: { port: first, replayPort: first + count } } };
}

interface EnginePage {
  readonly key: string;
  readonly engine: {
    readonly waiting: number | null;
    readonly reportAgeMs: number | null;
    readonly scrapeFault: string | null;
    readonly models: number | null;
    readonly cacheEvents: { readonly fault: string | null; readonly blocks: number } | null;
  } | null;
}

async function enginePages(gateway: TestGateway): Promise<readonly EnginePage[]> {
  const { text } = await adminPage(gateway.adminPort, "/debug/pools");
  return (JSON.parse(text) as { pools: { endpoints: readonly EnginePage[] }[] }).pools[0]!.endpoints;
}

/** Of one that is followed. */
async function engineOf(
  gateway: TestGateway,
  { key }: ScriptedEngine,
): Promise<NonNullable<EnginePage["engine"]>> {
  const page = (await enginePages(gateway)).find((each) => each.key === key);
  assert.ok(page?.engine, `${key} is followed`);
  return page.engine;
}

const all = async (gateway: TestGateway, holds: (page: EnginePage) => boolean): Promise<boolean> =>
  (await enginePages(gateway)).every(holds);

async function ask(gateway: TestGateway, prompt: string | readonly number[]): Promise<void> {
  const bytes = postBytes("/v1/completions", { model: "m", prompt });
  assert.equal((await exchangeOnce(gateway.port, bytes, { method: "POST" })).status, 200);
}

/** Which engine of the pool takes the prompt. */
async function taker(
  gateway: TestGateway,
  pool: readonly ScriptedEngine[],
  prompt: string | readonly number[],
): Promise<number> {
  const before = pool.map(({ prompts }) => prompts);
  await ask(gateway, prompt);
  return pool.findIndex(({ prompts }, index) => prompts > before[index]!);
}

/** A token for each four characters, so that tokens and bytes go evenly. */
function tokensOf(text: string): readonly number[] {
  return Array.from({ length: Math.ceil(text.length / 4) }, (_, n) =>
    Buffer.from(text.slice(4 * n, 4 * n + 4)).reduce((sum, byte) => sum * 31 + byte, 7),
  );
}

describe("what engines say", { concurrency: true }, () => {
  test("an engine whose page says that many wait there is spared, and one that has recovered is not", async (t) => {
    const pool = await engines(t, {}, {}, {});
    pool.forEach((engine) => engine.change({ answerMs: 150 }));
    pool[0]!.change({ figures: { running: 20, waiting: 50, kvUsedRatio: 0.9 } });
    await using gateway = await startGateway(setup(pool));
    await waitUntil(
      async () => (await engineOf(gateway, pool[0]!)).waiting === 50,
      "the report of 50 waiting",
    );
    // All at once, so that no answer has taught anything yet.
    const burst = (): Promise<unknown> =>
      Promise.all(Array.from({ length: 24 }, (_, n) => ask(gateway, `${n} prompt`)));
    await burst();
    const [loaded = 0, ...others] = pool.map(({ prompts }) => prompts);
    assert.ok(loaded <= 2 && others.every((count) => count >= 8), `${loaded} beside ${others.join()}`);
    const series = `{pool="${POOL}",endpoint="${pool[0]!.key}"}`;
    assert.equal(await metric(gateway.adminPort, `plimsoll_engine_waiting${series}`), 50);
    assert.equal(await metric(gateway.adminPort, `plimsoll_engine_kv_used_ratio${series}`), 0.9);
    assert.ok((await metric(gateway.adminPort, `plimsoll_engine_report_age_seconds${series}`)) < 10);
    pool[0]!.change({ figures: { running: 0, waiting: 0, kvUsedRatio: 0 } });
    await waitUntil(
      async () => (await engineOf(gateway, pool[0]!)).waiting === 0,
      "the report of none waiting",
    );
    await burst();
    assert.ok(pool[0]!.prompts - loaded >= 5, `${pool[0]!.prompts - loaded} of 24 to the recovered`);
    assert.equal(await metric(gateway.adminPort, `plimsoll_prompts_total{pool="${POOL}"}`), 48);
    const tokens = (kind: string) => `plimsoll_prompt_tokens_total{pool="${POOL}",kind="${kind}"}`;
    assert.equal(await metric(gateway.adminPort, tokens("prompt")), 4_800);
    assert.equal(await metric(gateway.adminPort, tokens("output")), 96);
  });

  test("pages that hang, fail or make no sense stop nothing", async (t) => {
    const frozen = { running: 9, waiting: 40, kvUsedRatio: 0.99 };
    const pool = await engines(
      t,
      { metrics: "hang" },
      { metrics: "500" },
      { metrics: "nonsense" },
      { figures: frozen },
    );
    await using gateway = await startGateway(setup(pool));
    const failures = `plimsoll_scrape_failures_total{pool="${POOL}"}`;
    await waitUntil(async () => (await metric(gateway.adminPort, failures)) >= 4, "failures");
    await waitUntil(async () => (await engineOf(gateway, pool[3]!)).reportAgeMs !== null, "one report");
    pool[3]!.change({ metrics: "hang" });
    for (let n = 0; n < 60; n++) await ask(gateway, `${n} prompt`);
    const counts = pool.map(({ prompts }) => prompts);
    assert.equal(
      counts.reduce((sum, count) => sum + count),
      60,
    );
    assert.ok(
      counts.slice(0, 3).every((count) => count > 0),
      `served by those without pages too: ${counts.join()}`,
    );
    // Its last page tells of a queue for ever; its answers come at once, and are believed in the end.
    await waitUntil(async () => {
      await Promise.all(Array.from({ length: 8 }, (_, n) => ask(gateway, `${n} of many`)));
      return pool[3]!.prompts > 0;
    }, "the frozen one to be used");
    const faultOf = async (index: number): Promise<string | null> =>
      (await engineOf(gateway, pool[index]!)).scrapeFault;
    assert.deepEqual([await faultOf(1), await faultOf(2)], ["status 500", "nothing wanted in the page"]);
  });

  test("a prompt sent to a resting engine brings its next page near", async (t) => {
    const pool = await engines(t, {});
    await using gateway = await startGateway(setup(pool));
    const [engine] = pool;
    // Idle pages double the period: 500 ms, 1 s, 2 s, ...
    await waitUntil(() => engine!.count("GET /metrics") >= 3, "three pages");
    const before = engine!.count("GET /metrics");
    const startedMs = performance.now();
    await ask(gateway, "a prompt");
    await waitUntil(() => engine!.count("GET /metrics") > before, "the next page");
    assert.ok(performance.now() - startedMs < 1_500, "sooner than the two seconds of its rest");
  });

  test("prompts follow what caches hold, whoever filled them: token ids", async (t) => {
    const { pool, policy } = await publishing(t, 4, { models: [{ id: "m" }] });
    await using gateway = await startGateway(setup(pool, policy));
    await waitUntil(
      () => all(gateway, ({ engine }) => engine!.cacheEvents!.fault === null && engine!.models === 1),
      "events and lists",
    );
    const prompt = Array.from({ length: 1_024 }, (_, n) => 1_000 + ((n * 7_919) % 50_000));
    const first = await taker(gateway, pool, prompt);
    assert.equal(await taker(gateway, pool, prompt), first, "where the gateway itself has sent it");
    for (const other of [1, 2, 3].map((step) => (first + step) % 4)) {
      for (const engine of pool) engine.clear();
      // Each is told to have computed it for somebody else.
      pool[other]!.store(prompt);
      await waitUntil(async () => {
        const holds = await Promise.all(pool.map((engine) => engineOf(gateway, engine)));
        return holds.every(({ cacheEvents }, index) => cacheEvents!.blocks === (index === other ? 64 : 0));
      }, "the events to come");
      assert.equal(await taker(gateway, pool, prompt), other);
      assert.equal(await taker(gateway, pool, [...prompt, 5, 6, 7]), other);
    }
    const events = (event: string) => `plimsoll_cache_events_total{pool="${POOL}",event="${event}"}`;
    assert.equal(await metric(gateway.adminPort, events("stored")), 3);
    assert.equal(await metric(gateway.adminPort, events("cleared")), 12);
  });

  test("prompts follow what caches hold, whoever filled them: text, by the engine's tokeniser", async (t) => {
    const tokenise = (body: Readonly<Record<string, unknown>>): readonly number[] =>
      tokensOf(body["prompt"] as string);
    const { pool, policy } = await publishing(t, 3, { models: [{ id: "m" }], tokenise });
    await using gateway = await startGateway(setup(pool, policy));
    await waitUntil(
      () => all(gateway, ({ engine }) => engine!.cacheEvents!.fault === null && engine!.models === 1),
      "events and lists",
    );
    const prompt = Array.from({ length: 400 }, (_, n) => `word ${n} `).join("");
    const first = await taker(gateway, pool, prompt);
    await waitUntil(
      () => pool.reduce((sum, engine) => sum + engine.count("POST /tokenize"), 0) === 1,
      "the question",
    );
    const other = (first + 1) % 3;
    for (const engine of pool) engine.clear();
    pool[other]!.store(tokensOf(prompt));
    await waitUntil(
      async () => (await engineOf(gateway, pool[other]!)).cacheEvents!.blocks > 0,
      "the events to come",
    );
    // The question's answer may still be on its way.
    await waitUntil(async () => (await taker(gateway, pool, prompt)) === other, "the prompt to follow");
    const asked = pool.reduce((sum, engine) => sum + engine.count("POST /tokenize"), 0);
    assert.equal(asked, 1, "what is known is not asked again");
  });

  test("a tokeniser that is not there, and events that do not come, cost no request", async (t) => {
    const first = await portsInARow(2);
    const pool = await engines(t, { models: [{ id: "m" }] }, { models: [{ id: "m" }] });
    await using gateway = await startGateway(setup(pool, { kvEvents: { port: first } }));
    await waitUntil(() => all(gateway, ({ engine }) => engine!.models === 1), "lists");
    const startedMs = performance.now();
    for (let n = 0; n < 30; n++) await ask(gateway, `${n} `.repeat(200));
    const asked = pool.reduce((sum, engine) => sum + engine.count("POST /tokenize"), 0);
    // One, then after 1 s, 2 s, 4 s: each engine is left alone for longer.
    const seconds = (performance.now() - startedMs) / 1000;
    assert.ok(asked <= 2 * (1 + Math.log2(1 + seconds)), `${asked} questions in ${seconds} s`);
    assert.ok(await all(gateway, ({ engine }) => engine!.cacheEvents!.fault !== null));
  });

  test("reloads bring engines in and let them go; after the stop nothing is left", async (t) => {
    const { pool, policy } = await publishing(t, 3, { models: [{ id: "m" }] });
    const [a, b, c] = pool as [ScriptedEngine, ScriptedEngine, ScriptedEngine];
    const gateway = await startGateway(setup([a, b], policy));
    t.after(() => gateway[Symbol.asyncDispose]());
    const isFollowed = ({ engine }: EnginePage): boolean =>
      engine?.reportAgeMs !== null && engine?.models === 1 && engine.cacheEvents?.fault === null;
    await waitUntil(() => all(gateway, isFollowed), "two engines to be followed");
    assert.equal(c.asks, 0);
    const prompt = Array.from({ length: 512 }, (_, n) => n + 1);
    b.store(prompt);
    await waitUntil(async () => (await engineOf(gateway, b)).cacheEvents!.blocks === 32, "blocks");

    assert.ok(await gateway.rewrite(setup([c], { metrics: { path: "/metrics" } })));
    await waitUntil(() => b.sockets.size === 0, "the connections of one that left to end");
    const asks = b.asks;
    await waitUntil(async () => {
      const [page, ...more] = await enginePages(gateway);
      return more.length === 0 && page!.key === c.key && page!.engine!.reportAgeMs !== null;
    }, "the new one to be followed");
    assert.equal((await engineOf(gateway, c)).cacheEvents, null, "nobody listens any more");

    assert.ok(await gateway.rewrite(setup([b], { kvEvents: { port: b.options.cachePorts!.publish } })));
    await waitUntil(async () => (await enginePages(gateway)).length === 1, "the reload");
    await waitUntil(() => b.asks > asks, "the old one to be followed again");
    const { cacheEvents } = await engineOf(gateway, b);
    assert.equal(cacheEvents?.blocks, 0, "no replay is configured, so what it held is not known any more");

    await gateway.stop();
    await waitUntil(() => [b, c].every(({ sockets }) => sockets.size === 0), "all connections to end");
    const after = [b.asks, c.asks];
    // Longer than any period near at hand.
    await sleep(700);
    assert.deepEqual([b.asks, c.asks], after);
  });
});
