/**
 * The body of an inference request, read in one pass as it comes in: what routing needs of it, or the one fault that
 * keeps it from being a request.
 *
 * Readers are made once and used again; what a reading holds belongs to whoever has it. A reader's memory is fixed but
 * for 8 bytes per block of prompt, and the body's size is bounded by the caller.
 */
import type { InferenceApi, PromptBlocks, RequestFault } from "../../../model/inference-facts.ts";
import { BLOCK_BYTES_DEFAULT, PromptHasher } from "./prompt-hasher.ts";
import { RequestEnvelope, type LeafValues } from "./request-envelope.ts";
import type { Leaf } from "./request-fields.ts";

export interface RequestReaderOptions {
  readonly bodyBytesMax: number;
  /** A multiple of 4. */
  readonly blockBytes?: number;
}

/** What the body alone says. */
export interface RequestBody {
  readonly api: InferenceApi;
  /** Empty where the API lets it be left out. */
  readonly model: string;
  /** Bytes of the body that hold the model's name with its quotes; -1: none. */
  readonly modelStart: number;
  readonly modelEnd: number;
  readonly bodyBytes: number;
  readonly adapter: string | undefined;
  readonly isStream: boolean;
  readonly wantsUsage: boolean;
  readonly outputTokensMax: number | undefined;
  readonly sequences: number;
  readonly prompt: PromptBlocks;
  readonly promptTokens: number | undefined;
  readonly mediaParts: number;
  readonly cacheSalt: string | undefined;
  readonly sessionKey: string | undefined;
  readonly user: string | undefined;
  readonly priority: number | undefined;
}

export type RequestReading =
  | { readonly kind: "request"; readonly body: RequestBody }
  | { readonly kind: "fault"; readonly fault: RequestFault };

export class RequestReader {
  readonly #bodyBytesMax: number;
  readonly #hasher: PromptHasher;
  readonly #envelope: RequestEnvelope;
  #api: InferenceApi = "openai-chat";
  #bodyBytes = 0;
  #fault: RequestFault | undefined;

  constructor(options: RequestReaderOptions) {
    this.#bodyBytesMax = options.bodyBytesMax;
    this.#hasher = new PromptHasher(options.blockBytes ?? BLOCK_BYTES_DEFAULT);
    this.#envelope = new RequestEnvelope(this.#hasher);
  }

  begin(api: InferenceApi): void {
    this.#api = api;
    this.#bodyBytes = 0;
    this.#fault = undefined;
    this.#envelope.begin(api);
  }

  /** The next bytes of the body. False: it has a fault, `finish` says which, and no more bytes are needed. */
  feed(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#fault !== undefined) return false;
    const room = this.#bodyBytesMax - this.#bodyBytes;
    this.#bodyBytes += end - start;
    const { scanner } = this.#envelope;
    if (!scanner.feed(bytes, start, Math.min(end, start + room))) {
      this.#fault = this.#faultMet();
      return false;
    }
    if (end - start <= room) return true;
    const expected = `at most ${this.#bodyBytesMax} bytes`;
    this.#fault = { kind: "too-large", path: "", offset: this.#bodyBytesMax, expected };
    return false;
  }

  /** The body is over. */
  finish(): RequestReading {
    const fault = this.#fault ?? this.#faultAtEnd();
    return fault === undefined ? { kind: "request", body: this.#body() } : { kind: "fault", fault };
  }

  #faultMet(): RequestFault {
    const { scanner, faultKind, faultExpected } = this.#envelope;
    const path = scanner.place.text();
    const { offset } = scanner;
    if (faultKind !== undefined) return { kind: faultKind, path, offset, expected: faultExpected };
    return { kind: scanner.faultKind ?? "bad-json", path, offset, expected: scanner.faultExpected };
  }

  #faultAtEnd(): RequestFault | undefined {
    const { scanner, values, fields, prompt, hasPrompt } = this.#envelope;
    const offset = this.#bodyBytes;
    if (!scanner.isComplete) {
      return { kind: "cut-short", path: scanner.place.text(), offset, expected: scanner.expected };
    }
    if (values.model === undefined && !fields.isModelOptional) {
      return { kind: "missing-model", path: "model", offset, expected: "the name of a model" };
    }
    const path = fields.promptNames;
    if (!hasPrompt) return { kind: "missing-prompt", path, offset, expected: "a prompt" };
    if (prompt.form !== "none" && !prompt.hasContent) {
      return { kind: "empty-prompt", path, offset, expected: "a prompt that is not empty" };
    }
    return undefined;
  }

  #body(): RequestBody {
    const { values, prompt, modelStart, modelEnd } = this.#envelope;
    const model = textOf(values, "model") ?? "";
    const adapter = textOf(values, "adapter");
    const cacheSalt = textOf(values, "cacheSalt");
    return {
      api: this.#api,
      model,
      modelStart,
      modelEnd,
      bodyBytes: this.#bodyBytes,
      adapter,
      isStream: values.isStream === true,
      wantsUsage: values.wantsUsage === true,
      outputTokensMax: numberOf(values, "outputTokensMax"),
      sequences: Math.max(1, prompt.prompts) * Math.max(1, numberOf(values, "choices") ?? 1),
      prompt: this.#hasher.finish([prompt.form, model, adapter ?? "", cacheSalt ?? ""]),
      promptTokens: prompt.form === "tokens" ? prompt.tokens : undefined,
      mediaParts: prompt.mediaParts,
      cacheSalt,
      sessionKey:
        textOf(values, "promptCacheKey") ??
        textOf(values, "conversation") ??
        textOf(values, "sessionId") ??
        textOf(values, "session"),
      user: textOf(values, "user") ?? textOf(values, "safetyIdentifier") ?? textOf(values, "accountId"),
      priority: numberOf(values, "priority"),
    };
  }
}

function textOf(values: LeafValues, leaf: Leaf): string | undefined {
  const value = values[leaf];
  return typeof value === "string" ? value : undefined;
}

function numberOf(values: LeafValues, leaf: Leaf): number | undefined {
  const value = values[leaf];
  return typeof value === "number" ? value : undefined;
}
