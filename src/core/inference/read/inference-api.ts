/**
 * Which API a request speaks, by method and path alone: the longest of a closed list of suffixes that the path ends in,
 * so that a prefix of one's own (`/team-a/v1/chat/completions`) changes nothing.
 *
 * Bodies are those of the OpenAI and Anthropic HTTP APIs, of vLLM (`/tokenize`, `/inference/v1/generate`, and `/render`
 * behind the OpenAI paths, which take the same bodies) and of SGLang (`/generate`).
 */
import type { InferenceApi } from "../../../model/inference-facts.ts";

/** Longest first where one ends in another. */
const SUFFIXES: readonly (readonly [suffix: string, api: InferenceApi])[] = [
  ["/chat/completions/render", "openai-chat"],
  ["/chat/completions", "openai-chat"],
  ["/completions/render", "openai-completions"],
  ["/completions", "openai-completions"],
  ["/responses", "openai-responses"],
  ["/embeddings", "openai-embeddings"],
  ["/messages/count_tokens", "anthropic-count-tokens"],
  ["/messages", "anthropic-messages"],
  ["/tokenize", "vllm-tokenize"],
  ["/inference/v1/generate", "vllm-generate"],
  ["/generate", "sglang-generate"],
];

/** `target`: as in the request line, a query and a slash at the end do not count. Undefined: none of them. */
export function inferenceApiOf(method: string, target: string): InferenceApi | undefined {
  if (method !== "POST") return undefined;
  const query = target.indexOf("?");
  let path = query < 0 ? target : target.slice(0, query);
  if (path.endsWith("/")) path = path.slice(0, -1);
  for (const [suffix, api] of SUFFIXES) if (path.endsWith(suffix)) return api;
  return undefined;
}
