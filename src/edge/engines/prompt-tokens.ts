/**
 * Learns what prompts are in tokens, so that cache events can be understood: of prompts that came as tokens from themselves, of
 * others from the engine that they are sent to. Always after the request has gone, and only of those that would teach
 * something.
 *
 * Bounds: bodies of BODY_BYTES_MAX; a few questions at a time (kv-events/tokeniser.ts). An engine that does not answer is left
 * alone for a while: one that has no `/tokenize` costs a question a minute.
 */
import type { Prompt } from "../../app/inference/prompt-desk.ts";
import type { SentBody } from "../../app/inference/engine-watch.ts";
import type { InferenceFacts } from "../../model/inference-facts.ts";
import type { EngineBlocks } from "../../core/inference/engine-blocks/engine-blocks.ts";
import type { Endpoint } from "../../model/endpoint.ts";
import { tokensInBody, type Tokeniser } from "../kv-events/tokeniser.ts";

/** Some 60,000 tokens, whose answer takes about 3 ms to read. */
const BODY_BYTES_MAX = 262_144;
const FIRST_REST_MS = 1_000;
const REST_MS_MAX = 60_000;

/** The endpoint that a prompt is sent to; a Member of followed-pool.ts. */
export interface PromptTaker {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly followed: { readonly blocks: EngineBlocks; readonly adapters: ReadonlySet<string> };
}

export interface PromptTokensOptions {
  readonly tokeniser: Tokeniser;
  readonly clock: () => number;
  readonly defect: (error: unknown) => void;
}

interface Rest {
  readonly failures: number;
  readonly untilMs: number;
}

export class PromptTokens {
  readonly #options: PromptTokensOptions;
  /** By name, of those that did not answer. */
  readonly #rests = new Map<string, Rest>();
  #isClosed = false;

  constructor(options: PromptTokensOptions) {
    this.#options = options;
  }

  /** The prompt is being sent to the member. */
  learn(member: PromptTaker, { facts, model }: Prompt, body: SentBody): void {
    const { hashes, count } = facts.prompt;
    if (!isTieable(facts) || body.bodyBytes > BODY_BYTES_MAX) return;
    if (member.followed.blocks.isTied(hashes, count)) return;
    const areKnown = facts.promptTokens !== undefined;
    if (!areKnown && (this.#isResting(member.name) || !this.#options.tokeniser.hasRoom)) return;
    const copy = body.bodyCopy();
    setImmediate(() => void this.#tie(member, facts, model, areKnown, copy).catch(this.#options.defect));
  }

  /** Those members are no more. */
  retain(names: ReadonlySet<string>): void {
    for (const name of this.#rests.keys()) if (!names.has(name)) this.#rests.delete(name);
  }

  close(): void {
    this.#isClosed = true;
  }

  async #tie(
    member: PromptTaker,
    facts: InferenceFacts,
    model: string,
    areKnown: boolean,
    body: Buffer,
  ): Promise<void> {
    if (this.#isClosed) return;
    const tokens = areKnown ? tokensInBody(body) : await this.#ask(member, body);
    if (tokens === undefined || this.#isClosed) return;
    const { hashes, count, blockBytes, bytes } = facts.prompt;
    // With vLLM an adapter is asked for as a model; its base model has no name here, as in the events.
    const adapter = facts.adapter ?? (member.followed.adapters.has(model) ? model : "");
    const cacheSalt = facts.cacheSalt ?? "";
    member.followed.blocks.tie(
      { hashes, count, blockBytes, bytes, tokens, adapter, cacheSalt },
      this.#options.clock(),
    );
  }

  async #ask({ name, endpoint }: PromptTaker, body: Buffer): Promise<Int32Array | undefined> {
    const { tokeniser, clock } = this.#options;
    if (!tokeniser.hasRoom) return undefined;
    const tokens = await tokeniser.ask(endpoint.address, endpoint.port, body);
    if (tokens !== undefined) this.#rests.delete(name);
    else {
      const failures = (this.#rests.get(name)?.failures ?? 0) + 1;
      const restMs = Math.min(REST_MS_MAX, FIRST_REST_MS * 2 ** Math.min(failures - 1, 16));
      this.#rests.set(name, { failures, untilMs: clock() + restMs });
    }
    return tokens;
  }

  #isResting(name: string): boolean {
    const rest = this.#rests.get(name);
    return rest !== undefined && this.#options.clock() < rest.untilMs;
  }
}

/** One prompt of text or tokens, in a form that tokenisers take. */
function isTieable({ api, prompt, mediaParts }: InferenceFacts): boolean {
  return (api === "openai-chat" || api === "openai-completions") && mediaParts === 0 && prompt.count > 0;
}
