/**
 * The HTTP requests that checks pretend a gateway has received: heads and bodies, fit to the picker's pool by the settings.
 */
import { randomUUID } from "node:crypto";
import type { Header } from "../../edge/extproc-client/messages.ts";
import type { VerifySettings } from "./settings.ts";

export interface HeadOptions {
  /** POST unless said otherwise; GET goes to the list of models. */
  readonly method?: "GET" | "POST";
  readonly more?: readonly Header[];
}

export function requestHeaders(
  settings: VerifySettings,
  { method = "POST", more = [] }: HeadOptions = {},
): Header[] {
  const content: Header[] = method === "POST" ? [["content-type", "application/json"]] : [];
  return [
    [":method", method],
    [":path", method === "POST" ? settings.path : "/v1/models"],
    [":scheme", "http"],
    [":authority", settings.authority],
    ["accept", "*/*"],
    ["user-agent", "plimsoll-verify-picker"],
    ["x-request-id", randomUUID()],
    ...content,
    ...settings.headers,
    ...more,
  ];
}

/** A chat completion; `promptBytes` of text in it. Each has words of its own, so that no picker takes it for the one before. */
export function chatBody(settings: VerifySettings, promptBytes = 200): Buffer {
  const opening = `Question ${randomUUID()}: `;
  const prompt = opening + "what is the draught of a loaded ship? ".repeat(Math.ceil(promptBytes / 38));
  return Buffer.from(
    JSON.stringify({
      model: settings.model,
      messages: [{ role: "user", content: prompt.slice(0, Math.max(promptBytes, opening.length)) }],
      max_tokens: 16,
    }),
  );
}

/** `count` parts of nearly the same size, in order. */
export function split(body: Buffer, count: number): Buffer[] {
  const size = Math.ceil(body.length / count);
  return Array.from({ length: count }, (_, index) => body.subarray(index * size, (index + 1) * size));
}
