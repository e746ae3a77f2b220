/**
 * Token estimates against answers with known parameters.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPrng } from "../../../std/prng.ts";
import { TokenEstimates, type EstimatedRequest } from "./token-estimates.ts";

const request = (rest: Partial<EstimatedRequest> = {}): EstimatedRequest => ({
  api: "openai-chat",
  model: "m",
  prompt: { bytes: 4_000, wideBytes: 0 },
  promptTokens: undefined,
  outputTokensMax: undefined,
  mediaParts: 0,
  ...rest,
});
const usage = (promptTokens: number, outputTokens: number) => ({
  promptTokens,
  cachedTokens: -1,
  outputTokens,
});

test("nothing known: four bytes a token, three beyond ASCII, never none", () => {
  const estimates = new TokenEstimates({ modelsMax: 4 });
  assert.equal(estimates.promptTokens(request()), 1_000);
  assert.equal(estimates.promptTokens(request({ prompt: { bytes: 3_000, wideBytes: 3_000 } })), 1_000);
  assert.equal(estimates.promptTokens(request({ promptTokens: 77 })), 77);
  assert.equal(estimates.promptTokens(request({ prompt: { bytes: 0, wideBytes: 0 } })), 1);
  assert.equal(estimates.outputTokens(request()), 256);
  assert.equal(estimates.outputTokens(request({ outputTokensMax: 10 })), 10);
  assert.equal(estimates.outputTokens(request({ api: "openai-embeddings" })), 0);
});

test("bytes per token are learnt per model, and follow a change", () => {
  const prng = createPrng(1);
  const estimates = new TokenEstimates({ modelsMax: 4 });
  const teach = (bytesPerToken: number, answers: number): void => {
    for (let i = 0; i < answers; i++) {
      const bytes = 200 + prng.below(20_000);
      const noise = 0.8 + 0.4 * prng.float();
      estimates.learn(
        request({ prompt: { bytes, wideBytes: 0 } }),
        usage(Math.round((bytes / bytesPerToken) * noise), -1),
      );
    }
  };
  teach(2.5, 30);
  const first = estimates.promptTokens(request());
  assert.ok(Math.abs(first / 1_600 - 1) < 0.06, String(first));
  teach(5, 300);
  const second = estimates.promptTokens(request());
  assert.ok(Math.abs(second / 800 - 1) < 0.06, String(second));
  assert.equal(estimates.promptTokens(request({ model: "other" })), 1_000);
});

test("the mean of outputs that are log-normal is found within a tenth", () => {
  const prng = createPrng(2);
  const estimates = new TokenEstimates({ modelsMax: 4 });
  let off = 0;
  for (let i = 0; i < 3_000; i++) {
    // Sum of twelve uniform numbers: near enough to normal, sigma 1.
    let normal = -6;
    for (let j = 0; j < 12; j++) normal += prng.float();
    estimates.learn(request(), usage(-1, Math.max(1, Math.round(Math.exp(5 + 0.6 * normal)))));
    if (i >= 500) off += estimates.outputTokens(request()) / Math.exp(5 + 0.18) - 1;
  }
  assert.ok(Math.abs(off / 2_500) < 0.1, String(off / 2_500));
  assert.equal(estimates.outputTokens(request({ api: "openai-completions" })), 256);
  assert.equal(estimates.outputTokens(request({ outputTokensMax: 20 })), 20);
});

test("what says nothing of text is not learnt from", () => {
  const estimates = new TokenEstimates({ modelsMax: 4 });
  const before = estimates.promptTokens(request());
  estimates.learn(request({ mediaParts: 1 }), usage(5_000, -1));
  estimates.learn(request({ promptTokens: 3 }), usage(5_000, -1));
  estimates.learn(request({ prompt: { bytes: 10, wideBytes: 0 } }), usage(12, -1));
  estimates.learn(request(), usage(2_000_000_000, -1));
  estimates.learn(request(), usage(-1, -1));
  estimates.learn(request(), usage(0, 0));
  assert.equal(estimates.promptTokens(request()), before);
});

test("no more models are kept than allowed, and the ones in use stay", () => {
  const estimates = new TokenEstimates({ modelsMax: 3 });
  for (let i = 0; i < 100; i++) {
    estimates.learn(request({ model: "kept" }), usage(2_000, -1));
    estimates.learn(request({ model: `other-${i}` }), usage(2_000, -1));
  }
  assert.equal(estimates.models, 3);
  assert.equal(estimates.promptTokens(request({ model: "kept" })), 2_000);
  assert.equal(estimates.promptTokens(request({ model: "other-1" })), 1_000);
});
