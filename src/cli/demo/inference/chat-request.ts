/**
 * One turn of a conversation through the gateway: a streamed chat completion, and what the client saw of it.
 *
 * Times are milliseconds from the moment the request was due: to the first event with content (TTFT), and per token after it
 * (TPOT). Whether a turn was answered is for the client to say: a stream that ends without `[DONE]` was not.
 */
import { request, type Agent } from "node:http";

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface ChatAsked {
  readonly port: number;
  readonly agent: Agent;
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly tokensMax: number;
  readonly dueMs: number;
  /** The first event with content is there. */
  readonly first: (ttftMs: number) => void;
}

export interface ChatSeen {
  readonly ok: boolean;
  /** From `x-endpoint`; undefined where the gateway answered itself, or nobody. */
  readonly endpoint: string | undefined;
  readonly tpotMs: number | undefined;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly answer: string;
}

const GIVE_UP_MS = 30_000;

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string } }[];
  readonly usage?: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number };
  };
}

/** Never rejects. */
export function chat(asked: ChatAsked): Promise<ChatSeen> {
  const { port, agent, model, messages, tokensMax, dueMs, first } = asked;
  const body = Buffer.from(
    JSON.stringify({
      model,
      messages,
      max_tokens: tokensMax,
      ignore_eos: true,
      stream: true,
      stream_options: { include_usage: true },
    }),
  );
  return new Promise((resolve) => {
    let endpoint: string | undefined;
    let firstMs: number | undefined;
    let lastMs = 0;
    let usage: Chunk["usage"];
    let answer = "";
    let isDone = false;
    let rest = "";
    const end = (): void => {
      clearTimeout(timer);
      const ok = isDone && usage !== undefined && firstMs !== undefined;
      const tokens = usage?.completion_tokens ?? 0;
      resolve({
        ok,
        endpoint,
        tpotMs: ok && tokens > 1 ? (lastMs - firstMs!) / (tokens - 1) : undefined,
        promptTokens: ok ? usage!.prompt_tokens : 0,
        cachedTokens: ok ? usage!.prompt_tokens_details.cached_tokens : 0,
        answer,
      });
    };
    const take = (line: string): void => {
      if (!line.startsWith("data: ")) return;
      if (line === "data: [DONE]") {
        isDone = true;
        return;
      }
      const chunk = JSON.parse(line.slice(6)) as Chunk;
      usage = chunk.usage ?? usage;
      const content = chunk.choices[0]?.delta.content ?? "";
      if (content === "") return;
      lastMs = performance.now();
      if (firstMs === undefined) {
        firstMs = lastMs;
        first(firstMs - dueMs);
      }
      answer += content;
    };
    const call = request({
      host: "127.0.0.1",
      port,
      agent,
      method: "POST",
      path: "/v1/chat/completions",
      headers: { "content-type": "application/json", "content-length": body.length },
    });
    const timer = setTimeout(() => call.destroy(), GIVE_UP_MS);
    call.on("response", (response) => {
      const named = response.headers["x-endpoint"];
      if (typeof named === "string") endpoint = named;
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        if (response.statusCode !== 200) return;
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        try {
          for (const line of lines) take(line);
        } catch {
          // What cannot be read is no answer.
          call.destroy();
        }
      });
      response.on("error", () => {});
    });
    call.on("error", () => {});
    call.on("close", end);
    call.end(body);
  });
}
