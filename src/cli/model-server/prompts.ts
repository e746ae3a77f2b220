/**
 * From a request's body to the prompts the engine computes: tokens, in the order a chat template has them.
 *
 * Tools first, then the system's words, then the messages, each as a mark for its role, its content and an end mark; last the
 * mark with which the answer begins. A message is tokenised by itself, so a later turn, in which the answer stands as a message of
 * the assistant, begins with all tokens of the earlier prompt and of its answer.
 *
 * Bodies have been read once by core/inference/read and are of the right shape in all that counts there; what is looked at here
 * besides is taken if it is what it should be and else passed over.
 */
import type { InferenceApi } from "../../model/inference-facts.ts";
import { MARKS, tokenise, tokeniseMedia } from "./tokeniser.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = Readonly<Record<string, Json | undefined>>;

export function isObject(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

/** One list of tokens per prompt; several where the body has several. */
export function promptsOf(api: InferenceApi, body: JsonObject): readonly (readonly number[])[] {
  switch (api) {
    case "openai-completions":
      return inputsOf(body["prompt"]);
    case "openai-embeddings":
      return body["messages"] === undefined
        ? inputsOf(body["input"])
        : [chatOf(body, undefined, body["messages"])];
    case "openai-chat":
      return [chatOf(body, undefined, body["messages"])];
    case "openai-responses":
      return [chatOf(body, body["instructions"], body["input"])];
    case "anthropic-messages":
    case "anthropic-count-tokens":
      return [chatOf(body, body["system"], body["messages"])];
    case "vllm-tokenize":
      return body["messages"] === undefined
        ? inputsOf(body["prompt"])
        : [chatOf(body, undefined, body["messages"], body["add_generation_prompt"] !== false)];
    case "vllm-generate":
    case "sglang-generate":
      return [];
  }
}

/** A text, tokens, or a list of either. */
function inputsOf(value: Json | undefined): readonly (readonly number[])[] {
  if (typeof value === "string") return [textTokens(value)];
  const list = listOf(value);
  // Whatever number it is, it is a token: those of the wire have 31 bits.
  if (typeof list[0] === "number") return [list.map((token) => Number(token) & 0x7fff_ffff)];
  return list.flatMap((input) => inputsOf(input));
}

function textTokens(text: string): readonly number[] {
  const tokens: number[] = [MARKS.begin];
  tokenise(text, tokens);
  return tokens;
}

function chatOf(
  body: JsonObject,
  system: Json | undefined,
  messages: Json | undefined,
  isAnswerNext = true,
): readonly number[] {
  const tokens: number[] = [MARKS.begin];
  if (listOf(body["tools"]).length > 0) {
    tokens.push(MARKS.tools);
    tokenise(JSON.stringify(body["tools"]), tokens);
    tokens.push(MARKS.end);
  }
  if (system !== undefined && system !== null) addMessage(MARKS.system, system, tokens);
  if (typeof messages === "string") addMessage(MARKS.user, messages, tokens);
  for (const message of listOf(messages)) {
    if (!isObject(message)) continue;
    addMessage(markOf(message["role"]), message["content"] ?? null, tokens, message);
  }
  if (isAnswerNext) tokens.push(MARKS.assistant);
  return tokens;
}

function markOf(role: Json | undefined): number {
  switch (role) {
    case "system":
      return MARKS.system;
    case "developer":
      return MARKS.developer;
    case "assistant":
      return MARKS.assistant;
    case "tool":
    case "function":
      return MARKS.tool;
    default:
      return MARKS.user;
  }
}

function addMessage(mark: number, content: Json, tokens: number[], message?: JsonObject): void {
  tokens.push(mark);
  if (typeof content === "string") tokenise(content, tokens);
  for (const part of listOf(content)) addPart(part, tokens);
  // Calls of tools, their results and the like: all of the message that is not its role and content.
  for (const name of ["tool_calls", "tool_call_id", "name", "arguments", "output"]) {
    const extra = message?.[name];
    if (extra !== undefined && extra !== null) tokenise(JSON.stringify(extra), tokens);
  }
  tokens.push(MARKS.end);
}

const MEDIA_TYPES: ReadonlySet<unknown> = new Set([
  "image",
  "image_url",
  "input_image",
  "input_audio",
  "document",
  "file",
  "input_file",
  "video_url",
]);

function addPart(part: Json, tokens: number[]): void {
  if (typeof part === "string") tokenise(part, tokens);
  else if (isObject(part)) {
    if (MEDIA_TYPES.has(part["type"])) tokeniseMedia(JSON.stringify(part), tokens);
    else if (typeof part["text"] === "string") tokenise(part["text"], tokens);
    else tokenise(JSON.stringify(part), tokens);
  }
}
