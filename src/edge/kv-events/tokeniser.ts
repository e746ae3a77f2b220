/**
 * Asks an engine what a request's prompt is in tokens, so that its cache events can be understood. Never on a request's way: it is
 * asked after the request has gone, few at a time, and not at all while it is busy; what is not learned from this prompt is
 * learned from the next one like it.
 *
 * `POST /tokenize` with the client's own body, as it came: vLLM's tokeniser (and SGLang's, which follows it) takes
 * `prompt` or `messages` with all that bears on the template, passes over the rest, and answers `{"tokens": [..]}`.
 * Prompts that come as tokens need no question.
 */
import http from "node:http";
import { endpointKey } from "../../model/endpoint.ts";

/** At a time, over all engines: tokenising takes an engine's front a millisecond or so. */
const IN_FLIGHT_MAX = 4;
const TIMEOUT_MS = 5_000;
/** Of an answer: a million tokens, and their texts, which some engines add. */
const ANSWER_BYTES_MAX = 33_554_432;

export interface TokeniserCounts {
  asked: number;
  answered: number;
  failed: number;
  /** Not asked, because too much was being asked. */
  skipped: number;
}

export class Tokeniser {
  readonly counts: TokeniserCounts = { asked: 0, answered: 0, failed: 0, skipped: 0 };
  readonly #stop = new AbortController();
  readonly #agent = new http.Agent({ keepAlive: true, maxFreeSockets: 1 });
  #inFlight = 0;

  /** A question asked now would be. */
  get hasRoom(): boolean {
    return this.#inFlight < IN_FLIGHT_MAX && !this.#stop.signal.aborted;
  }

  /** Undefined: not asked, not answered in time, or not understood. Never rejects. */
  async ask(address: string, port: number, body: Buffer): Promise<Int32Array | undefined> {
    if (!this.hasRoom) {
      this.counts.skipped++;
      return undefined;
    }
    this.#inFlight++;
    this.counts.asked++;
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const tokens = tokensOf(await post(this.#agent, address, port, body, signal), "tokens");
      this.counts[tokens === undefined ? "failed" : "answered"]++;
      return tokens;
    } catch {
      this.counts.failed++;
      return undefined;
    } finally {
      this.#inFlight--;
    }
  }

  close(): void {
    this.#stop.abort();
    this.#agent.destroy();
  }
}

/** The tokens of a prompt that came as one list of tokens; undefined: it did not. */
export function tokensInBody(body: Buffer): Int32Array | undefined {
  return tokensOf(body, "prompt");
}

function tokensOf(body: Buffer, field: "tokens" | "prompt"): Int32Array | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const list = (parsed as Readonly<Record<string, unknown>>)[field];
  if (!Array.isArray(list) || list.length === 0) return undefined;
  const tokens = new Int32Array(list.length);
  for (const [i, token] of list.entries()) {
    if (typeof token !== "number" || !Number.isInteger(token) || token < 0 || token > 0x7fff_ffff)
      return undefined;
    tokens[i] = token;
  }
  return tokens;
}

function post(
  agent: http.Agent,
  address: string,
  port: number,
  body: Buffer,
  signal: AbortSignal,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const request = http.request({
      agent,
      host: address,
      port,
      path: "/tokenize",
      method: "POST",
      signal,
      headers: {
        host: endpointKey(address, port),
        "content-type": "application/json",
        "content-length": body.length,
        "user-agent": "plimsoll-tokeniser",
      },
    });
    request.on("error", reject);
    request.on("close", () => reject(new Error("no answer")));
    request.on("response", (response) => {
      if (response.statusCode !== 200) {
        request.destroy();
        return;
      }
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("error", reject);
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > ANSWER_BYTES_MAX) request.destroy();
        else chunks.push(chunk);
      });
      response.on("end", () => resolve(Buffer.concat(chunks)));
    });
    request.end(body);
  });
}
