/**
 * Answers of OpenAI's Completions and Chat Completions, as vLLM gives them.
 */
import { event, halves, type Choice, type ReplyFormat, type ReplyHead, type ReplyUsage } from "./reply.ts";

const DONE = "data: [DONE]\n\n";

export function openaiUsage({ promptTokens, cachedTokens, outputTokens }: ReplyUsage): object {
  return {
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + outputTokens,
    completion_tokens: outputTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
}

export class CompletionsReply implements ReplyFormat {
  readonly #head: ReplyHead;
  readonly #pieces: (readonly [string, string])[] = [];

  constructor(head: ReplyHead) {
    this.#head = head;
  }

  whole(choices: readonly Choice[], usage: ReplyUsage): string {
    return JSON.stringify({
      ...this.#base(),
      choices: choices.map(({ text, finish }, index) => choiceOf(index, text, finish)),
      usage: openaiUsage(usage),
    });
  }

  begin(choices: number): string {
    for (let index = 0; index < choices; index++)
      this.#pieces.push(halves((text) => event({ ...this.#base(), choices: [choiceOf(index, text, null)] })));
    return "";
  }

  piece(choice: number, text: string): string {
    const [before, after] = this.#pieces[choice]!;
    return before + text + after;
  }

  endChoice(choice: number, { finish }: Choice): string {
    return event({ ...this.#base(), choices: [choiceOf(choice, "", finish)] });
  }

  end(usage: ReplyUsage): string {
    if (!this.#head.wantsUsage) return DONE;
    return event({ ...this.#base(), choices: [], usage: openaiUsage(usage) }) + DONE;
  }

  #base(): object {
    const { id, createdSec, model } = this.#head;
    return { id: `cmpl-${id}`, object: "text_completion", created: createdSec, model };
  }
}

function choiceOf(index: number, text: string, finish: string | null): object {
  return { index, text, logprobs: null, finish_reason: finish };
}

export class ChatReply implements ReplyFormat {
  readonly #head: ReplyHead;
  readonly #pieces: (readonly [string, string])[] = [];

  constructor(head: ReplyHead) {
    this.#head = head;
  }

  whole(choices: readonly Choice[], usage: ReplyUsage): string {
    return JSON.stringify({
      ...this.#base("chat.completion"),
      choices: choices.map(({ text, finish }, index) => ({
        index,
        message: { role: "assistant", content: text, refusal: null },
        logprobs: null,
        finish_reason: finish,
      })),
      usage: openaiUsage(usage),
    });
  }

  /** An event with the role alone for each choice. */
  begin(choices: number): string {
    let roles = "";
    for (let index = 0; index < choices; index++) {
      roles += this.#chunk(index, { role: "assistant", content: "" }, null);
      this.#pieces.push(halves((text) => this.#chunk(index, { content: text }, null)));
    }
    return roles;
  }

  piece(choice: number, text: string): string {
    const [before, after] = this.#pieces[choice]!;
    return before + text + after;
  }

  endChoice(choice: number, { finish }: Choice): string {
    return this.#chunk(choice, {}, finish);
  }

  end(usage: ReplyUsage): string {
    if (!this.#head.wantsUsage) return DONE;
    return event({ ...this.#base("chat.completion.chunk"), choices: [], usage: openaiUsage(usage) }) + DONE;
  }

  #chunk(index: number, delta: object, finish: string | null): string {
    return event({
      ...this.#base("chat.completion.chunk"),
      choices: [{ index, delta, logprobs: null, finish_reason: finish }],
    });
  }

  #base(object: string): object {
    const { id, createdSec, model } = this.#head;
    return { id: `chatcmpl-${id}`, object, created: createdSec, model };
  }
}
