/**
 * What the body says and what the headers say, as one: the facts the picker decides on.
 *
 * | header | older name | fact |
 * |---|---|---|
 * | `x-llm-d-inference-fairness-id` | `x-gateway-inference-fairness-id` | tenant |
 * | `x-llm-d-inference-objective` | `x-gateway-inference-objective` | objective |
 * | `x-llm-d-slo-ttft-ms`, `x-llm-d-slo-tpot-ms` | `x-slo-ttft-ms`, `x-slo-tpot-ms` | targets |
 * | `x-llm-d-model-name-rewrite` | `x-gateway-model-name-rewrite` | modelRewrite |
 * | `x-gateway-model-name` | | model, where the body has none |
 * | `x-session-id`, `x-session-token`, `x-session-affinity`, `x-claude-code-session-id`, `session-id`, `session_id` | | sessionKey |
 *
 * Names are those of the Gateway API's inference extension and of llm-d; of the session headers the first one that is
 * there holds, and any of them goes before what the body says. Clients can write them all: who trusts none of it removes
 * them at the listener. A value that is not what it should be is the same as none.
 */
import type { InferenceFacts } from "../../../model/inference-facts.ts";
import type { RequestBody } from "./request-reader.ts";

/** What the request must be able to tell: the first value of the field of that lower-case name. */
export interface HeaderSource {
  header(name: string): string | undefined;
}

const SESSION_HEADERS = [
  "x-session-id",
  "x-session-token",
  "x-session-affinity",
  "x-claude-code-session-id",
  "session-id",
  "session_id",
] as const;

/** All that is asked for here, for those who must take note of a request's headers before its body comes. */
export const INFERENCE_HEADERS: readonly string[] = [
  ...SESSION_HEADERS,
  "x-llm-d-inference-fairness-id",
  "x-gateway-inference-fairness-id",
  "x-llm-d-inference-objective",
  "x-gateway-inference-objective",
  "x-llm-d-slo-ttft-ms",
  "x-slo-ttft-ms",
  "x-llm-d-slo-tpot-ms",
  "x-slo-tpot-ms",
  "x-llm-d-model-name-rewrite",
  "x-gateway-model-name-rewrite",
  "x-gateway-model-name",
];

/** Longer ones are no names. */
const VALUE_LENGTH_MAX = 1_024;
/** A day: more than any target, and small enough to be added to a clock. */
const TARGET_MAX_MS = 86_400_000;

export function inferenceFacts(body: RequestBody, headers: HeaderSource): InferenceFacts {
  return {
    api: body.api,
    model: body.model === "" ? (valueOf(headers, "x-gateway-model-name") ?? "") : body.model,
    adapter: body.adapter,
    isStream: body.isStream,
    wantsUsage: body.wantsUsage,
    outputTokensMax: body.outputTokensMax,
    sequences: body.sequences,
    prompt: body.prompt,
    promptTokens: body.promptTokens,
    mediaParts: body.mediaParts,
    cacheSalt: body.cacheSalt,
    sessionKey: sessionOf(headers) ?? body.sessionKey,
    user: body.user,
    tenant: either(headers, "x-llm-d-inference-fairness-id", "x-gateway-inference-fairness-id"),
    objective: either(headers, "x-llm-d-inference-objective", "x-gateway-inference-objective"),
    priority: body.priority,
    ttftTargetMs: targetOf(either(headers, "x-llm-d-slo-ttft-ms", "x-slo-ttft-ms")),
    tpotTargetMs: targetOf(either(headers, "x-llm-d-slo-tpot-ms", "x-slo-tpot-ms")),
    modelRewrite: either(headers, "x-llm-d-model-name-rewrite", "x-gateway-model-name-rewrite"),
  };
}

function sessionOf(headers: HeaderSource): string | undefined {
  for (const name of SESSION_HEADERS) {
    const value = valueOf(headers, name);
    if (value !== undefined) return value;
  }
  return undefined;
}

function either(headers: HeaderSource, name: string, olderName: string): string | undefined {
  return valueOf(headers, name) ?? valueOf(headers, olderName);
}

function valueOf(headers: HeaderSource, name: string): string | undefined {
  const value = headers.header(name);
  return value === undefined || value === "" || value.length > VALUE_LENGTH_MAX ? undefined : value;
}

function targetOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,9}(?:\.\d{1,6})?$/.test(text)) return undefined;
  const targetMs = Number(text);
  return targetMs > 0 && targetMs <= TARGET_MAX_MS ? targetMs : undefined;
}
