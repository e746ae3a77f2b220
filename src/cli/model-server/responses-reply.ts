/**
 * Answers of OpenAI's Responses API: one message of the assistant, its events numbered.
 *
 * Nothing is stored: `previous_response_id` and the like are refused before it comes to an answer.
 */
import { event, halves, type Choice, type ReplyFormat, type ReplyHead, type ReplyUsage } from "./reply.ts";

export class ResponsesReply implements ReplyFormat {
  readonly #head: ReplyHead;
  #sequence = 0;
  #piece: readonly [string, string] = ["", ""];
  #ended: Choice | undefined;

  constructor(head: ReplyHead) {
    this.#head = head;
  }

  whole([choice]: readonly Choice[], usage: ReplyUsage): string {
    return JSON.stringify(this.#response(choice, usage));
  }

  begin(): string {
    const place = { item_id: this.#itemId, output_index: 0, content_index: 0 };
    this.#piece = halves(
      (text) =>
        `,"item_id":"${this.#itemId}","output_index":0,"content_index":0,"logprobs":[],"delta":"${text}"}\n\n`,
    );
    return (
      this.#event("response.created", { response: this.#response(undefined, undefined) }) +
      this.#event("response.in_progress", { response: this.#response(undefined, undefined) }) +
      this.#event("response.output_item.added", { output_index: 0, item: this.#item(undefined) }) +
      this.#event("response.content_part.added", { ...place, part: part("") })
    );
  }

  piece(_choice: number, text: string): string {
    const [before, after] = this.#piece;
    const type = "response.output_text.delta";
    return `event: ${type}\ndata: {"type":"${type}","sequence_number":${this.#sequence++}${before}${text}${after}`;
  }

  endChoice(_choice: number, ended: Choice): string {
    this.#ended = ended;
    const place = { item_id: this.#itemId, output_index: 0, content_index: 0 };
    return (
      this.#event("response.output_text.done", { ...place, text: ended.text, logprobs: [] }) +
      this.#event("response.content_part.done", { ...place, part: part(ended.text) }) +
      this.#event("response.output_item.done", { output_index: 0, item: this.#item(ended) })
    );
  }

  end(usage: ReplyUsage): string {
    const isCut = this.#ended?.finish === "length";
    return this.#event(isCut ? "response.incomplete" : "response.completed", {
      response: this.#response(this.#ended, usage),
    });
  }

  get #itemId(): string {
    return `msg_${this.#head.id}`;
  }

  #event(type: string, fields: object): string {
    return event({ type, sequence_number: this.#sequence++, ...fields }, type);
  }

  #item(ended: Choice | undefined): object {
    return {
      id: this.#itemId,
      type: "message",
      role: "assistant",
      status: ended === undefined ? "in_progress" : "completed",
      content: ended === undefined ? [] : [part(ended.text)],
    };
  }

  #response(ended: Choice | undefined, usage: ReplyUsage | undefined): object {
    const isCut = ended?.finish === "length";
    return {
      id: `resp_${this.#head.id}`,
      object: "response",
      created_at: this.#head.createdSec,
      status: ended === undefined ? "in_progress" : isCut ? "incomplete" : "completed",
      error: null,
      incomplete_details: isCut ? { reason: "max_output_tokens" } : null,
      instructions: null,
      metadata: {},
      model: this.#head.model,
      output: ended === undefined ? [] : [this.#item(ended)],
      parallel_tool_calls: true,
      temperature: 0,
      tool_choice: "auto",
      tools: [],
      top_p: 1,
      usage: usage === undefined ? null : responsesUsage(usage),
    };
  }
}

function part(text: string): object {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

function responsesUsage({ promptTokens, cachedTokens, outputTokens }: ReplyUsage): object {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: promptTokens + outputTokens,
  };
}
