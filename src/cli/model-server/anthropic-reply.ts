/**
 * Answers of Anthropic's Messages API: one block of text.
 *
 * Tokens read from the cache are counted apart from `input_tokens`. How many they are is known when the stream ends: the first
 * event counts all as input, the last but one tells it right, and what comes later holds.
 */
import { event, halves, type Choice, type ReplyFormat, type ReplyHead, type ReplyUsage } from "./reply.ts";

export class AnthropicReply implements ReplyFormat {
  readonly #head: ReplyHead;
  #piece: readonly [string, string] = ["", ""];
  #stop = "end_turn";

  constructor(head: ReplyHead) {
    this.#head = head;
  }

  whole([choice]: readonly Choice[], usage: ReplyUsage): string {
    return JSON.stringify({
      ...this.#message(),
      content: [{ type: "text", text: choice!.text }],
      stop_reason: stopOf(choice!),
      usage: usageOf(usage),
    });
  }

  begin(_choices: number, promptTokens: number): string {
    const usage = usageOf({ promptTokens, cachedTokens: 0, outputTokens: 0 });
    const delta = (text: string): string =>
      event(
        { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } },
        "content_block_delta",
      );
    this.#piece = halves(delta);
    return (
      event({ type: "message_start", message: { ...this.#message(), usage } }, "message_start") +
      event(
        { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
        "content_block_start",
      )
    );
  }

  piece(_choice: number, text: string): string {
    return this.#piece[0] + text + this.#piece[1];
  }

  endChoice(_choice: number, ended: Choice): string {
    this.#stop = stopOf(ended);
    return event({ type: "content_block_stop", index: 0 }, "content_block_stop");
  }

  end(usage: ReplyUsage): string {
    const delta = { stop_reason: this.#stop, stop_sequence: null };
    return (
      event({ type: "message_delta", delta, usage: usageOf(usage) }, "message_delta") +
      event({ type: "message_stop" }, "message_stop")
    );
  }

  #message(): object {
    return {
      id: `msg_${this.#head.id}`,
      type: "message",
      role: "assistant",
      model: this.#head.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
    };
  }
}

function stopOf({ finish }: Choice): string {
  return finish === "length" ? "max_tokens" : "end_turn";
}

function usageOf({ promptTokens, cachedTokens, outputTokens }: ReplyUsage): object {
  return {
    input_tokens: promptTokens - cachedTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cachedTokens,
    output_tokens: outputTokens,
  };
}
