/**
 * What the model server says: made-up words, the same for the same prompt on every server, as with temperature 0.
 *
 * Each token is four characters (tokeniser.ts): three letters and a space, or half of seven letters and a space, so a text of n
 * tokens has 4 n ASCII characters and needs no escaping. How long an answer is by nature is drawn from a log-normal distribution,
 * by the prompt too; what the client allows cuts it.
 */
import { normal } from "../../sim/chance/work.ts";
import { createPrng } from "../../std/prng.ts";
import { seedOf } from "./token-blocks.ts";
import { TOKEN_BYTES } from "./tokeniser.ts";

const SHORT = (
  "the and for you all one two six ten who how why now out new old big far low red dry wet hot sun sky day air sea ice " +
  "oak elm fox owl bee cat dog hen key map pen ink cup jar box row act aim ask bid buy cut dig eat end fit fly get let " +
  "lay mix pay put run say see set sit tie try use win may can its our her his any few yet off too"
).split(" ");
const LONG = (
  "weather another because between brought caution central certain chapter clearly climate collect company " +
  "complex concern contain control country current develop digital discuss distant element evening example explain " +
  "express factory finally foreign forward freedom general history imagine improve instead journey kitchen library " +
  "machine measure message morning natural nothing observe opening outside patient pattern perhaps picture present " +
  "problem process produce promise protect provide quality quarter quickly reality receive require respect science " +
  "section several society station subject support teacher theatre through thought traffic usually village weekend"
).split(" ");

export interface AnswerLengths {
  /** Of the log-normal distribution, in tokens. */
  readonly mean: number;
  /** Deviation of the logarithm; 0: all alike. */
  readonly sigma: number;
}

export interface AnswerAsked {
  readonly prompt: readonly number[];
  /** Which of several answers to one prompt. */
  readonly choice: number;
  /** Undefined: the client does not say. */
  readonly tokensMax: number | undefined;
  readonly tokensMin: number;
  /** Of the context that is left. */
  readonly room: number;
  /** Goes on to `tokensMax`, as vLLM with `ignore_eos`. */
  readonly isForced: boolean;
}

export interface Answer {
  readonly tokens: number;
  /** 4 characters per token. */
  readonly text: string;
  readonly finish: "stop" | "length";
}

export function answerTo(asked: AnswerAsked, lengths: AnswerLengths): Answer {
  const prng = createPrng(seedOf(asked.prompt, asked.choice));
  const { mean, sigma } = lengths;
  const drawn = Math.round(mean * Math.exp(sigma * normal(prng) - (sigma * sigma) / 2));
  const most = Math.max(1, Math.min(asked.tokensMax ?? asked.room, asked.room));
  const wanted = asked.isForced ? most : Math.max(1, drawn, asked.tokensMin);
  const tokens = Math.min(wanted, most);
  let text = "";
  while (text.length < tokens * TOKEN_BYTES) {
    const words = prng.below(3) === 0 ? LONG : SHORT;
    text += `${words[prng.below(words.length)]!} `;
  }
  return {
    tokens,
    text: text.slice(0, tokens * TOKEN_BYTES),
    finish: wanted > most || asked.isForced ? "length" : "stop",
  };
}

/** Numbers in [-1, 1] with length 1 together, by the tokens alone. */
export function embeddingOf(tokens: readonly number[], dimensions: number): Float32Array {
  const prng = createPrng(seedOf(tokens, 0));
  const vector = Float32Array.from({ length: dimensions }, () => normal(prng));
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return vector.map((value) => value / length);
}
