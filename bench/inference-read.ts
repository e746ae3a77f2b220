/**
 * What it costs to understand requests and answers: microseconds of processor time per body and per event.
 *
 *     node bench/inference-read.ts [repetitions]
 *
 * Bodies come in chunks of 64 KiB, as from a socket. `cpu us` is the mean processor time after a warm-up, `best us` the
 * shortest by the clock, which other work on the machine disturbs least; JSON.parse over the same bytes, which hashes
 * nothing, stands beside for comparison.
 */
import { performance } from "node:perf_hooks";
import { ModelRename } from "../src/core/inference/read/model-rename.ts";
import { RequestReader } from "../src/core/inference/read/request-reader.ts";
import { ResponseReader } from "../src/core/inference/read/response-reader.ts";
import type { InferenceApi } from "../src/model/inference-facts.ts";
import { createPrng } from "../src/std/prng.ts";

const repetitions = Number(process.argv[2] ?? 300);
const CHUNK_BYTES = 65_536;

interface Row {
  readonly name: string;
  readonly api: InferenceApi;
  readonly body: object;
}

const prng = createPrng(7);

function words(bytes: number, alphabet: readonly string[]): string {
  let text = "";
  while (text.length < bytes) {
    for (let letters = 2 + prng.below(8); letters > 0; letters--)
      text += alphabet[prng.below(alphabet.length)]!;
    text += prng.below(12) === 0 ? ".\n" : " ";
  }
  return text.slice(0, bytes);
}

const LATIN = Array.from("etaoinshrdlcumwfgypbvk");
const HAN = Array.from("的一是不了人我在有他这中大来上国");

function conversation(bytes: number, turns: number, alphabet: readonly string[]): object {
  const messages = Array.from({ length: turns }, (_, turn) => ({
    role: turn === 0 ? "system" : turn % 2 === 1 ? "user" : "assistant",
    content: words(Math.floor(bytes / turns), alphabet),
  }));
  return { model: "llama-3.1-8b", messages, stream: true, max_tokens: 512 };
}

const ids = (count: number): number[] => Array.from({ length: count }, () => prng.below(128_000));

const ROWS: readonly Row[] = [
  { name: "chat, 8k tokens", api: "openai-chat", body: conversation(32_000, 10, LATIN) },
  { name: "chat, 100k tokens", api: "openai-chat", body: conversation(450_000, 40, LATIN) },
  { name: "chat, 450 KB of Han", api: "openai-chat", body: conversation(150_000, 40, HAN) },
  { name: "completion, 100k ids", api: "openai-completions", body: { model: "m", prompt: ids(100_000) } },
];

/** The mean processor time of this thread and the shortest time of the clock, in microseconds. */
function measure(work: () => void): readonly [meanUs: number, bestUs: number] {
  for (let i = 0; i < repetitions; i++) work();
  let bestUs = Number.POSITIVE_INFINITY;
  const before = process.threadCpuUsage();
  for (let i = 0; i < repetitions; i++) {
    const startMs = performance.now();
    work();
    bestUs = Math.min(bestUs, (performance.now() - startMs) * 1_000);
  }
  const { user, system } = process.threadCpuUsage();
  return [(user + system - before.user - before.system) / repetitions, bestUs];
}

const us = (value: number): string => value.toFixed(value < 10 ? 2 : 0).padStart(8);

const reader = new RequestReader({ bodyBytesMax: 16 * 1_048_576 });
console.log("request                    bytes     cpu us  best us  JSON.parse  blocks");
for (const { name, api, body } of ROWS) {
  const bytes = Buffer.from(JSON.stringify(body));
  let blocks = 0;
  const [mean, best] = measure(() => {
    reader.begin(api);
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      reader.feed(bytes, at, Math.min(bytes.length, at + CHUNK_BYTES));
    }
    const reading = reader.finish();
    if (reading.kind === "fault") throw new Error(`${name}: ${reading.fault.kind} at ${reading.fault.path}`);
    blocks = reading.body.prompt.count;
  });
  const [, parsed] = measure(() => JSON.parse(bytes.toString()));
  console.log(
    `${name.padEnd(22)}${String(bytes.length).padStart(10)}${us(mean).padStart(11)}${us(best).padStart(9)}` +
      `${us(parsed).padStart(12)}${String(blocks).padStart(8)}`,
  );
}

const EVENTS = 1_000;
const event = {
  id: "chatcmpl-0f1e2d3c4b5a69788796a5b4c3d2e1f0",
  object: "chat.completion.chunk",
  created: 1_700_000_000,
  model: "llama-3.1-8b",
  choices: [{ index: 0, delta: { content: " word" }, logprobs: null, finish_reason: null }],
};
const anthropic = { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: " word" } };
const STREAMS: readonly (readonly [name: string, api: InferenceApi, event: string])[] = [
  ["chat", "openai-chat", `data: ${JSON.stringify(event)}\n\n`],
  ["messages", "anthropic-messages", `event: content_block_delta\ndata: ${JSON.stringify(anthropic)}\n\n`],
];

const response = new ResponseReader();
let renamedBytes = 0;
console.log("\none event per chunk        bytes     cpu us  best us  JSON.parse  with rename, best us");
for (const [name, api, text] of STREAMS) {
  const bytes = Buffer.from(text);
  const [mean, best] = measure(() => {
    response.begin(api, true);
    for (let i = 0; i < EVENTS; i++) response.feed(bytes, 0, bytes.length);
    if (response.contentEvents !== EVENTS) throw new Error(`${name}: ${response.contentEvents} events`);
  });
  const rename = new ModelRename("llama-3.1-8b", "mine", true, (_bytes, start, end) => {
    renamedBytes += end - start;
  });
  const [, renamed] = measure(() => {
    for (let i = 0; i < EVENTS; i++) rename.feed(bytes, 0, bytes.length);
  });
  const json = text.slice(text.indexOf("{"));
  const [, parsed] = measure(() => {
    for (let i = 0; i < EVENTS; i++) JSON.parse(json);
  });
  console.log(
    `${name.padEnd(22)}${String(bytes.length).padStart(10)}${us(mean / EVENTS).padStart(11)}${us(best / EVENTS).padStart(9)}` +
      `${us(parsed / EVENTS).padStart(12)}${us(renamed / EVENTS).padStart(14)}`,
  );
}
if (renamedBytes === 0) throw new Error("nothing was sent");
