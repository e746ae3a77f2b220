/**
 * Scripted model servers behind a real gateway with an InferencePool: each endpoint is a Pod of its own on loopback.
 */
import { answer } from "../../kit/behaviours.ts";
import type { Behaviour, ReceivedRequest } from "../../kit/exchange.ts";
import { INFERENCE_GROUP as GROUP, inferencePool } from "../../kit/inference-pool.ts";
import type { Field } from "../../kit/message.ts";
import { startEndpoint, type TestEndpoint } from "../../kit/endpoint.ts";
import { lendGateway } from "../http/gateway-loan.ts";
import { exchangeOnce, rawClient, type RawClient, type RawResponse } from "../../kit/raw-client.ts";
import type { AccessRecord, TestGateway } from "../../kit/gateway.ts";

export interface ModelStage {
  readonly gateway: TestGateway;
  readonly endpoints: readonly TestEndpoint[];
  /** POSTs JSON (or the text as it is) to a path. */
  post(path: string, body: object | string, ...fields: readonly string[]): Promise<RawResponse>;
  ask(bytes: string | Buffer): Promise<RawResponse>;
  client(): Promise<RawClient>;
  records(count: number): Promise<readonly AccessRecord[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface ModelStageOptions {
  /** More manifests: objectives, rewrites. */
  readonly more?: readonly object[];
  /** `spec` of a BackendPolicy for the pool. */
  readonly policy?: object;
  /** Labels of each endpoint's Pod. */
  readonly labels?: readonly Readonly<Record<string, string>>[];
}

export async function setModelStage(
  behaviours: readonly Behaviour[],
  options: ModelStageOptions = {},
): Promise<ModelStage> {
  const endpoints = await Promise.all(behaviours.map((behaviour) => startEndpoint(onlyPrompts(behaviour))));
  const rules = [{ backendRefs: [{ group: GROUP, kind: "InferencePool", name: "models" }] }];
  const more = [
    ...inferencePool(endpoints, options.labels),
    ...policyOf(options.policy),
    ...(options.more ?? []),
  ];
  const loan = await lendGateway({ pools: {}, rules, more }, {});
  const { gateway } = loan;
  const ask = (bytes: string | Buffer): Promise<RawResponse> =>
    exchangeOnce(gateway.port, bytes, { method: "POST" });
  return {
    gateway,
    endpoints,
    ask,
    post: (path, body, ...fields) => ask(postBytes(path, body, ...fields)),
    client: () => rawClient(gateway.port),
    records: (count) => loan.records(count),
    [Symbol.asyncDispose]: async () => {
      await loan.end();
      for (const endpoint of endpoints) await endpoint.close();
    },
  };
}

/** The gateway asks model servers for their metrics and models too. */
function onlyPrompts(behaviour: Behaviour): Behaviour {
  return (exchange) => {
    const isPrompt = exchange.request.method === "POST" || exchange.request.target === "/v1/unknown";
    return (isPrompt ? behaviour : answer({ status: 404, reason: "Not Found", body: "" }))(exchange);
  };
}

/** What was asked of the endpoint but by the gateway itself. */
export function promptsOf({ requests }: TestEndpoint): readonly ReceivedRequest[] {
  return requests.filter(({ method }) => method === "POST");
}

export function postBytes(path: string, body: object | string, ...fields: readonly string[]): Buffer {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const head = [`POST ${path} HTTP/1.1`, "Host: a.test", "Content-Type: application/json", ...fields];
  const length = `Content-Length: ${Buffer.byteLength(text)}`;
  return Buffer.from(`${[...head, length].join("\r\n")}\r\n\r\n${text}`);
}

function policyOf(spec: object | undefined): object[] {
  if (spec === undefined) return [];
  const targetRefs = [{ group: GROUP, kind: "InferencePool", name: "models" }];
  const metadata = { name: "models" };
  return [
    { apiVersion: "plimsoll.dev/v1alpha1", kind: "BackendPolicy", metadata, spec: { targetRefs, ...spec } },
  ];
}

/** A chat answer in one piece. */
export function chatAnswer(model: string, usage: object, name = ""): Behaviour {
  const body = JSON.stringify({ id: name, object: "chat.completion", model, choices: [], usage });
  return answer({ body, fields: JSON_FIELDS });
}

export const JSON_FIELDS: readonly Field[] = [["Content-Type", "application/json"]];

/** A stream of events; what stands in `events` is sent as it is, then the body ends properly. */
export function eventStream(...events: readonly string[]): Behaviour {
  return answer({
    framing: "chunked",
    chunks: events,
    fields: [["Content-Type", "text/event-stream"]],
  });
}

export function delta(content: string, model = "m"): string {
  const choices = [{ index: 0, delta: { content } }];
  return `data: ${JSON.stringify({ object: "chat.completion.chunk", model, choices })}\n\n`;
}

export const DONE = "data: [DONE]\n\n";
