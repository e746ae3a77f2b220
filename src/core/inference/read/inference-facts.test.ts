/**
 * Headers and body as one, older header names included.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { InferenceApi } from "../../../model/inference-facts.ts";
import { inferenceFacts } from "./inference-facts.ts";
import { RequestReader, type RequestBody } from "./request-reader.ts";

function bodyOf(api: InferenceApi, body: object): RequestBody {
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  const reader = new RequestReader({ bodyBytesMax: 1_000 });
  reader.begin(api);
  reader.feed(bytes, 0, bytes.length);
  const reading = reader.finish();
  assert.ok(reading.kind === "request");
  return reading.body;
}

test("headers complete the body, older names are known, and nonsense is no value", () => {
  const body = bodyOf("openai-chat", {
    model: "m",
    messages: [{ role: "user", content: "Hi" }],
    prompt_cache_key: "k",
  });
  const facts = (headers: Readonly<Record<string, string>>) =>
    inferenceFacts(body, { header: (name) => headers[name] });
  const full = facts({
    "x-llm-d-inference-fairness-id": "team",
    "x-gateway-inference-fairness-id": "old",
    "x-gateway-inference-objective": "chat",
    "x-llm-d-slo-ttft-ms": "250",
    "x-slo-tpot-ms": "12.5",
    "x-gateway-model-name-rewrite": "m-2",
    "x-session-id": "s",
    "x-gateway-model-name": "other",
  });
  assert.deepEqual(
    [
      full.model,
      full.tenant,
      full.objective,
      full.ttftTargetMs,
      full.tpotTargetMs,
      full.modelRewrite,
      full.sessionKey,
    ],
    ["m", "team", "chat", 250, 12.5, "m-2", "s"],
  );
  const none = facts({ "x-slo-ttft-ms": "-3", "x-llm-d-slo-tpot-ms": "fast", "x-session-id": "" });
  assert.deepEqual(
    [none.ttftTargetMs, none.tpotTargetMs, none.tenant, none.sessionKey],
    [undefined, undefined, undefined, "k"],
  );
  const unnamed = bodyOf("sglang-generate", { text: "Hi" });
  assert.equal(
    inferenceFacts(unnamed, { header: (name) => (name === "x-gateway-model-name" ? "llama" : undefined) })
      .model,
    "llama",
  );
});
