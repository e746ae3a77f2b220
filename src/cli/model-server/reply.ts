/**
 * How an answer is written in one of the APIs, whole or as a stream of server-sent events.
 *
 * A format gives text and writes nothing; the order is begin, any number of pieces per choice and one end for each, end. Text of
 * answers is ASCII without quotes (answers.ts), so pieces are put between two halves of an event that are made once.
 */
export interface ReplyHead {
  /** Without the API's prefix. */
  readonly id: string;
  readonly createdSec: number;
  readonly model: string;
  readonly wantsUsage: boolean;
}

export interface ReplyUsage {
  readonly promptTokens: number;
  /** Of them, found in the cache. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
}

export interface Choice {
  readonly text: string;
  readonly tokens: number;
  readonly finish: "stop" | "length";
}

export interface ReplyFormat {
  whole(choices: readonly Choice[], usage: ReplyUsage): string;
  /** `promptTokens`: how many of them were cached is not known yet. */
  begin(choices: number, promptTokens: number): string;
  piece(choice: number, text: string): string;
  endChoice(choice: number, ended: Choice): string;
  end(usage: ReplyUsage): string;
}

export function event(data: unknown, name?: string): string {
  return `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`;
}

/** The event with a text in it, in front of the text and behind it. */
export function halves(make: (text: string) => string): readonly [before: string, after: string] {
  const slot = "@@";
  const whole = make(slot);
  const at = whole.lastIndexOf(slot);
  return [whole.slice(0, at), whole.slice(at + slot.length)];
}
