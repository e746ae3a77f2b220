/**
 * What a model server answers to each request: by path, in the words of the API that is spoken (see model-server.ts for the list).
 *
 * It holds no engine: whoever asks it says which life of the server it is, and how the server is to behave, at that moment.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { renderError, type InferenceError } from "../../core/inference/read/error-shape.ts";
import { inferenceApiOf } from "../../core/inference/read/inference-api.ts";
import { RequestReader } from "../../core/inference/read/request-reader.ts";
import type { InferenceApi } from "../../model/inference-facts.ts";
import { AnthropicReply } from "./anthropic-reply.ts";
import { Catalog } from "./catalog.ts";
import { embeddingsReply } from "./embeddings.ts";
import { type EngineLife, engineConfig } from "./engine-life.ts";
import { loadHeader } from "./engine-page.ts";
import { Generation } from "./generation.ts";
import { ChatReply, CompletionsReply } from "./openai-replies.ts";
import type { ModelServerOptions } from "./options.ts";
import { readBody } from "./read-body.ts";
import type { ReplyFormat, ReplyHead } from "./reply.ts";
import { RequestPlanner, type RequestPlan } from "./request-plan.ts";
import { ResponsesReply } from "./responses-reply.ts";

/** The server at this moment. */
export interface ServerState {
  /** Undefined: it is down, and its connections are cut. */
  readonly life: EngineLife | undefined;
  /** Instead of an answer; 0: none. */
  readonly status: number;
}

const NO_STATUS = 0;

export class FrontDesk {
  readonly catalog: Catalog;
  readonly #options: ModelServerOptions;
  readonly #planner: RequestPlanner;
  readonly #state: () => ServerState;
  #requests = 0;

  constructor(options: ModelServerOptions, state: () => ServerState) {
    this.#options = options;
    this.#state = state;
    this.catalog = new Catalog(options.model, options.adapters);
    const { blocks, blockTokens } = engineConfig(options);
    const contextTokensMax = Math.min(options.contextTokensMax, (blocks - 1) * blockTokens);
    const reader = new RequestReader({ bodyBytesMax: options.bodyBytesMax });
    this.#planner = new RequestPlanner(options, this.catalog, reader, contextTokensMax);
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader("x-endpoint", this.#options.name);
    const requestId = request.headers["x-request-id"];
    if (requestId !== undefined) response.setHeader("x-request-id", requestId);
    // A socket may break at any moment; `close` follows.
    response.on("error", () => {});
    const { method = "", url = "/" } = request;
    const api = inferenceApiOf(method, url);
    if (api !== undefined && api !== "vllm-generate" && api !== "sglang-generate") {
      const body = await readBody(request, this.#options.bodyBytesMax);
      const { life, status } = this.#state();
      if (body === undefined || response.destroyed || life === undefined) return;
      if (status !== NO_STATUS) {
        this.#refuse(response, api, { status, code: "misbehaving", message: "As I was told to." });
      } else if (body === "too-large") {
        response.shouldKeepAlive = false;
        const message = `The body is too large: expected at most ${this.#options.bodyBytesMax} bytes.`;
        this.#refuse(response, api, { status: 413, code: "too-large", message });
      } else this.#serve(api, request, response, body, life);
      return;
    }
    const [path, query = ""] = url.split("?", 2);
    const { status } = this.#state();
    switch (`${method} ${path}`) {
      case "GET /health":
      case "GET /ping":
      case "POST /ping":
        request.resume();
        response.writeHead(status === NO_STATUS ? 200 : status).end();
        return;
      case "GET /version":
        sendJson(response, 200, { version: "0.0.0+plimsoll" });
        return;
      case "GET /v1/models":
        sendJson(response, 200, this.catalog.list(this.#planner.contextTokensMax));
        return;
      case "GET /metrics":
        this.#sendPage(response, new URLSearchParams(query).getAll("name[]"));
        return;
      case "POST /v1/load_lora_adapter":
      case "POST /v1/unload_lora_adapter":
        await this.#changeAdapters(request, response, path === "/v1/load_lora_adapter");
        return;
      default:
        request.resume();
        sendJson(response, 404, { detail: "Not Found" });
    }
  }

  #serve(
    api: InferenceApi,
    request: IncomingMessage,
    response: ServerResponse,
    bytes: Buffer,
    life: EngineLife,
  ): void {
    const planned = this.#planner.plan(api, bytes);
    if (planned.kind === "refused") {
      this.#refuse(response, api, planned.error);
      return;
    }
    const { plan } = planned;
    if (api === "anthropic-count-tokens") sendJson(response, 200, { input_tokens: plan.promptTokens });
    else if (api === "vllm-tokenize") {
      const tokens = plan.prompts.flat();
      const max = this.#planner.contextTokensMax;
      sendJson(response, 200, { count: tokens.length, max_model_len: max, tokens, token_strs: null });
    } else if (life.engine.size + plan.sequences.length > this.#options.requestsMax) {
      const message = `There are ${life.engine.size} sequences inside already.`;
      this.#refuse(response, api, { status: 503, code: "overloaded", message });
    } else this.#generate(api, request, response, plan, life);
  }

  #generate(
    api: InferenceApi,
    request: IncomingMessage,
    response: ServerResponse,
    plan: RequestPlan,
    life: EngineLife,
  ): void {
    const head: ReplyHead = {
      id: `${this.#options.name}-${++this.#requests}`,
      createdSec: Math.floor(Date.now() / 1000),
      model: plan.body.model,
      wantsUsage: plan.body.wantsUsage,
    };
    const asked = request.headers["endpoint-load-metrics-format"];
    new Generation(life.engine, response, plan, formatOf(api, head, plan), {
      headers: () => {
        // As in vLLM, streams do not have it.
        if (typeof asked !== "string" || plan.isStream) return {};
        const load = loadHeader(asked, life.metrics());
        return load === undefined ? {} : { "endpoint-load-metrics": load };
      },
      ended: (reasons) => {
        for (const reason of reasons) life.history.finished[reason]++;
      },
    }).start();
  }

  #refuse(response: ServerResponse, api: InferenceApi, error: InferenceError): void {
    send(response, error.status, "application/json", renderError(api, error));
  }

  #sendPage(response: ServerResponse, only: readonly string[]): void {
    const page = this.#state().life?.page(this.#options.adapterPlaces, only);
    if (page !== undefined) send(response, 200, "text/plain; version=0.0.4; charset=utf-8", page);
  }

  /** `{"lora_name": "x", "lora_path": ".."}`; the path is not looked at. */
  async #changeAdapters(request: IncomingMessage, response: ServerResponse, isLoad: boolean): Promise<void> {
    const body = await readBody(request, this.#options.bodyBytesMax);
    if (body === undefined || response.destroyed) return;
    const name = body === "too-large" ? undefined : adapterIn(body);
    if (name === undefined) {
      const message = "Expected a JSON object with `lora_name`.";
      this.#refuse(response, "openai-chat", {
        status: 400,
        code: "invalid_value",
        message,
        param: "lora_name",
      });
      return;
    }
    const done = isLoad ? this.catalog.load(name) : this.catalog.unload(name);
    if (done) {
      send(response, 200, "text/plain", `Success: LoRA adapter '${name}' ${isLoad ? "added" : "removed"}.`);
      return;
    }
    const message = `The adapter '${name}' ${isLoad ? "is loaded already" : "is not loaded"}.`;
    const status = isLoad ? 400 : 404;
    this.#refuse(response, "openai-chat", { status, code: "adapter", message, param: "lora_name" });
  }
}

function formatOf(api: InferenceApi, head: ReplyHead, plan: RequestPlan): ReplyFormat {
  switch (api) {
    case "openai-completions":
      return new CompletionsReply(head);
    case "openai-responses":
      return new ResponsesReply(head);
    case "openai-embeddings":
      return embeddingsReply(head, plan);
    case "anthropic-messages":
      return new AnthropicReply(head);
    default:
      return new ChatReply(head);
  }
}

function adapterIn(body: Buffer): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const name = (parsed as Readonly<Record<string, unknown>>)["lora_name"];
  // Names stand in labels and in lists with commas.
  return typeof name === "string" && /^[\w.:/-]{1,256}$/.test(name) ? name : undefined;
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  send(response, status, "application/json", JSON.stringify(body));
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  const bytes = Buffer.from(text);
  response.writeHead(status, { "content-type": type, "content-length": bytes.length });
  response.end(bytes);
}
