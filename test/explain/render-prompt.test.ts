/** A prompt's explanation as people read it, by manifests alone: what was read, the candidates, and who does not stand. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { explainFromFiles } from "../../src/cli/explain/from-files.ts";
import { candidateLines, promptFacts, recordedPromptFacts } from "../../src/cli/explain/prompt-lines.ts";
import { renderRequest } from "../../src/cli/explain/render-request.ts";
import { paint, type Line } from "../../src/cli/demo/spans.ts";
import type { ExplainedEndpoint, PoolExplanation } from "../../src/app/explain-pool.ts";
import type { ReadPrompt } from "../../src/app/explain-prompt.ts";
import { manifestText } from "../kit/gateway.ts";
import { INFERENCE_GROUP as GROUP, inferencePool } from "../kit/inference-pool.ts";

function textOf(lines: readonly Line[]): string {
  return lines.map((line) => paint(line, false)).join("\n");
}

async function explained(
  body: object | undefined,
  labels: readonly Readonly<Record<string, string>>[],
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "plimsoll-test-"));
  const rules = [{ backendRefs: [{ group: GROUP, kind: "InferencePool", name: "models" }] }];
  const more = inferencePool(
    labels.map((_, index) => ({ port: 7_001 + index })),
    labels,
  );
  try {
    await writeFile(join(folder, "manifests.yaml"), manifestText({ pools: {}, rules, more }, 8080));
    const request = "POST http://a/v1/completions";
    const description = { request, headers: [], port: undefined, client: undefined };
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const said = await explainFromFiles(description, { paths: [folder], seed: 1, zone: undefined }, bytes);
    return textOf(renderRequest(said, "manifests"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("what was read of a prompt, and candidates before those who do not stand", async () => {
  const labels = [
    {},
    {},
    { "llm-d.ai/role": "prefill" },
    { "llm-d.ai/context-length-range": "50000-100000" },
  ];
  const text = await explained({ model: "m", prompt: "tides ".repeat(500), max_tokens: 30 }, labels);
  const lines = text.split("\n");
  assert.ok(lines.includes("prompt    openai-completions, model m"), text);
  assert.match(
    text,
    /\n {10}about 750 tokens in 11 whole blocks of 64; an answer of about 30 is expected, in one piece\n/,
  );
  assert.match(text, /\n {10}priority 0\n/);
  assert.ok(lines.includes("cached    nowhere, as far as is known"), text);
  assert.ok(lines.includes("policy    Inference, cost"), text);
  const head = lines.findIndex((line) =>
    /^ {2}endpoint +name +stood +cost +prefill +.*ttft +reserved for$/.test(line),
  );
  assert.ok(head > 0, text);
  // They cost the same, and the prompt's beginning decides.
  const candidates = lines
    .slice(head + 1, head + 3)
    .toSorted()
    .join("\n");
  assert.match(
    candidates,
    /^ {2}127\.0\.0\.1:700[12] +\S+ +compared .*\n→ 127\.0\.0\.1:700[12] +\S+ +chosen /,
  );
  const apart = lines.slice(head + 3, head + 5).join("\n");
  assert.match(apart, /127\.0\.0\.1:7003 .* other stage +prefill/);
  assert.match(apart, /127\.0\.0\.1:7004 .* other length +50000 to 100000 tokens/);
  // Empty caches, nothing under way: terms that are 0 everywhere have no column.
  assert.ok(!/eviction|pressure|errors/.test(lines[head]!), lines[head]);
});

test("without its body a prompt is told as what it is taken for, and that is said", async () => {
  const text = await explained(undefined, [{}, {}]);
  assert.match(text, /^would go to \S+ .*; as a prompt it would go by its body, which is not given\n/);
  assert.match(text, /\nprompt {4}openai-completions; --body is not given, /);
});

const PROMPT: ReadPrompt = {
  kind: "prompt",
  api: "openai-chat",
  model: "chat",
  rewrite: { model: "chat-v2", rule: "default/chat/0" },
  promptTokens: 1_200,
  isCounted: true,
  expectedOutputTokens: 90,
  isStream: true,
  blocks: 18,
  tokensPerBlock: 64,
  policy: "cost",
  priority: 10,
  objective: "interactive",
  adapter: undefined,
  session: "s",
  ttftTargetMs: 900,
  tpotTargetMs: 0,
  caches: Array.from({ length: 6 }, (_, n) => ({ key: `e${n}`, blocks: 18 - n, tokens: (18 - n) * 64 })),
};

test("rewrites, targets and caches in words", () => {
  const text = textOf(promptFacts(PROMPT));
  assert.match(text, /^prompt {4}openai-chat, model chat, which default\/chat\/0 makes chat-v2\n/);
  assert.match(text, /\n {10}1200 tokens in 18 whole blocks of 64; /);
  assert.match(
    text,
    /\n {10}priority 10 \(objective interactive\), session s; wanted: first token within 900 ms\n/,
  );
  assert.match(text, /\ncached {4}18 of 18 blocks \(1152 tokens\) at e0\n/);
  assert.match(text, /\n {10}15 of 18 blocks \(960 tokens\) at e3\n {10}no more than that at 2 further$/);
  assert.match(
    textOf(promptFacts({ ...PROMPT, rewrite: { model: "x", rule: undefined } })),
    /, which a header makes x\n/,
  );
  assert.deepEqual(recordedPromptFacts(undefined), []);
});

test("of many candidates the best are told, cheapest first, and the others counted", () => {
  const keys = Array.from({ length: 12 }, (_, n) => `e${String(n).padStart(2, "0")}`);
  const endpoints = keys.map(
    (key, n) =>
      ({ key, standing: n === 1 ? "chosen" : n < 10 ? "compared" : "unhealthy" }) as ExplainedEndpoint,
  );
  const considered = keys.slice(0, 8).map((key, n) => ({
    key,
    displayName: undefined,
    zone: undefined,
    score: 10 + n,
    factors: [
      { name: "cost", value: 10 + n, unit: "ms" },
      { name: "wait", value: n, unit: "ms" },
      { name: "errors", value: 0, unit: "ms" },
      { name: "decodePace", value: 1, unit: "" },
    ],
  }));
  const explanation = { decision: { considered }, endpoints } as unknown as PoolExplanation;
  const lines = textOf(candidateLines(explanation)).split("\n");
  assert.match(lines[1]!, /^ {2}endpoint +stood +cost +wait$/);
  assert.match(lines[2]!, /^ {2}e00 +compared +10 +0$/);
  assert.match(lines[3]!, /^→ e01 +chosen +11 +1$/);
  assert.match(lines[10]!, /^ {2}e10 +unhealthy$/);
  assert.equal(lines[12], "  and 2 dearer");
});
