/**
 * The body of a prompt, read as it comes; when it is whole, what the pool's desk makes of it. One per request to a pool of
 * model servers whose path is that of an API that is understood, whoever carries the bytes.
 *
 * Readers are lent: they are a few kilobytes each, and few prompts are being read at a time. Invariant: `release`, once the
 * request is over, gives back the reader and what the body counts among all that is held.
 */
import { inferenceApiOf } from "../../core/inference/read/inference-api.ts";
import { INFERENCE_HEADERS, type HeaderSource } from "../../core/inference/read/inference-facts.ts";
import { messageOf, renderError, statusOf } from "../../core/inference/read/error-shape.ts";
import { spliceModel, type ModelSplice } from "../../core/inference/read/model-splice.ts";
import { RequestReader } from "../../core/inference/read/request-reader.ts";
import type { InferenceApi, RequestFault } from "../../model/inference-facts.ts";
import { REFUSALS, type Refusal } from "../../model/refusal.ts";
import type { Prompt, PromptDesk } from "./prompt-desk.ts";
import { Spares } from "./spares.ts";

/** Bytes of a prompt's body, which is read whole before an endpoint is chosen; beyond: `inference-request-too-large`. */
export const PROMPT_BYTES_MAX = 33_554_432;

/** Bytes of prompts' bodies held at a time by all requests; beyond: `prompts-full`. */
export const PROMPTS_BYTES_MAX = 1_073_741_824;

/** Of all prompts that are being read, wait or are under way. */
let heldBytes = 0;

const requestReaders = new Spares(() => new RequestReader({ bodyBytesMax: PROMPT_BYTES_MAX }));

export interface PromptFault {
  readonly refusal: Refusal;
  readonly detail: string;
}

export type PromptTaken =
  | {
      readonly kind: "prompt";
      readonly prompt: Prompt;
      /** What is to change in the body; undefined: nothing. */
      readonly splice: ModelSplice | undefined;
    }
  | ({ readonly kind: "fault" } & PromptFault);

export class PromptIntake {
  readonly api: InferenceApi;
  readonly #desk: PromptDesk;
  readonly #headers: HeaderSource;
  #reader: RequestReader | undefined;
  #fault: RequestFault | undefined;
  #heldBytes = 0;

  /** Undefined: the pool has no model servers, or the request is none that is read for them. */
  static of(
    desk: PromptDesk | undefined,
    head: HeaderSource & { readonly method: string; readonly path: string },
  ): PromptIntake | undefined {
    const api = desk === undefined ? undefined : inferenceApiOf(head.method, head.path);
    return desk === undefined || api === undefined ? undefined : new PromptIntake(api, desk, head);
  }

  constructor(api: InferenceApi, desk: PromptDesk, headers: HeaderSource) {
    this.api = api;
    this.#desk = desk;
    this.#headers = noteHeaders(headers);
    this.#reader = requestReaders.take();
    this.#reader.begin(api);
  }

  /** Body bytes as they come. False: it will be no request that can be served, whatever may follow. */
  feed(bytes: Uint8Array, start: number, end: number): boolean {
    this.#heldBytes += end - start;
    heldBytes += end - start;
    return heldBytes <= PROMPTS_BYTES_MAX && this.#reader!.feed(bytes, start, end);
  }

  /** The body is whole, or has a fault. Once. */
  finish(): PromptTaken {
    const reading = this.#reader!.finish();
    this.#giveBack();
    if (heldBytes > PROMPTS_BYTES_MAX) return { kind: "fault", refusal: "prompts-full", detail: "" };
    if (reading.kind === "fault") {
      const { fault } = reading;
      this.#fault = fault;
      const refusal = statusOf(fault) === 413 ? "inference-request-too-large" : "bad-inference-request";
      return { kind: "fault", refusal, detail: messageOf(fault) };
    }
    const { body } = reading;
    const prompt = this.#desk.take(body, this.#headers);
    const isRewritten = prompt.model !== prompt.facts.model;
    return { kind: "prompt", prompt, splice: isRewritten ? spliceModel(body, prompt.model) : undefined };
  }

  /** How the client's library expects to be told of a refusal: one line of JSON. */
  refusalText(refusal: Refusal, detail: string, status: number = REFUSALS[refusal].status): string {
    const param = this.#fault === undefined || this.#fault.path === "" ? undefined : this.#fault.path;
    const message = detail === "" ? REFUSALS[refusal].meaning : detail;
    return renderError(this.api, { status, code: refusal, message, param });
  }

  /** The request is over. Harmless a second time. */
  release(): void {
    this.#giveBack();
    heldBytes -= this.#heldBytes;
    this.#heldBytes = 0;
  }

  #giveBack(): void {
    if (this.#reader !== undefined) requestReaders.giveBack(this.#reader);
    this.#reader = undefined;
  }
}

/** The head's bytes are gone when the body is whole. */
function noteHeaders(source: HeaderSource): HeaderSource {
  const noted = new Map<string, string>();
  for (const name of INFERENCE_HEADERS) {
    const value = source.header(name);
    if (value !== undefined) noted.set(name, value);
  }
  return { header: (name) => noted.get(name) };
}
