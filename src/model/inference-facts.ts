/**
 * What a gateway knows of one inference request before it picks an endpoint, and what it learns from the answer.
 *
 * Sizes are UTF-8 bytes of the decoded prompt in canonical form, not of the JSON that carried it; tokens are the
 * engine's. Undefined: the request does not say.
 */

/** The closed list of APIs whose bodies are understood; anything else is routed as plain HTTP. */
export type InferenceApi =
  | "openai-completions"
  | "openai-chat"
  | "openai-responses"
  | "openai-embeddings"
  | "anthropic-messages"
  | "anthropic-count-tokens"
  | "vllm-tokenize"
  | "vllm-generate"
  | "sglang-generate";

/**
 * The prompt as a chain of block hashes: hash i stands for all canonical bytes up to the end of block i, the model, the
 * adapter and the cache salt. Two requests share exactly the blocks in front of the first difference of either.
 */
export interface PromptBlocks {
  /** The first `count` are valid: integers in [1, 2^53). The array is never written to again, and may be kept. */
  readonly hashes: Float64Array;
  /** Full blocks only; the rest of the prompt has no hash. */
  readonly count: number;
  readonly blockBytes: number;
  /** Of the whole prompt, the part behind the last full block included. */
  readonly bytes: number;
  /** How many of `bytes` belong to characters beyond ASCII: they carry other numbers of bytes per token. */
  readonly wideBytes: number;
}

export interface InferenceFacts {
  readonly api: InferenceApi;
  /** As the client named it (body, else header); empty where the API lets it be left out. */
  readonly model: string;
  /** A LoRA adapter named apart from the model (SGLang). With vLLM the model is the adapter's name. */
  readonly adapter: string | undefined;
  readonly isStream: boolean;
  /** A stream that will end with its token usage. */
  readonly wantsUsage: boolean;
  /** The client's bound on output tokens per sequence. */
  readonly outputTokensMax: number | undefined;
  /** Sequences the engine will generate: prompts of the request times `n`. At least 1. */
  readonly sequences: number;
  readonly prompt: PromptBlocks;
  /** Exact, where the prompt came as token ids; undefined where it must be estimated. */
  readonly promptTokens: number | undefined;
  /** Images, sounds and files in the prompt. Their data is in the hashes, but not in `prompt.bytes`. */
  readonly mediaParts: number;
  readonly cacheSalt: string | undefined;
  /** What requests of one conversation have in common. */
  readonly sessionKey: string | undefined;
  /** The end user, where the body tells. */
  readonly user: string | undefined;
  /** Fairness is between tenants. */
  readonly tenant: string | undefined;
  /** Name of the objective that gives the priority. */
  readonly objective: string | undefined;
  /** As the body says, in the engine's own sense. */
  readonly priority: number | undefined;
  readonly ttftTargetMs: number | undefined;
  readonly tpotTargetMs: number | undefined;
  /** The name under which a step in front of the gateway wants the model to be asked for. */
  readonly modelRewrite: string | undefined;
}

/** Token counts as the endpoint states them; -1 where it did not. */
export interface TokenUsage {
  readonly promptTokens: number;
  /** Of `promptTokens`: found in the endpoint's prefix cache. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
}

export type RequestFaultKind =
  /** Breaks RFC 8259. */
  | "bad-json"
  /** Not UTF-8 inside a string. */
  | "bad-text"
  /** The body ends before its JSON does. */
  | "cut-short"
  | "too-deep"
  | "too-large"
  /** A name that counts stands twice: two readers could take different ones. */
  | "duplicate-key"
  | "wrong-type"
  | "out-of-range"
  | "missing-model"
  | "missing-prompt"
  | "empty-prompt";

/** Why a body is not a request, and where. */
export interface RequestFault {
  readonly kind: RequestFaultKind;
  /** `messages[3].content[0].text`; empty for the body as a whole. */
  readonly path: string;
  /** Byte of the body at which it was found, from 0. */
  readonly offset: number;
  /** What would have been right there: a noun phrase. */
  readonly expected: string;
}
