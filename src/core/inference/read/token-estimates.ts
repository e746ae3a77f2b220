/**
 * How many tokens a prompt will have and how many an answer, learnt per model from the usage that endpoints tell.
 *
 * Prompt: a prior (4 bytes per token of ASCII, 3 of all else: what the tokenizers of current models give for English and
 * for Han or Cyrillic, within a factor of two) times a factor learnt per model. Output: the mean learnt per model and API.
 * Both are exponentially weighted means of logarithms: token counts are spread over factors, not differences, and a mean
 * of logarithms is off by the same factor either way. The mean of logarithms estimates the median, so outputs also keep
 * their spread, and `exp(mean + spread / 2)` is what a log-normal of it costs on average.
 *
 * The number of models is bounded: beyond it the one that was learnt from longest ago is forgotten.
 */
import type { InferenceApi, PromptBlocks, TokenUsage } from "../../../model/inference-facts.ts";

const ASCII_BYTES_PER_TOKEN = 4;
const WIDE_BYTES_PER_TOKEN = 3;
/** What public traces of chat give as mean; it holds until answers were seen. */
const OUTPUT_TOKENS_PRIOR = 256;
/** Weight of the newest sample once many were seen: a memory of some 50 answers. */
const GAIN_MIN = 0.02;
/** Below it the fixed tokens of a chat template drown what a sample says of text. */
const SAMPLE_BYTES_MIN = 64;
/** A factor beyond e^2.5 = 12 either way is no tokenizer, but a count of something else. */
const LOG_FACTOR_MAX = 2.5;
/** So that one absurd answer cannot make all others seem as long. */
const LOG_SPREAD_MAX = 4;

export interface TokenEstimatesOptions {
  readonly modelsMax: number;
}

/** What estimates need of a request's facts. */
export interface EstimatedRequest {
  readonly api: InferenceApi;
  readonly model: string;
  readonly prompt: Pick<PromptBlocks, "bytes" | "wideBytes">;
  readonly promptTokens: number | undefined;
  readonly outputTokensMax: number | undefined;
  readonly mediaParts: number;
}

interface ModelRecord {
  logFactor: number;
  promptSamples: number;
  readonly outputs: Map<InferenceApi, OutputRecord>;
}

interface OutputRecord {
  logMean: number;
  logSpread: number;
  samples: number;
}

export class TokenEstimates {
  readonly #modelsMax: number;
  /** In the order in which they were last learnt from. */
  readonly #models = new Map<string, ModelRecord>();

  constructor(options: TokenEstimatesOptions) {
    this.#modelsMax = options.modelsMax;
  }

  get models(): number {
    return this.#models.size;
  }

  /** At least 1. */
  promptTokens(request: EstimatedRequest): number {
    if (request.promptTokens !== undefined) return Math.max(1, request.promptTokens);
    const factor = Math.exp(this.#models.get(request.model)?.logFactor ?? 0);
    return Math.max(1, Math.round(priorTokens(request) * factor));
  }

  /** Per sequence, at least 1 but for APIs that generate nothing; never more than the client allows. */
  outputTokens(request: EstimatedRequest): number {
    if (!isGenerating(request.api)) return 0;
    const record = this.#models.get(request.model)?.outputs.get(request.api);
    const expected =
      record === undefined
        ? OUTPUT_TOKENS_PRIOR
        : Math.exp(record.logMean + Math.min(LOG_SPREAD_MAX, record.logSpread) / 2);
    const bounded = Math.min(expected, request.outputTokensMax ?? Number.POSITIVE_INFINITY);
    return Math.max(1, Math.round(bounded));
  }

  /** `usage`: of a finished answer with one sequence; what it does not tell is not learnt. */
  learn(request: EstimatedRequest, usage: TokenUsage): void {
    const record = this.#record(request.model);
    // Pictures have tokens that no byte of text accounts for.
    const isText = request.promptTokens === undefined && request.mediaParts === 0;
    if (isText && usage.promptTokens > 0 && request.prompt.bytes >= SAMPLE_BYTES_MIN) {
      const sample = Math.log(usage.promptTokens / priorTokens(request));
      if (Math.abs(sample) <= LOG_FACTOR_MAX) {
        record.logFactor += gainOf(++record.promptSamples) * (sample - record.logFactor);
      }
    }
    if (usage.outputTokens > 0 && isGenerating(request.api))
      learnOutput(record, request.api, usage.outputTokens);
  }

  #record(model: string): ModelRecord {
    const known = this.#models.get(model);
    this.#models.delete(model);
    if (known === undefined && this.#models.size >= this.#modelsMax) {
      const oldest = this.#models.keys().next();
      if (oldest.done !== true) this.#models.delete(oldest.value);
    }
    const record = known ?? { logFactor: 0, promptSamples: 0, outputs: new Map() };
    this.#models.set(model, record);
    return record;
  }
}

function learnOutput(record: ModelRecord, api: InferenceApi, outputTokens: number): void {
  let output = record.outputs.get(api);
  if (output === undefined) {
    output = { logMean: 0, logSpread: 0, samples: 0 };
    record.outputs.set(api, output);
  }
  const gain = gainOf(++output.samples);
  const difference = Math.log(outputTokens) - output.logMean;
  output.logMean += gain * difference;
  // West's update of a weighted variance.
  output.logSpread = (1 - gain) * (output.logSpread + gain * difference * difference);
}

/** A plain mean at first, so that the first samples are not outweighed by the prior. */
function gainOf(samples: number): number {
  return Math.max(GAIN_MIN, 1 / samples);
}

function priorTokens(request: EstimatedRequest): number {
  const { bytes, wideBytes } = request.prompt;
  return Math.max(1, (bytes - wideBytes) / ASCII_BYTES_PER_TOKEN + wideBytes / WIDE_BYTES_PER_TOKEN);
}

function isGenerating(api: InferenceApi): boolean {
  return api !== "openai-embeddings" && api !== "anthropic-count-tokens" && api !== "vllm-tokenize";
}
