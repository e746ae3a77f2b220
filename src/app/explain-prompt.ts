/**
 * What a pool of model servers makes of the body of a described request: read by the code that reads prompts on the data path, with a
 * copy of the generator that draws rewrites.
 *
 * Reading counts against what all prompts may hold at a time, and is given back before this returns.
 */
import { ruleFor } from "../core/inference/rewrite.ts";
import type { InferenceRequest } from "../core/inference/policy/inference-policy.ts";
import type { InferenceApi, InferenceFacts } from "../model/inference-facts.ts";
import type { Refusal } from "../model/refusal.ts";
import type { Prng } from "../std/prng.ts";
import type { Prompt } from "./inference/prompt-desk.ts";
import { PromptIntake } from "./inference/prompt-intake.ts";
import type { LivePool } from "./live-pool.ts";

export type PromptExplanation =
  /** It would be read as a prompt, and was described without its body. */
  | { readonly kind: "not-given"; readonly api: InferenceApi }
  | {
      readonly kind: "fault";
      readonly api: InferenceApi;
      readonly refusal: Refusal;
      readonly detail: string;
    }
  | ReadPrompt;

/** Tokens are estimates unless said otherwise. */
export interface ReadPrompt {
  readonly kind: "prompt";
  readonly api: InferenceApi;
  /** As the client names it. */
  readonly model: string;
  readonly rewrite: ExplainedRewrite | undefined;
  readonly promptTokens: number;
  /** The prompt came as tokens, so that they are counted. */
  readonly isCounted: boolean;
  readonly expectedOutputTokens: number;
  readonly isStream: boolean;
  /** Full blocks, which is what caches are known by. */
  readonly blocks: number;
  /** May have a fraction. */
  readonly tokensPerBlock: number;
  /** By which the pool chooses for prompts (docs/inference.md). */
  readonly policy: string;
  /** Higher is more important; 0: ordinary. */
  readonly priority: number;
  readonly objective: string | undefined;
  /** By its name, or the model's if engines know that as an adapter; undefined: the base model. */
  readonly adapter: string | undefined;
  readonly session: string | undefined;
  /** 0: none. */
  readonly ttftTargetMs: number;
  readonly tpotTargetMs: number;
  /** Endpoints that hold its beginning, the longest first. Whether they stand for choice is told elsewhere. */
  readonly caches: readonly ExplainedCache[];
}

export interface ExplainedRewrite {
  /** The model that endpoints are asked for. */
  readonly model: string;
  /** `namespace/name/position`; undefined: a header of the request says it. */
  readonly rule: string | undefined;
}

export interface ExplainedCache {
  readonly key: string;
  /** Leading blocks thought to be there. */
  readonly blocks: number;
  /** In them. */
  readonly tokens: number;
}

export interface AskedPrompt {
  readonly explained: PromptExplanation;
  /** For the policy; undefined where there is none to choose for. */
  readonly request: InferenceRequest | undefined;
}

/** As much of a described request as reading takes. */
export interface DescribedBody {
  readonly method: string;
  readonly path: string;
  readonly body?: Uint8Array | undefined;
  header(name: string): string | undefined;
}

/** `prng` moves as the gateway's would. Undefined: the request is no prompt there. */
export function explainPrompt(pool: LivePool, asked: DescribedBody, prng: Prng): AskedPrompt | undefined {
  const intake = PromptIntake.of(pool.desk?.shadow(prng), asked);
  if (intake === undefined) return undefined;
  const { api } = intake;
  try {
    const { body } = asked;
    if (body === undefined) return { explained: { kind: "not-given", api }, request: undefined };
    intake.feed(body, 0, body.length);
    const taken = intake.finish();
    if (taken.kind === "prompt")
      return { explained: told(pool, api, taken.prompt), request: taken.prompt.request };
    const { refusal, detail } = taken;
    return { explained: { kind: "fault", api, refusal, detail }, request: undefined };
  } finally {
    intake.release();
  }
}

function told(pool: LivePool, api: InferenceApi, { facts, request, model }: Prompt): ReadPrompt {
  const { promptTokens, expectedOutputTokens, tokensPerBlock, priority, blocks } = request;
  return {
    kind: "prompt",
    api,
    model: facts.model,
    rewrite: model === facts.model ? undefined : { model, rule: ruleOf(pool, facts) },
    promptTokens,
    isCounted: facts.promptTokens !== undefined,
    expectedOutputTokens,
    isStream: facts.isStream,
    blocks: blocks.count,
    tokensPerBlock,
    policy: pool.spec.inference?.policy.policy ?? "",
    priority,
    objective: facts.objective,
    adapter: request.adapter === 0 ? undefined : (facts.adapter ?? model),
    session: facts.sessionKey,
    ttftTargetMs: request.ttftTargetMs,
    tpotTargetMs: request.tpotTargetMs,
    caches: cachesOf(pool, request),
  };
}

function ruleOf(pool: LivePool, { model, modelRewrite }: InferenceFacts): string | undefined {
  return modelRewrite === undefined ? ruleFor(pool.spec.inference?.rewrites ?? [], model)?.id : undefined;
}

function cachesOf({ spec, brain }: LivePool, request: InferenceRequest): readonly ExplainedCache[] {
  const { blocks, tokensPerBlock, promptTokens } = request;
  return spec.endpoints
    .map(({ key }): ExplainedCache => {
      const slot = brain.slotOf(key);
      const held = slot === undefined ? 0 : brain.servers.cachedBlocks(slot, blocks);
      return { key, blocks: held, tokens: Math.min(promptTokens, Math.round(held * tokensPerBlock)) };
    })
    .filter((cache) => cache.blocks > 0)
    .toSorted((a, b) => b.blocks - a.blocks);
}
