/**
 * A refusal in the words of the API that the client speaks, so that its library raises what it has for the case.
 *
 * OpenAI and the engines that follow it: `{"error": {message, type, param, code}}`. Anthropic:
 * `{"type": "error", "error": {type, message}}`. Types are those the two document for a status; where one has no word
 * for the status, the one of the nearest meaning that its libraries retry (5xx) or do not retry (4xx) alike.
 */
import type { InferenceApi, RequestFault } from "../../../model/inference-facts.ts";

export interface InferenceError {
  readonly status: number;
  /** For programs: the refusal's name, or the API's own word where it has one (`model_not_found`). */
  readonly code: string;
  /** For people. */
  readonly message: string;
  /** The field at fault: a path into the body. */
  readonly param?: string | undefined;
}

export function isAnthropic(api: InferenceApi): boolean {
  return api === "anthropic-messages" || api === "anthropic-count-tokens";
}

/** One line of JSON. */
export function renderError(api: InferenceApi, error: InferenceError): string {
  const { status, code, message, param } = error;
  if (isAnthropic(api)) {
    return JSON.stringify({ type: "error", error: { type: anthropicType(status), message } });
  }
  return JSON.stringify({ error: { message, type: openaiType(status), param: param ?? null, code } });
}

export function openaiType(status: number): string {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 429:
      return "rate_limit_error";
    default:
      return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

export function anthropicType(status: number): string {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
    case 529:
      return "overloaded_error";
    case 504:
      return "timeout_error";
    default:
      return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

/** `messages[0].content: expected a string (byte 17 of the body)`. */
export function messageOf(fault: RequestFault): string {
  const { kind, path, offset, expected } = fault;
  const place = path === "" ? "" : `${path}: `;
  switch (kind) {
    case "missing-model":
    case "missing-prompt":
    case "empty-prompt":
      return `${place}expected ${expected}.`;
    case "too-large":
      return `The body is too large: expected ${expected}.`;
    case "cut-short":
      return `${place}the body ends before its JSON does: expected ${expected} (byte ${offset} of the body).`;
    case "duplicate-key":
      return `${place}stands twice: expected ${expected} (byte ${offset} of the body).`;
    case "bad-text":
    case "bad-json":
      return `${place}not JSON: expected ${expected} (byte ${offset} of the body).`;
    case "too-deep":
    case "wrong-type":
    case "out-of-range":
      return `${place}expected ${expected} (byte ${offset} of the body).`;
  }
}

/** The status a fault of the request has. */
export function statusOf(fault: RequestFault): number {
  return fault.kind === "too-large" ? 413 : 400;
}
