/**
 * Prompts explained by a real gateway: with the body read as the data path reads it, before they are sent and afterwards.
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { PastDecision } from "../../../src/app/explain-decision.ts";
import type { ReadPrompt } from "../../../src/app/explain-prompt.ts";
import type { BackendExplanation, RequestExplanation } from "../../../src/app/explain-request.ts";
import { explainFromFiles } from "../../../src/cli/explain/from-files.ts";
import { PROMPT_BYTES_MAX } from "../../../src/app/inference/prompt-intake.ts";
import { command } from "../../explain/stage.ts";
import { answer } from "../../kit/behaviours.ts";
import { INFERENCE_GROUP as GROUP } from "../../kit/inference-pool.ts";
import { chatAnswer, promptsOf, setModelStage, type ModelStage } from "./model-stage.ts";

const CHAT = "/v1/chat/completions";
/** Says nothing of caches, so that they are what was sent there. */
const USAGE = { prompt_tokens: 900, completion_tokens: 7 };

function chat(content: string, more: object = {}): object {
  return { model: "m", messages: [{ role: "user", content }], ...more };
}

function adminOf({ gateway }: ModelStage): string {
  return `http://127.0.0.1:${gateway.adminPort}`;
}

async function askPage(
  stage: ModelStage,
  body: string | undefined,
  ...headers: readonly string[]
): Promise<Response> {
  const query = new URLSearchParams({
    request: `POST http://a.test${CHAT}`,
    port: String(stage.gateway.port),
  });
  for (const header of headers) query.append("header", header);
  const init = body === undefined ? {} : { method: "POST", body };
  return fetch(`${adminOf(stage)}/debug/explain?${query.toString()}`, init);
}

async function explain(
  stage: ModelStage,
  body: object | string,
  ...headers: readonly string[]
): Promise<RequestExplanation> {
  const response = await askPage(stage, typeof body === "string" ? body : JSON.stringify(body), ...headers);
  assert.equal(response.status, 200);
  return (await response.json()) as RequestExplanation;
}

function backendOf({ backends }: RequestExplanation): BackendExplanation & { readonly prompt: ReadPrompt } {
  const [backend] = backends;
  assert.ok(backend?.prompt?.kind === "prompt");
  return { ...backend, prompt: backend.prompt };
}

async function lastDecision(stage: ModelStage): Promise<PastDecision> {
  const page = await fetch(`${adminOf(stage)}/debug/decisions?count=1`);
  return ((await page.json()) as { decisions: readonly PastDecision[] }).decisions[0]!;
}

test("a prompt goes where it was said, for the cost that was said, and the record tells it", async () => {
  await using stage = await setModelStage(Array.from({ length: 4 }, () => chatAnswer("m", USAGE)));
  const systems = Array.from({ length: 5 }, (_, n) => `system ${n} `.repeat(300));
  for (let round = 0; round < 15; round++) {
    const body = chat(`${systems[round % 5]} question ${round}`);
    const said = await explain(stage, body);
    // Another question in between changes nothing.
    await explain(stage, chat(`${systems[(round + 1) % 5]} another`));
    assert.ok(said.verdict.kind === "send");
    const { prompt, explained } = backendOf(said);
    assert.equal((await stage.post(CHAT, body)).status, 200);
    const past = await lastDecision(stage);
    assert.equal(past.chosen, said.verdict.endpoint, `round ${round}: ${said.verdict.because}`);
    assert.equal(past.reason, explained!.decision.reason);
    assert.equal(past.prompt?.promptTokens, prompt.promptTokens);
    assert.equal(past.considered.length, 2);
    for (const { key, score } of past.considered) {
      assert.ok(score! > 0, `${key} has a cost`);
    }
    const isKnown = round >= 5;
    assert.equal(prompt.caches.length > 0, isKnown, `round ${round}`);
    if (isKnown) {
      assert.ok(prompt.caches[0]!.blocks >= prompt.blocks - 1, JSON.stringify(prompt));
      assert.ok(past.prompt.cachedTokens > 0 || past.chosen !== prompt.caches[0]!.key);
    }
  }
});

test("what is read of a prompt: model and rewrite, priority and class, targets; and the rewrite's draw is foreseen", async () => {
  const objective = {
    apiVersion: "llm-d.ai/v1alpha2",
    kind: "InferenceObjective",
    metadata: { name: "urgent" },
  };
  const rewrite = {
    apiVersion: "llm-d.ai/v1alpha2",
    kind: "InferenceModelRewrite",
    metadata: { name: "versions" },
  };
  const poolRef = { group: GROUP, name: "models" };
  const targets = [
    { modelRewrite: "m-1", weight: 50 },
    { modelRewrite: "m-2", weight: 50 },
  ];
  const more = [
    { ...objective, spec: { priority: 7, poolRef } },
    {
      ...rewrite,
      spec: { poolRef, rules: [{ matches: [{ model: { type: "Exact", value: "m" } }], targets }] },
    },
  ];
  await using stage = await setModelStage([chatAnswer("m-1", USAGE)], { more });
  const seen = new Set<string>();
  for (let round = 0; round < 12; round++) {
    const said = await explain(
      stage,
      chat("word ".repeat(400), { stream: true }),
      "x-llm-d-inference-objective: urgent",
      "x-llm-d-slo-ttft-ms: 900",
      "x-session-id: s-1",
    );
    const { prompt, class: work } = backendOf(said);
    assert.deepEqual(
      [
        prompt.api,
        prompt.model,
        prompt.priority,
        prompt.objective,
        prompt.session,
        prompt.isStream,
        prompt.ttftTargetMs,
      ],
      ["openai-chat", "m", 7, "urgent", "s-1", true, 900],
    );
    assert.equal(prompt.rewrite?.rule, "default/versions/0");
    assert.equal(work?.name, "prompts/7");
    await stage.post(CHAT, chat("word ".repeat(400)));
    const asked = JSON.parse(promptsOf(stage.endpoints[0]!).at(-1)!.body.toString()) as { model: string };
    assert.equal(asked.model, prompt.rewrite?.model);
    seen.add(asked.model);
  }
  assert.equal(seen.size, 2, "one target alone tells nothing of the draw");
});

test("candidates have their terms, and who does not stand is named with the reason", async () => {
  const labels = [
    {},
    {},
    { "llm-d.ai/role": "prefill" },
    { "llm-d.ai/context-length-range": "50000-100000" },
  ];
  await using stage = await setModelStage(
    labels.map(() => chatAnswer("m", USAGE)),
    { labels },
  );
  const said = await explain(stage, chat("hello ".repeat(200)));
  const { endpoints, decision } = backendOf(said).explained!;
  assert.equal(decision.considered.length, 2);
  for (const { factors, score } of decision.considered) {
    const valueOf = (name: string): number => factors.find((factor) => factor.name === name)!.value;
    assert.equal(valueOf("cost"), score);
    assert.ok(valueOf("prefill") > 0);
  }
  const standing = new Map(endpoints.map((endpoint) => [endpoint.key, endpoint]));
  const [, , prefiller, long] = stage.endpoints.map(({ key }) => standing.get(key)!);
  assert.deepEqual([prefiller!.standing, prefiller!.reserved?.stages], ["other-stage", ["prefill"]]);
  assert.deepEqual([long!.standing, long!.reserved?.contextTokens?.min], ["other-length", 50_000]);
});

test("a body that is no prompt, none at all, and one that is too long", async () => {
  await using stage = await setModelStage([answer("{}")]);
  for (const bad of ["", "not json", '{"model":"m"}', '{"model":7,"messages":[]}']) {
    const { verdict, backends } = await explain(stage, bad);
    const real = await stage.post(CHAT, bad);
    assert.ok(verdict.kind === "refuse");
    assert.deepEqual([verdict.status, verdict.refusal], [real.status, real.header("x-plimsoll-refusal")]);
    assert.equal(backends[0]?.prompt?.kind, "fault");
  }
  const without = (await (await askPage(stage, undefined)).json()) as RequestExplanation;
  assert.equal(without.backends[0]?.prompt?.kind, "not-given");
  assert.match(without.verdict.because, /as a prompt it would go by its body, which is not given$/);
  const long = await askPage(stage, " ".repeat(PROMPT_BYTES_MAX + 1)).then(
    ({ status }) => status,
    // The connection may be closed before all is sent.
    () => 413,
  );
  assert.equal(long, 413);
  const elsewhere = await fetch(`${adminOf(stage)}/metrics`, { method: "POST", body: "x" });
  assert.deepEqual([elsewhere.status, elsewhere.headers.get("allow")], [405, "GET, HEAD"]);
});

test("the command: of the gateway, of its manifests alone, and of a decision that was made", async () => {
  await using stage = await setModelStage([0, 1, 2].map(() => chatAnswer("m", USAGE)));
  const body = JSON.stringify(chat("system ".repeat(300)));
  assert.equal((await stage.post(CHAT, body)).status, 200);
  const past = await lastDecision(stage);
  const file = join(stage.gateway.folder, "..", `${stage.gateway.port}-prompt.json`);
  await writeFile(file, body);
  const request = `POST http://a.test:${stage.gateway.port}${CHAT}`;
  const [asked, told] = await Promise.all([
    command("--admin", adminOf(stage), "--request", request, "--body", file),
    command("--admin", adminOf(stage), "--id", past.id),
  ]);
  assert.equal(asked.code, 0, asked.err);
  assert.match(
    asked.out,
    /\nprompt {4}openai-chat, model m\n {10}(about )?\d+ tokens in \d+ whole blocks of /,
  );
  assert.match(
    asked.out,
    new RegExp(`\ncached {4}\\d+ of \\d+ blocks \\(\\d+ tokens\\) at ${past.chosen}\n`),
  );
  assert.match(asked.out, /\npolicy {4}Inference, cost\n/);
  assert.match(asked.out, /\n {2}endpoint +name +stood +cost +prefill .*cached.*ttft\n/);
  assert.match(
    told.out,
    /\nprompt {4}\d+ tokens, 0 of them cached there; first token expected after [0-9.]+ ms\n/,
  );
  const description = { request, headers: [], port: stage.gateway.port, client: undefined };
  const files = { paths: [stage.gateway.folder], zone: undefined, seed: 3 };
  const alone = backendOf(await explainFromFiles(description, files, Buffer.from(body)));
  assert.deepEqual([alone.prompt.blocks > 0, alone.prompt.caches], [true, []]);
  assert.equal(alone.explained!.decision.compared.length, 3);
});
