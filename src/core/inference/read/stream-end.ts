/**
 * How a stream that broke ends: with an event that says so, never with what a finished one ends with.
 *
 * Where the break is inside an event, that event cannot be taken back: its line is ended, so that what follows is an
 * event of its own. A client that was given half an event's JSON fails at that, which is as explicit.
 *
 * OpenAI's completions and chat have no event for errors but their libraries raise a `data` that has `error`; no `[DONE]`
 * follows, since that would say that all is well. The Responses and Messages APIs have an event `error`.
 */
import type { InferenceApi } from "../../../model/inference-facts.ts";
import { renderError, type InferenceError } from "./error-shape.ts";

/** Where in an event stream the bytes sent so far end. */
export type StreamPlace = "between-events" | "line-start" | "inside-line";

const REST_OF_EVENT: Readonly<Record<StreamPlace, string>> = {
  "between-events": "",
  "line-start": "\n",
  "inside-line": "\n\n",
};

/** Text to send, then to end the body properly. `events`: how many were sent, for the API that numbers them. */
export function streamEnd(
  api: InferenceApi,
  place: StreamPlace,
  events: number,
  error: InferenceError,
): string {
  return REST_OF_EVENT[place] + errorEvent(api, events, error);
}

function errorEvent(api: InferenceApi, events: number, error: InferenceError): string {
  switch (api) {
    case "anthropic-messages":
    case "anthropic-count-tokens":
      return `event: error\ndata: ${renderError(api, error)}\n\n`;
    case "openai-responses": {
      const { code, message, param } = error;
      const data = { type: "error", code, message, param: param ?? null, sequence_number: events };
      return `event: error\ndata: ${JSON.stringify(data)}\n\n`;
    }
    case "openai-completions":
    case "openai-chat":
    case "openai-embeddings":
    case "vllm-tokenize":
    case "vllm-generate":
    case "sglang-generate":
      return `data: ${renderError(api, error)}\n\n`;
  }
}
