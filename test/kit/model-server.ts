/**
 * A model server for tests, and what a client asks of it: started on a free port, ended with the test.
 */
import { request } from "node:http";
import type { TestContext } from "node:test";
import { startModelServer, type ModelServer } from "../../src/cli/model-server/model-server.ts";
import { MODEL_DEFAULT, type ModelServerOptions } from "../../src/cli/model-server/options.ts";

export const MODEL: string = MODEL_DEFAULT;
/** Fast enough that a test of some hundred tokens takes some milliseconds. */
export const TEST_SPEED = 50;

export async function modelServer(
  t: TestContext,
  options: Partial<ModelServerOptions> = {},
): Promise<ModelServer> {
  const server = await startModelServer({ speed: TEST_SPEED, ...options });
  t.after(() => server.close());
  return server;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // The answers' shapes are what is tested.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any;
  /** Of a stream: the data of its events. */
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly events: readonly any[];
  /** It ended before its end. */
  readonly isCut: boolean;
}

/** `body` undefined: GET. */
export async function ask(
  server: ModelServer,
  path: string,
  body?: object | string,
  options: { readonly headers?: Record<string, string>; readonly signal?: AbortSignal } = {},
): Promise<Reply> {
  const sent = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const call = request({
      host: server.host,
      port: server.port,
      path,
      agent: false,
      method: sent === undefined ? "GET" : "POST",
      headers: { "content-type": "application/json", ...options.headers },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    call.on("error", reject);
    call.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("error", () => {});
      response.on("close", () => {
        const isJson = response.headers["content-type"] === "application/json" && response.complete;
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: isJson ? JSON.parse(text) : undefined,
          events: eventsIn(text),
          isCut: !response.complete,
        });
      });
    });
    call.end(sent);
  });
}

function eventsIn(text: string): readonly unknown[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("data: ") && line !== "data: [DONE]")
    .map((line): unknown => JSON.parse(line.slice(6)));
}

export function user(content: string): object {
  return { role: "user", content };
}

/** So many tokens of text. */
export function textOf(tokens: number, seed = 0): string {
  return Array.from({ length: tokens }, (_, index) =>
    String((seed * 7919 + index * 31) % 10_000).padStart(4, "0"),
  ).join("");
}

/** The first sample of that name in a metrics page, with this label if one is given. */
export function sampleIn(page: string, name: string, label = ""): number {
  const line = page.split("\n").find((each) => each.startsWith(`${name}{`) && each.includes(label));
  return Number(line?.split(" ").at(-1));
}
