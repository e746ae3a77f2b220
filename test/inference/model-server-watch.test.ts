/** What a model server says of itself, read as the gateway reads it; and all the ways in which it can misbehave. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { test, type TestContext } from "node:test";
import type { ModelServer } from "../../src/cli/model-server/model-server.ts";
import type { EngineReport } from "../../src/core/inference/policy/inference-policy.ts";
import { EngineExtractor } from "../../src/edge/scrape/engine-extractor.ts";
import { Scraper } from "../../src/edge/scrape/scraper.ts";
import { RTX4090_8B } from "../../src/sim/engine/profiles.ts";
import { createPrng } from "../../src/std/prng.ts";
import { ask, MODEL, modelServer, sampleIn, textOf, user } from "../kit/model-server.ts";
import { waitUntil } from "../kit/wait.ts";

/** The newest report of the gateway's own reader. */
function watch(t: TestContext, server: ModelServer): { report: EngineReport | undefined; faults: string[] } {
  const seen: { report: EngineReport | undefined; faults: string[] } = { report: undefined, faults: [] };
  const scraper = new Scraper<EngineReport>({
    prng: createPrng(1),
    clock: () => performance.now(),
    reported: (_key, report) => (seen.report = report),
    failed: (_key, fault) => seen.faults.push(fault),
    defect: assert.ifError,
    rhythm: { movingMs: 20, steadyMs: 20, idleMs: 20 },
  });
  t.after(() => scraper.close());
  scraper.follow([
    {
      key: "e",
      address: server.host,
      port: server.port,
      path: "/metrics",
      extractor: () => new EngineExtractor(undefined, (name) => name.length),
    },
  ]);
  return seen;
}

/** Streams that last; aborted with the test. */
function load(t: TestContext, server: ModelServer, count: number): Promise<string>[] {
  const leave = new AbortController();
  t.after(() => leave.abort());
  return Array.from({ length: count }, (_, index) =>
    ask(
      server,
      "/v1/chat/completions",
      {
        model: MODEL,
        messages: [user(textOf(100, index))],
        max_tokens: 500,
        ignore_eos: true,
        stream: true,
      },
      { signal: leave.signal },
    ).then(
      ({ isCut }) => (isCut ? "cut" : "whole"),
      (error: unknown) => (error as NodeJS.ErrnoException).code ?? "failed",
    ),
  );
}

test("the gateway's reader sees what the engine has", async (t) => {
  const profile = { ...RTX4090_8B, sequencesMax: 3 };
  const server = await modelServer(t, { profile, speed: 1, adapters: ["sql"] });
  const seen = watch(t, server);
  void load(t, server, 5);
  await waitUntil(() => seen.report?.running === 3, "three running");
  await waitUntil(() => seen.report?.waiting === 2, "two waiting");
  const truth = server.metrics();
  const { report } = seen;
  assert.equal(report?.blockTokens, 16);
  assert.equal(report?.blocksTotal, truth.num_gpu_blocks);
  const usedRatio = report?.kvUsedRatio ?? 0;
  assert.ok(usedRatio > 0 && usedRatio <= truth["vllm:kv_cache_usage_perc"]);
  assert.equal(report?.adaptersRunning, undefined);
  assert.deepEqual(seen.faults, []);
  const { text } = await ask(server, "/metrics?name[]=vllm:num_requests_running");
  assert.equal(text.split("\n").length, 4);
  assert.equal(sampleIn(text, "vllm:num_requests_running"), 3);
});

test("load in the answer's head, in the format that was asked for, and not in streams", async (t) => {
  const server = await modelServer(t);
  const head = async (format: string, stream = false): Promise<unknown> => {
    const body = { model: MODEL, prompt: "x", max_tokens: 1, stream };
    const headers = { "endpoint-load-metrics-format": format };
    return (await ask(server, "/v1/completions", body, { headers })).headers["endpoint-load-metrics"];
  };
  assert.match(
    String(await head("TEXT")),
    /^named_metrics\.kv_cache_usage_perc=[\d.]+, named_metrics\.num_requests_waiting=0/,
  );
  const json = JSON.parse(String(await head("json"))) as { named_metrics: Record<string, number> };
  assert.equal(json.named_metrics["num_requests_waiting"], 0);
  assert.equal(await head("bin"), undefined);
  assert.equal(await head("json", true), undefined);
});

test("it can lie, and go on telling an old story", async (t) => {
  const server = await modelServer(t, { speed: 1 });
  const running = async (): Promise<number> =>
    sampleIn((await ask(server, "/metrics")).text, "vllm:num_requests_running");
  void load(t, server, 2);
  await waitUntil(async () => (await running()) === 2, "two running");
  await server.misbehave({ metrics: "lying" });
  assert.equal(await running(), 0);
  assert.equal(server.metrics()["vllm:num_requests_running"], 2);
  await server.misbehave({ metrics: "stale" });
  void load(t, server, 2);
  await waitUntil(() => server.metrics()["vllm:num_requests_running"] === 4, "four in truth");
  assert.equal(await running(), 2);
  await server.misbehave({ metrics: "true" });
  assert.equal(await running(), 4);
});

test("it can hang, and go on where it stood", async (t) => {
  const server = await modelServer(t);
  await server.misbehave({ isHanging: true });
  let isAnswered = false;
  const asked = ask(server, "/v1/completions", { model: MODEL, prompt: "x", max_tokens: 4 }).then((reply) => {
    isAnswered = true;
    return reply;
  });
  await waitUntil(() => server.inside() === 1, "the request inside");
  assert.equal((await ask(server, "/health")).status, 200);
  await new Promise((resolve) => void setTimeout(resolve, 50));
  assert.equal(isAnswered, false);
  await server.misbehave({ isHanging: false });
  assert.equal((await asked).status, 200);
});

test("it can be slow", async (t) => {
  const server = await modelServer(t);
  const whole = async (): Promise<number> => {
    const before = sampleIn((await ask(server, "/metrics")).text, "vllm:e2e_request_latency_seconds_sum");
    await ask(server, "/v1/completions", { model: MODEL, prompt: "x", max_tokens: 50, ignore_eos: true });
    return sampleIn((await ask(server, "/metrics")).text, "vllm:e2e_request_latency_seconds_sum") - before;
  };
  const well = await whole();
  await server.misbehave({ slowFactor: 8 });
  const slow = await whole();
  assert.ok(Math.abs(slow / well - 8) < 0.5, `${slow} s after ${well} s`);
});

test("it can refuse everything", async (t) => {
  const server = await modelServer(t);
  await server.misbehave({ status: 503 });
  assert.equal((await ask(server, "/health")).status, 503);
  const { status, json } = await ask(server, "/v1/messages", {
    model: MODEL,
    messages: [user("x")],
    max_tokens: 1,
  });
  assert.deepEqual([status, json.error.type], [503, "overloaded_error"]);
  await server.misbehave({ status: 0 });
  assert.equal((await ask(server, "/health")).status, 200);
});

test("it can crash in the middle of streams, and come back empty on the same port", async (t) => {
  const server = await modelServer(t, { speed: 1 });
  const { port } = server;
  const streams = load(t, server, 3);
  await waitUntil(() => server.metrics()["vllm:generation_tokens_total"] > 3, "streams under way");
  await server.misbehave({ isDown: true });
  assert.deepEqual(await Promise.all(streams), ["cut", "cut", "cut"]);
  await assert.rejects(ask(server, "/health"), { code: "ECONNREFUSED" });
  await server.misbehave({ isDown: false });
  assert.equal(server.port, port);
  assert.equal((await ask(server, "/health")).status, 200);
  assert.equal(server.metrics()["vllm:generation_tokens_total"], 0);
});

test("as a process it is told what to do by lines, and ends when nobody can tell it any more", async (t) => {
  const main = path.join(import.meta.dirname, "../../src/cli/model-server/main.ts");
  const child = spawn(process.execPath, [main, "--port", "0,0", "--name", "e", "--event-port", "0"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const ended = once(child, "exit");
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const { servers } = JSON.parse(line.toString()) as { servers: { port: number; publish: number }[] };
  assert.equal(servers.length, 2);
  const health = async (index: number): Promise<number> =>
    (await fetch(`http://127.0.0.1:${servers[index]!.port}/health`)).status;
  assert.equal(await health(1), 200);
  child.stdin.write(`${JSON.stringify({ server: 1, behaviour: { status: 503 } })}\n`);
  await waitUntil(async () => (await health(1)) === 503, "503");
  assert.equal(await health(0), 200);
  child.stdin.end();
  assert.deepEqual(await ended, [0, null]);
});
