/**
 * One request while the engine works on it: what comes out is written as it comes, or kept until it is whole.
 *
 * The head of a stream goes out at once, as vLLM's does, before there is a token. When the client goes, what is left is canceled.
 * Bounded by the answer's length: a client that reads slowly has at most its own answer waiting.
 *
 * Invariant: `ended` is called once, whatever happens.
 */
import type { ServerResponse } from "node:http";
import type { FinishReason } from "./engine-page.ts";
import type { ReplyFormat } from "./reply.ts";
import type { PlannedSequence, RequestPlan } from "./request-plan.ts";
import type { RunningEngine, SequenceUser } from "./running-engine.ts";
import { TOKEN_BYTES } from "./tokeniser.ts";

export interface GenerationUser {
  /** Fields of the answer's head; asked for when it is sent. */
  headers(): Readonly<Record<string, string>>;
  /** One reason per sequence. */
  ended(reasons: readonly FinishReason[]): void;
}

export class Generation {
  readonly #engine: RunningEngine;
  readonly #response: ServerResponse;
  readonly #plan: RequestPlan;
  readonly #format: ReplyFormat;
  readonly #user: GenerationUser;
  /** By sequence: its number in the engine; undefined: it is over. */
  readonly #ids: (number | undefined)[] = [];
  readonly #told: number[];
  #left: number;
  #hasBegun = false;
  #hasEnded = false;
  #cachedTokens = 0;

  constructor(
    engine: RunningEngine,
    response: ServerResponse,
    plan: RequestPlan,
    format: ReplyFormat,
    user: GenerationUser,
  ) {
    this.#engine = engine;
    this.#response = response;
    this.#plan = plan;
    this.#format = format;
    this.#user = user;
    this.#left = plan.sequences.length;
    this.#told = plan.sequences.map(() => 0);
  }

  /** All sequences fit, which the plan has seen to. */
  start(): void {
    this.#response.on("close", () => this.#cancel());
    if (this.#plan.isStream) {
      this.#response.writeHead(200, {
        ...this.#user.headers(),
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
      });
      this.#response.flushHeaders();
    }
    for (const [index, sequence] of this.#plan.sequences.entries()) {
      const id = this.#engine.submit(sequence.work, this.#sequenceUser(index, sequence));
      if (id === undefined) throw new Error("a sequence that was planned does not fit");
      this.#ids.push(id);
    }
  }

  #sequenceUser(index: number, { answer }: PlannedSequence): SequenceUser {
    return {
      moved: (generated) => {
        if (this.#hasEnded || !this.#plan.isStream) return;
        const from = this.#told[index]! * TOKEN_BYTES;
        this.#told[index] = generated;
        const text = answer.text.slice(from, generated * TOKEN_BYTES);
        this.#response.write(this.#begin() + this.#format.piece(index, text));
      },
      finished: (cachedTokens) => {
        this.#ids[index] = undefined;
        this.#cachedTokens += cachedTokens;
        this.#left--;
        if (!this.#hasEnded) this.#finish(index);
      },
      dropped: () => {
        this.#end(false);
        this.#response.destroy();
      },
    };
  }

  #begin(): string {
    if (this.#hasBegun) return "";
    this.#hasBegun = true;
    return this.#format.begin(this.#plan.sequences.length, this.#plan.promptTokens);
  }

  #finish(index: number): void {
    const { isStream, sequences, promptTokens } = this.#plan;
    const answers = sequences.map(({ answer }) => answer);
    // Of several answers to one prompt each looks the prompt up; it counts once in the usage, and so do its cached tokens.
    const answersPerPrompt = sequences.length / this.#plan.prompts.length;
    const usage = {
      promptTokens,
      cachedTokens: Math.min(promptTokens, Math.floor(this.#cachedTokens / answersPerPrompt)),
      outputTokens: answers.reduce((sum, { tokens }) => sum + tokens, 0),
    };
    const isLast = this.#left === 0;
    if (isStream) {
      const end = this.#format.endChoice(index, answers[index]!);
      this.#response.write(isLast ? end + this.#format.end(usage) : end);
    }
    if (!isLast) return;
    if (!isStream) {
      const bytes = Buffer.from(this.#format.whole(answers, usage));
      this.#response.writeHead(200, {
        ...this.#user.headers(),
        "content-type": "application/json",
        "content-length": bytes.length,
      });
      this.#response.write(bytes);
    }
    this.#end(true);
    this.#response.end();
  }

  #cancel(): void {
    for (const id of this.#ids) if (id !== undefined) this.#engine.cancel(id);
    this.#end(false);
  }

  #end(isWhole: boolean): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#user.ended(this.#plan.sequences.map(({ answer }) => (isWhole ? answer.finish : "abort")));
  }
}
