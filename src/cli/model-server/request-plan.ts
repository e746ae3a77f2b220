/**
 * From a request's body to the work it is for the engine, or the reason why it is refused, in vLLM's sense.
 *
 * The body is read twice: by the reader that gateways read it with (which finds every fault with its place), and as JSON, for
 * the prompt's tokens. Bounds: sequences per request, tokens per sequence.
 */
import type { InferenceApi } from "../../model/inference-facts.ts";
import { messageOf, statusOf, type InferenceError } from "../../core/inference/read/error-shape.ts";
import type { RequestReader, RequestBody } from "../../core/inference/read/request-reader.ts";
import { answerTo, type Answer } from "./answers.ts";
import type { Catalog, CatalogEntry } from "./catalog.ts";
import type { ModelServerOptions } from "./options.ts";
import { promptsOf, type JsonObject } from "./prompts.ts";
import type { SequenceWork } from "./running-engine.ts";
import { hashBlocks } from "./token-blocks.ts";
import { tokenise } from "./tokeniser.ts";

/** Prompts of a request times answers per prompt. */
const SEQUENCES_MAX = 128;

export interface PlannedSequence {
  readonly prompt: readonly number[];
  readonly work: SequenceWork;
  readonly answer: Answer;
}

export interface RequestPlan {
  readonly body: RequestBody;
  readonly json: JsonObject;
  readonly isStream: boolean;
  readonly prompts: readonly (readonly number[])[];
  /** Of all prompts together. */
  readonly promptTokens: number;
  /** Empty where nothing is to be computed. */
  readonly sequences: readonly PlannedSequence[];
}

export type Planned =
  | { readonly kind: "plan"; readonly plan: RequestPlan }
  | { readonly kind: "refused"; readonly error: InferenceError };

export class RequestPlanner {
  readonly #options: ModelServerOptions;
  readonly #catalog: Catalog;
  readonly #reader: RequestReader;
  /** Tokens per sequence. */
  readonly contextTokensMax: number;

  constructor(
    options: ModelServerOptions,
    catalog: Catalog,
    reader: RequestReader,
    contextTokensMax: number,
  ) {
    this.#options = options;
    this.#catalog = catalog;
    this.#reader = reader;
    this.contextTokensMax = contextTokensMax;
  }

  plan(api: InferenceApi, bytes: Buffer): Planned {
    this.#reader.begin(api);
    this.#reader.feed(bytes, 0, bytes.length);
    const reading = this.#reader.finish();
    if (reading.kind === "fault") {
      const { fault } = reading;
      const error = {
        status: statusOf(fault),
        code: fault.kind,
        message: messageOf(fault),
        param: fault.path,
      };
      return { kind: "refused", error };
    }
    const { body } = reading;
    // An engine's tokeniser needs no model; all else does.
    const isModelOptional = api === "vllm-tokenize" && body.model === "";
    const entry = this.#catalog.find(isModelOptional ? this.#catalog.model : body.model);
    if (entry === undefined) return refused(404, "model_not_found", noModel(body.model), "model");
    const json = JSON.parse(bytes.toString("utf8")) as JsonObject;
    if (api === "openai-responses" && json["input"] === undefined) {
      return refused(404, "not_found", "Nothing is stored here: expected `input`.", "input");
    }
    return this.#planned(api, body, json, entry);
  }

  #planned(api: InferenceApi, body: RequestBody, json: JsonObject, entry: CatalogEntry): Planned {
    const prompts = promptsOf(api, json);
    const choices = Math.max(1, typeof json["n"] === "number" ? json["n"] : 1);
    if (prompts.length * choices > SEQUENCES_MAX) {
      const message = `Expected at most ${SEQUENCES_MAX} prompts times answers, found ${prompts.length * choices}.`;
      return refused(400, "invalid_value", message, "n");
    }
    const promptTokens = prompts.reduce((sum, prompt) => sum + prompt.length, 0);
    if (api === "vllm-tokenize" || api === "anthropic-count-tokens") {
      return { kind: "plan", plan: { body, json, isStream: false, prompts, promptTokens, sequences: [] } };
    }
    const isEmbedding = api === "openai-embeddings";
    const room = Math.min(...prompts.map((prompt) => this.contextTokensMax - prompt.length));
    const asked = isEmbedding ? 0 : (body.outputTokensMax ?? 1);
    if (asked > room) {
      const longest = this.contextTokensMax - room;
      return refused(
        400,
        "context_length_exceeded",
        tooLong(this.contextTokensMax, longest, asked),
        undefined,
      );
    }
    const sequences = prompts.flatMap((prompt) =>
      Array.from({ length: isEmbedding ? 1 : choices }, (_, choice) =>
        this.#sequence(prompt, choice, body, json, entry, isEmbedding),
      ),
    );
    const isStream = body.isStream && !isEmbedding;
    return { kind: "plan", plan: { body, json, isStream, prompts, promptTokens, sequences } };
  }

  #sequence(
    prompt: readonly number[],
    choice: number,
    body: RequestBody,
    json: JsonObject,
    { adapter, adapterName }: CatalogEntry,
    isEmbedding: boolean,
  ): PlannedSequence {
    const answer: Answer = isEmbedding
      ? { tokens: 1, text: "", finish: "stop" }
      : answerTo(
          {
            prompt,
            choice,
            tokensMax: body.outputTokensMax,
            tokensMin: typeof json["min_tokens"] === "number" ? json["min_tokens"] : 1,
            room: this.contextTokensMax - prompt.length,
            isForced: json["ignore_eos"] === true,
          },
          this.#options.answers,
        );
    const all = [...prompt];
    tokenise(answer.text, all);
    const tokens = Int32Array.from(all);
    const cacheSalt = body.cacheSalt ?? "";
    const hashes = hashBlocks(tokens, this.#options.blockTokens, adapterName, cacheSalt);
    const content = { hashes, tokens, adapter: adapterName, cacheSalt };
    return {
      prompt,
      answer,
      work: { content, promptTokens: prompt.length, outputTokens: answer.tokens, adapter },
    };
  }
}

function refused(status: number, code: string, message: string, param: string | undefined): Planned {
  return { kind: "refused", error: { status, code, message, param } };
}

function noModel(model: string): string {
  return `The model \`${model}\` does not exist.`;
}

function tooLong(max: number, prompt: number, output: number): string {
  return (
    `This model's maximum context length is ${max} tokens. However, you requested ${prompt + output} tokens ` +
    `(${prompt} in the prompt, ${output} in the answer).`
  );
}
