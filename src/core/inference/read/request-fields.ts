/**
 * The fields of a request's JSON object that count, for each API; all others are validated and passed over.
 *
 * A strict field of the wrong type is a fault, as it would be to the engine; a loose one is for routing alone and is passed
 * over when it is not what it should be. `null` is the same as absence everywhere but for the model and the prompt.
 */
import type { InferenceApi } from "../../../model/inference-facts.ts";
import { NameTable } from "./name-table.ts";
import { MAIN, SYSTEM, TOOLS, type Section } from "./prompt-hasher.ts";

export type LeafKind = "text" | "flag" | "count" | "integer";

/** What the values of these are kept under. */
export type Leaf =
  | "model"
  | "isStream"
  | "wantsUsage"
  | "outputTokensMax"
  | "choices"
  | "cacheSalt"
  | "adapter"
  | "user"
  | "safetyIdentifier"
  | "accountId"
  | "promptCacheKey"
  | "sessionId"
  | "conversation"
  | "session"
  | "priority";

export interface LeafField {
  readonly kind: LeafKind;
  readonly leaf: Leaf;
  readonly isStrict: boolean;
}

export type PromptShape =
  /** A string, token ids, or an array of either. */
  | "text-or-tokens"
  /** A string. */
  | "text"
  /** An array of objects. */
  | "items"
  | "text-or-items"
  /** Any array. */
  | "list";

export interface PromptField {
  readonly section: Section;
  readonly shape: PromptShape;
}

const strict = (kind: LeafKind, leaf: Leaf): LeafField => ({ kind, leaf, isStrict: true });
const loose = (kind: LeafKind, leaf: Leaf): LeafField => ({ kind, leaf, isStrict: false });

const ENVELOPE: Readonly<Record<string, LeafField>> = {
  model: strict("text", "model"),
  stream: strict("flag", "isStream"),
  max_tokens: strict("count", "outputTokensMax"),
  max_completion_tokens: strict("count", "outputTokensMax"),
  max_output_tokens: strict("count", "outputTokensMax"),
  n: strict("count", "choices"),
  cache_salt: strict("text", "cacheSalt"),
  lora_path: loose("text", "adapter"),
  user: loose("text", "user"),
  safety_identifier: loose("text", "safetyIdentifier"),
  prompt_cache_key: loose("text", "promptCacheKey"),
  session_id: loose("text", "sessionId"),
  conversation: loose("text", "conversation"),
  priority: loose("integer", "priority"),
};

/** Objects of the envelope that are looked into. */
const GROUPS: Readonly<Record<string, Readonly<Record<string, LeafField>>>> = {
  stream_options: { include_usage: strict("flag", "wantsUsage") },
  // A list of objects where SGLang takes a batch.
  sampling_params: {
    max_new_tokens: strict("count", "outputTokensMax"),
    max_tokens: strict("count", "outputTokensMax"),
    n: strict("count", "choices"),
  },
  metadata: { user_id: loose("text", "accountId") },
  conversation: { id: loose("text", "conversation") },
  session_params: { id: loose("text", "session") },
};

/** Those that are an object or nothing. */
const STRICT_GROUPS: ReadonlySet<string> = new Set(["stream_options"]);

const TOOL_LIST: PromptField = { section: TOOLS, shape: "list" };
const ITEMS: PromptField = { section: MAIN, shape: "items" };
const INPUT: PromptField = { section: MAIN, shape: "text-or-tokens" };
const ANTHROPIC = {
  messages: ITEMS,
  system: { section: SYSTEM, shape: "text-or-items" },
  tools: TOOL_LIST,
} as const;

const PROMPTS: Readonly<Record<InferenceApi, Readonly<Record<string, PromptField>>>> = {
  "openai-completions": { prompt: INPUT },
  "openai-chat": { messages: ITEMS, tools: TOOL_LIST },
  "openai-responses": {
    input: { section: MAIN, shape: "text-or-items" },
    instructions: { section: SYSTEM, shape: "text" },
    tools: TOOL_LIST,
  },
  "openai-embeddings": { input: INPUT, messages: ITEMS },
  "anthropic-messages": ANTHROPIC,
  "anthropic-count-tokens": ANTHROPIC,
  "vllm-tokenize": { prompt: INPUT, messages: ITEMS, tools: TOOL_LIST },
  "vllm-generate": { token_ids: INPUT },
  "sglang-generate": { text: INPUT, input_ids: INPUT },
};

/** Instead of an input, these of the Responses API name one that the server keeps. */
const STORED_INPUT = ["previous_response_id", "prompt"];

/** Those whose engine knows its model and does not ask for it. */
const MODEL_OPTIONAL: ReadonlySet<InferenceApi> = new Set([
  "vllm-tokenize",
  "vllm-generate",
  "sglang-generate",
]);

export const FIELD_NAMES = new NameTable([
  ...new Set([
    ...Object.keys(ENVELOPE),
    ...Object.keys(GROUPS),
    ...Object.values(GROUPS).flatMap((group) => Object.keys(group)),
    ...Object.values(PROMPTS).flatMap((prompts) => Object.keys(prompts)),
    ...STORED_INPUT,
  ]),
]);

type ByIndex<Value> = readonly (Value | undefined)[];

function byIndex<Value>(record: Readonly<Record<string, Value>>): ByIndex<Value> {
  return FIELD_NAMES.names.map((name) => (Object.hasOwn(record, name) ? record[name] : undefined));
}

export interface Group {
  readonly leaves: ByIndex<LeafField>;
  readonly isStrict: boolean;
}

/** How one API's object is read; all tables by the index of FIELD_NAMES. */
export interface ApiFields {
  readonly leaves: ByIndex<LeafField>;
  readonly groups: ByIndex<Group>;
  readonly prompts: ByIndex<PromptField>;
  /** True: its presence makes a missing prompt right. */
  readonly storedInputs: readonly boolean[];
  readonly isModelOptional: boolean;
  /** For messages: `messages`, or `prompt or messages`. */
  readonly promptNames: string;
}

const GROUPS_BY_INDEX = byIndex(
  Object.fromEntries(
    Object.entries(GROUPS).map(([name, leaves]): [string, Group] => [
      name,
      { leaves: byIndex(leaves), isStrict: STRICT_GROUPS.has(name) },
    ]),
  ),
);

function fieldsOf(api: InferenceApi): ApiFields {
  const names = Object.entries(PROMPTS[api]).filter(([, field]) => field.section === MAIN);
  return {
    leaves: byIndex(ENVELOPE),
    groups: GROUPS_BY_INDEX,
    prompts: byIndex(PROMPTS[api]),
    storedInputs: FIELD_NAMES.names.map(
      (name) => api === "openai-responses" && (STORED_INPUT.includes(name) || name === "conversation"),
    ),
    isModelOptional: MODEL_OPTIONAL.has(api),
    promptNames: names.map(([name]) => name).join(" or "),
  };
}

export const API_FIELDS = Object.fromEntries(
  (Object.keys(PROMPTS) as InferenceApi[]).map((api) => [api, fieldsOf(api)]),
) as Readonly<Record<InferenceApi, ApiFields>>;
