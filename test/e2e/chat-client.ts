/**
 * A client of a gateway in front of model servers: one request, and everything that came back, byte for byte.
 */
import { randomUUID } from "node:crypto";
import { request } from "node:http";
import { within } from "../kit/wait.ts";

export interface ChatOptions {
  readonly stream?: boolean;
  /** Default: a short one. */
  readonly promptBytes?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The whole body, where it is to be something else than a chat. */
  readonly body?: string;
  readonly limitMs?: number;
}

export interface ChatAnswer {
  readonly id: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly sentBody: Buffer;
  /** False: the connection broke off. */
  readonly whole: boolean;
}

export function chatText(promptBytes: number, stream: boolean): string {
  const words = "Wie tief liegt ein beladenes Schiff? 吃水 ⚓ ";
  const content = `${randomUUID()} ${words.repeat(Math.ceil(promptBytes / Buffer.byteLength(words)))}`;
  return JSON.stringify({ model: "chat", stream, messages: [{ role: "user", content }] });
}

export async function chat(port: number, options: ChatOptions = {}): Promise<ChatAnswer> {
  const id = randomUUID();
  const sentBody = Buffer.from(options.body ?? chatText(options.promptBytes ?? 40, options.stream === true));
  const { promise, resolve } = Promise.withResolvers<ChatAnswer>();
  const outgoing = request(
    {
      host: "127.0.0.1",
      port,
      path: "/v1/chat/completions",
      method: "POST",
      agent: false,
      headers: {
        "content-type": "application/json",
        "content-length": sentBody.length,
        "x-request-id": id,
        ...options.headers,
      },
    },
    (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", () => undefined);
      response.once("close", () =>
        resolve({
          id,
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(parts),
          sentBody,
          whole: response.complete,
        }),
      );
    },
  );
  outgoing.on("error", () =>
    resolve({ id, status: 0, headers: {}, body: Buffer.alloc(0), sentBody, whole: false }),
  );
  outgoing.end(sentBody);
  try {
    return await within(promise, `the answer to ${id}`, options.limitMs);
  } finally {
    outgoing.destroy();
  }
}
