/**
 * Asking for another model than the client did: the body's bytes with the model's value replaced and all others untouched.
 */
import type { RequestBody } from "./request-reader.ts";

export interface ModelSplice {
  /** Send the body's bytes [0, start), then `bytes`, then those from `end` on. */
  readonly start: number;
  readonly bytes: Uint8Array;
  readonly end: number;
  /** What the content length becomes larger by; negative where the body becomes shorter. */
  readonly addedBytes: number;
}

/** Undefined: the body names no model, so there is nothing to replace. */
export function spliceModel(body: RequestBody, model: string): ModelSplice | undefined {
  const { modelStart: start, modelEnd: end } = body;
  if (start < 0) return undefined;
  const bytes = quoted(model);
  return { start, bytes, end, addedBytes: bytes.length - (end - start) };
}

/** As a JSON string in UTF-8, quotes included. */
export function quoted(text: string): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(text));
}
