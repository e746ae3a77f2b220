/**
 * What a pool of model servers is given by whoever follows its engines: it hears of prompts that are being sent, and knows which
 * models are served. Who follows, and how, is not known here; nobody may.
 */
import type { ServedModel } from "../../core/inference/served-models.ts";
import type { Prompt } from "./prompt-desk.ts";

/** The body that is being sent, should anybody want it: whole, and as the endpoint gets it. */
export interface SentBody {
  readonly bodyBytes: number;
  /** A copy. Valid to ask for only during the call. */
  bodyCopy(): Buffer;
}

export interface EngineWatch {
  /** The prompt goes to the endpoint now. On the request's way: what takes time is for later. */
  sent(endpointKey: string, prompt: Prompt, body: SentBody): void;
  /** What each engine serves, as far as it is known: a list for each that has said so. */
  modelLists(): readonly (readonly ServedModel[])[];
}
