/**
 * A model server for tests of what lies between: it remembers what came byte for byte, and its answers are known byte for byte.
 *
 * `stream: true` is answered with events in parts that are cut anywhere, also within a character; otherwise with JSON. `GET /v1/models`
 * answers as well, and `/metrics` as an idle vLLM, so that a picker can look.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface SeenRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bodyBytes: number;
  readonly bodySha256: string;
}

export interface ModelEndpoint {
  readonly address: string;
  readonly port: number;
  readonly seen: readonly SeenRequest[];
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface ModelEndpointOptions {
  /** Between the parts of a streamed answer; default 1. */
  readonly partMs?: number;
  /** Of a streamed answer; default 40. */
  readonly tokens?: number;
  /** Whether an answer may end; default at once. */
  readonly gate?: () => Promise<void>;
}

const WORDS = ["ship ", "Plimsoll ", "Größe ", "海图 ", "⚓️ ", "\\n", '\\"quoted\\" '];

/** Every byte of a streamed answer. */
export function streamedAnswer(tokens: number): Buffer {
  const events = Array.from(
    { length: tokens },
    (_, index) =>
      `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"${WORDS[index % WORDS.length]}"}}]}\n\n`,
  );
  const usage = `"usage":{"prompt_tokens":12,"completion_tokens":${tokens},"total_tokens":${tokens + 12}}`;
  return Buffer.from(
    `${events.join("")}data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[],${usage}}\n\ndata: [DONE]\n\n`,
  );
}

export const WHOLE_ANSWER = Buffer.from(
  '{"id":"chatcmpl-1","object":"chat.completion","choices":[{"index":0,"finish_reason":"stop","message":' +
    '{"role":"assistant","content":"Größe ⚓️"}}],"usage":{"prompt_tokens":12,"completion_tokens":3,"total_tokens":15}}',
);

const METRICS =
  "vllm:num_requests_running 0\nvllm:num_requests_waiting 0\nvllm:kv_cache_usage_perc 0\n" +
  'vllm:cache_config_info{block_size="16",num_gpu_blocks="1000"} 1\n';

/** Prime to everything: parts begin and end within lines and characters. */
const PART_BYTES = 97;

export async function startModelEndpoint(options: ModelEndpointOptions = {}): Promise<ModelEndpoint> {
  const seen: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    answer(request, response, seen, options).catch(() => response.destroy());
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { address: `127.0.0.1:${port}`, port, seen, close, [Symbol.asyncDispose]: close };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  seen: SeenRequest[],
  { partMs = 1, tokens = 40, gate }: ModelEndpointOptions,
): Promise<void> {
  const path = request.url ?? "";
  if (path.startsWith("/metrics")) return void response.end(METRICS);
  if (path === "/health") return void response.end();
  const parts: Buffer[] = [];
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    hash.update(part);
    bytes += part.length;
    if (bytes < 100_000) parts.push(part);
  }
  seen.push({ path, headers: request.headers, bodyBytes: bytes, bodySha256: hash.digest("hex") });
  if (gate !== undefined) await gate();
  if (!Buffer.concat(parts).includes('"stream":true')) {
    response.writeHead(200, { "content-type": "application/json", "x-answer": "whole" });
    return void response.end(WHOLE_ANSWER);
  }
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "x-answer": "streamed" });
  const whole = streamedAnswer(tokens);
  for (let at = 0; at < whole.length; at += PART_BYTES) {
    response.write(whole.subarray(at, at + PART_BYTES));
    if (partMs > 0) await sleep(partMs);
  }
  response.end();
}
