/**
 * What one JSON document of an answer says: the whole answer, or the data of one event of its stream.
 *
 * It is looked for by place, not by name alone, so that no text a model writes can pass for usage or an error:
 *
 * | place | API |
 * |---|---|
 * | `usage.{prompt_tokens, completion_tokens}`, `usage.prompt_tokens_details.cached_tokens` | completions, chat, embeddings |
 * | `usage`, `response.usage`: `input_tokens`, `output_tokens`, `input_tokens_details.cached_tokens` | responses |
 * | `usage`, `message.usage`: `input_tokens`, `output_tokens`, `cache_{read,creation}_input_tokens`; `input_tokens` | messages, count_tokens |
 * | `meta_info.{prompt_tokens, completion_tokens, cached_tokens}`, summed over a batch | SGLang |
 * | `count` | vLLM `/tokenize` |
 *
 * An event has content if any of the places for generated text (`choices[].text`, `choices[].delta.*`, `delta`, ...) is not
 * empty: the first one of a chat, which tells the role alone, has none.
 */
import type { InferenceApi } from "../../../model/inference-facts.ts";
import type { JsonNumber } from "./json-number.ts";
import { ARRAY, DEPTH_MAX, OBJECT, type ContainerKind } from "./json-place.ts";
import { JsonScanner } from "./json-scanner.ts";
import type { JsonVisitor, LiteralName } from "./json-visitor.ts";
import { NameTable, UNKNOWN } from "./name-table.ts";
import { TextCapture } from "./text-capture.ts";

const NAMES = new NameTable([
  "type",
  "error",
  "usage",
  "choices",
  "delta",
  "response",
  "message",
  "meta_info",
  "prompt_tokens_details",
  "input_tokens_details",
  "prompt_tokens",
  "input_tokens",
  "completion_tokens",
  "output_tokens",
  "cached_tokens",
  "cache_read_input_tokens",
  "cache_creation_input_tokens",
  "text",
  "content",
  "reasoning_content",
  "reasoning",
  "thinking",
  "refusal",
  "partial_json",
  "tool_calls",
  "function_call",
  "token_ids",
  "output_ids",
  "count",
]);
const id = (name: string): number => NAMES.indexOf(name);
const TYPE = id("type");
const ERROR = id("error");
const DELTA_KEY = id("delta");
const TEXT = id("text");
const COUNT = id("count");

/** Contexts: what the container at a depth is. */
const NOTHING = 0;
const ROOT = 1;
const CHOICES = 2;
const CHOICE = 3;
const DELTA = 4;
const USAGE = 5;
const DETAILS = 6;
const INNER = 7;
const GENERATED = 8;
const CONTEXTS = 9;

/** Context of the container under a key, by context and name. */
const CHILD = new Uint8Array(CONTEXTS * NAMES.names.length);
/** 1: a string there that is not empty is content. */
const CONTENT = new Uint8Array(CONTEXTS * NAMES.names.length);
const cell = (context: number, name: string): number => context * NAMES.names.length + id(name);
CHILD[cell(ROOT, "choices")] = CHOICES;
CHILD[cell(ROOT, "delta")] = DELTA;
CHILD[cell(CHOICE, "delta")] = DELTA;
CHILD[cell(ROOT, "usage")] = USAGE;
CHILD[cell(INNER, "usage")] = USAGE;
CHILD[cell(ROOT, "meta_info")] = USAGE;
CHILD[cell(USAGE, "prompt_tokens_details")] = DETAILS;
CHILD[cell(USAGE, "input_tokens_details")] = DETAILS;
CHILD[cell(ROOT, "response")] = INNER;
CHILD[cell(ROOT, "message")] = INNER;
for (const name of ["tool_calls", "function_call"]) CHILD[cell(DELTA, name)] = GENERATED;
for (const context of [ROOT, CHOICE]) {
  for (const name of ["token_ids", "output_ids"]) CHILD[cell(context, name)] = GENERATED;
}
CONTENT[cell(CHOICE, "text")] = 1;
for (const name of [
  "text",
  "content",
  "reasoning_content",
  "reasoning",
  "thinking",
  "refusal",
  "partial_json",
]) {
  CONTENT[cell(DELTA, name)] = 1;
}

/** Places of the counts. */
const PROMPT = 0;
const OUTPUT = 1;
const CACHED = 2;
const CREATED = 3;
const COUNTS = 4;
const COUNT_OF = new Int8Array(NAMES.names.length).fill(-1);
COUNT_OF[id("prompt_tokens")] = PROMPT;
COUNT_OF[id("input_tokens")] = PROMPT;
COUNT_OF[id("completion_tokens")] = OUTPUT;
COUNT_OF[id("output_tokens")] = OUTPUT;
COUNT_OF[id("cached_tokens")] = CACHED;
COUNT_OF[id("cache_read_input_tokens")] = CACHED;
COUNT_OF[id("cache_creation_input_tokens")] = CREATED;
const TOKENS_MAX = 0x7fff_ffff;

export class ResponseVisitor implements JsonVisitor {
  readonly wantsIntegers = false;
  readonly scanner = new JsonScanner(this);
  /** By place of count; -1: not told. They last for the whole answer. */
  readonly counts = new Int32Array(COUNTS);
  /** Of the document being read. */
  hasContent = false;
  hasError = false;
  readonly type = new TextCapture();
  #api: InferenceApi = "openai-chat";
  readonly #contexts = new Uint8Array(DEPTH_MAX + 2);
  #name = UNKNOWN;
  #isBatch = false;
  #isType = false;

  begin(api: InferenceApi): void {
    this.#api = api;
    this.counts.fill(-1);
    this.next();
  }

  /** The next document of the same answer. */
  next(): void {
    this.scanner.reset();
    this.hasContent = false;
    this.hasError = false;
    this.type.begin();
    this.#isBatch = false;
    this.#isType = false;
  }

  get promptTokens(): number {
    const prompt = this.counts[PROMPT]!;
    // Anthropic counts apart what was read from and what was written to the cache.
    const isApart = this.#api === "anthropic-messages";
    return isApart && prompt >= 0
      ? prompt + Math.max(0, this.counts[CACHED]!) + Math.max(0, this.counts[CREATED]!)
      : prompt;
  }

  get cachedTokens(): number {
    return this.counts[CACHED]!;
  }

  get outputTokens(): number {
    return this.counts[OUTPUT]!;
  }

  key(hash: number): void {
    const { place } = this.scanner;
    const context = this.#contexts[place.depth]!;
    this.#name = context === NOTHING || context === GENERATED ? UNKNOWN : NAMES.find(place, hash);
  }

  open(kind: ContainerKind): void {
    const { depth } = this.scanner.place;
    const context = depth === 0 ? ROOT : this.#contexts[depth]!;
    let child = NOTHING;
    if (depth === 0) {
      child = ROOT;
      this.#isBatch = kind === ARRAY;
    } else if (this.#isBatch && depth === 1) child = kind === OBJECT ? ROOT : NOTHING;
    else if (context === CHOICES) child = CHOICE;
    else if (context === GENERATED) {
      child = GENERATED;
      this.hasContent = true;
    } else if (this.#name !== UNKNOWN) {
      child = CHILD[context * NAMES.names.length + this.#name]!;
      if (context === ROOT && this.#name === ERROR) this.hasError = true;
    }
    this.#contexts[depth + 1] = child;
    this.#name = UNKNOWN;
  }

  close(): void {
    this.#name = UNKNOWN;
  }

  text(): boolean {
    const { depth } = this.scanner.place;
    const context = this.#contexts[depth]!;
    const name = this.#name;
    if (depth === 0 || name === UNKNOWN) return false;
    this.#name = UNKNOWN;
    if (context === ROOT) {
      this.#isType = name === TYPE;
      if (name === ERROR) this.hasError = true;
      return this.#isType || name === DELTA_KEY || (name === TEXT && this.#api === "sglang-generate");
    }
    return CONTENT[context * NAMES.names.length + name] === 1;
  }

  run(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isType) this.type.run(bytes, start, end);
    else this.hasContent = true;
  }

  textEnd(): void {
    this.#isType = false;
  }

  number(number: JsonNumber): void {
    const { depth } = this.scanner.place;
    if (depth === 0) return;
    const context = this.#contexts[depth]!;
    if (context === GENERATED) this.hasContent = true;
    const name = this.#name;
    if (name === UNKNOWN) return;
    this.#name = UNKNOWN;
    if (context === USAGE || context === DETAILS) this.#put(COUNT_OF[name]!, number.plainInteger);
    else if (context !== ROOT) return;
    else if (this.#api === "anthropic-count-tokens") this.#put(COUNT_OF[name]!, number.plainInteger);
    else if (this.#api === "vllm-tokenize" && name === COUNT) this.#put(PROMPT, number.plainInteger);
  }

  integers(): void {}

  literal(name: LiteralName): void {
    const { depth } = this.scanner.place;
    const isError = depth > 0 && this.#contexts[depth] === ROOT && this.#name === ERROR;
    if (isError && name === "true") this.hasError = true;
    this.#name = UNKNOWN;
  }

  #put(count: number, value: number): void {
    if (count < 0 || value < 0 || value > TOKENS_MAX) return;
    const before = this.counts[count]!;
    this.counts[count] = this.#isBatch && before > 0 ? Math.min(TOKENS_MAX, before + value) : value;
  }
}
