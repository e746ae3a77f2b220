/**
 * From what a request's body and headers say to what the pool's inference policy needs: which model is really asked for, how
 * much work the request is likely to be, how important it is.
 *
 * One desk per pool of model servers, kept from view to view: it learns how many tokens prompts and answers of each model have.
 * No socket here; whoever has read a prompt can ask.
 */
import type { Prng } from "../../std/prng.ts";
import { murmur3 } from "../../std/murmur3.ts";
import type { InferenceFacts, TokenUsage } from "../../model/inference-facts.ts";
import type { InferencePoolSpec } from "../../model/inference-pool.ts";
import { newAttempt } from "../../core/inference/policy/attempt.ts";
import type { InferenceRequest } from "../../core/inference/policy/inference-policy.ts";
import { inferenceFacts, type HeaderSource } from "../../core/inference/read/inference-facts.ts";
import type { RequestBody } from "../../core/inference/read/request-reader.ts";
import { TokenEstimates } from "../../core/inference/read/token-estimates.ts";
import { rewriteModel } from "../../core/inference/rewrite.ts";

/** Names beyond it are learnt anew; far more than any pool serves. */
const MODELS_MAX = 256;
const NO_ADAPTERS: ReadonlySet<string> = new Set();
const HASH_SEED = 0x2f0b4c47;

export interface Prompt {
  readonly facts: InferenceFacts;
  readonly request: InferenceRequest;
  /** The model to ask the endpoint for; `facts.model` unless a rewrite says otherwise. */
  readonly model: string;
}

export class PromptDesk {
  #spec: InferencePoolSpec;
  readonly #prng: Prng;
  /** Names asked for as models that engines know as adapters of theirs (vLLM); others name adapters apart (SGLang). */
  adapters: ReadonlySet<string> = NO_ADAPTERS;
  readonly #estimates: TokenEstimates;

  constructor(
    spec: InferencePoolSpec,
    prng: Prng,
    estimates = new TokenEstimates({ modelsMax: MODELS_MAX }),
  ) {
    this.#spec = spec;
    this.#prng = prng;
    this.#estimates = estimates;
  }

  /** One that takes prompts as this one would with that generator; taking moves nothing here. */
  shadow(prng: Prng): PromptDesk {
    const desk = new PromptDesk(this.#spec, prng, this.#estimates);
    desk.adapters = this.adapters;
    return desk;
  }

  adopt(spec: InferencePoolSpec): void {
    this.#spec = spec;
  }

  take(body: RequestBody, headers: HeaderSource): Prompt {
    const facts = inferenceFacts(body, headers);
    const { slo } = this.#spec.policy;
    const model = facts.modelRewrite ?? this.#rewritten(facts.model);
    const promptTokens = this.#estimates.promptTokens(facts);
    const { prompt } = facts;
    const request: InferenceRequest = {
      promptTokens,
      blocks: prompt,
      tokensPerBlock:
        prompt.bytes > 0 ? (promptTokens * prompt.blockBytes) / prompt.bytes : prompt.blockBytes / 4,
      expectedOutputTokens: this.#estimates.outputTokens(facts) * facts.sequences,
      maxOutputTokens: facts.outputTokensMax ?? 0,
      streamed: facts.isStream,
      session: hashOf(facts.sessionKey),
      tenant: hashOf(facts.tenant),
      priority: this.priorityOf(facts),
      adapter: hashOf(facts.adapter ?? (this.adapters.has(model) ? model : undefined)),
      ttftTargetMs: facts.ttftTargetMs ?? slo.ttftMs ?? 0,
      tpotTargetMs: facts.tpotTargetMs ?? slo.tpotMs ?? 0,
      attempt: newAttempt(),
    };
    return { facts, request, model };
  }

  /** How long a prompt may wait here. */
  get maxWaitMs(): number {
    return this.#spec.policy.queue.maxWaitMs;
  }

  /** Higher is more important; 0 for who names no objective, or one that is not there. */
  priorityOf({ objective, model }: Pick<InferenceFacts, "objective" | "model">): number {
    const { objectives, modelPriorities } = this.#spec;
    if (objective !== undefined) return objectives.find(({ name }) => name === objective)?.priority ?? 0;
    return modelPriorities.find((each) => each.model === model)?.priority ?? 0;
  }

  /** The answer has come to its proper end. */
  learn({ facts }: Prompt, usage: TokenUsage): void {
    if (facts.sequences === 1) this.#estimates.learn(facts, usage);
  }

  #rewritten(model: string): string {
    return rewriteModel(this.#spec.rewrites, model, this.#prng.float()) ?? model;
  }
}

/** As requests and reports name adapters, sessions and tenants to the policies; 0: there is none. */
export function hashOf(text: string | undefined): number {
  return text === undefined ? 0 : murmur3(text, HASH_SEED) >>> 0 || 1;
}
