/**
 * Bounded, closed-loop load that accounts for every request: each connection sends its next request when the last
 * one is answered, and each request carries an id of its own in its path and in a header.
 *
 * `servesLoad` is the endpoint's half: it answers with the id and notes it. So a lost request, an answer that came
 * twice or belonged to somebody else, and a request that reached endpoints twice can all be told apart.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { sendAnswer } from "./behaviours.ts";
import type { Behaviour } from "./exchange.ts";
import { fieldValue } from "./message.ts";
import { rawClient, type RawClient } from "./raw-client.ts";
import { waitUntil } from "./wait.ts";

export interface LoadOptions {
  readonly port: number;
  /** Default 8. */
  readonly connections?: number;
  /** Default GET. */
  readonly method?: "GET" | "POST";
  /** Of a POST; default 512. */
  readonly bodyBytes?: number;
  /** Distinguishes the ids of loads that run side by side. */
  readonly name?: string;
  /** Between an answer and the same connection's next request; default 0. */
  readonly pauseMs?: number;
  /** For one answer; default 10 s. */
  readonly limitMs?: number;
}

/** A request that was not answered with a 2xx of its own. */
export interface Miss {
  readonly id: string;
  /** 0: no answer at all. */
  readonly status: number;
  /** The gateway's name for why, or what became of the connection. */
  readonly why: string;
}

export interface Tally {
  sent: number;
  /** Answered exactly once, with 2xx and the request's own id in header and body. */
  answered: number;
  /** Answered, but not with 2xx. */
  readonly refused: Miss[];
  /** Sent and never answered. */
  readonly lost: Miss[];
  /** Answers that belonged to another request, or that nobody asked for. */
  readonly wrong: string[];
  connections: number;
  /** Answers that announced `Connection: close`. */
  announced: number;
  /** Connections that could not be opened. */
  unreachable: number;
}

export interface Load {
  readonly tally: Tally;
  /** Resolves once this many more have been answered. */
  answers(more: number): Promise<void>;
  /** Lets every connection finish its request. */
  stop(): Promise<Tally>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How long a connection waits before it tries again to be opened. */
const REOPEN_MS = 20;

export function startLoad(options: LoadOptions): Load {
  const tally: Tally = {
    sent: 0,
    answered: 0,
    refused: [],
    lost: [],
    wrong: [],
    connections: 0,
    announced: 0,
    unreachable: 0,
  };
  const state = { stopped: false, next: 0 };
  const nextId = (): string => `${options.name ?? "load"}-${++state.next}`;

  const run = async (): Promise<void> => {
    while (!state.stopped) {
      const client = await open(options.port, tally);
      if (client === undefined) {
        await sleep(REOPEN_MS);
        continue;
      }
      while (!state.stopped && (await oneExchange(client, nextId(), options, tally))) {
        if (options.pauseMs !== undefined) await sleep(options.pauseMs);
      }
      noteUnasked(client, tally);
      client.close();
    }
  };
  const done = Promise.all(Array.from({ length: options.connections ?? 8 }, run));
  const stop = async (): Promise<Tally> => {
    state.stopped = true;
    await done;
    return tally;
  };
  return {
    tally,
    answers: (more) => {
      const wanted = tally.answered + more;
      return waitUntil(
        () => tally.answered >= wanted,
        () => `${more} more answers: ${JSON.stringify(tally)}`,
      );
    },
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

async function open(port: number, tally: Tally): Promise<RawClient | undefined> {
  try {
    const client = await rawClient(port);
    tally.connections++;
    return client;
  } catch {
    tally.unreachable++;
    return undefined;
  }
}

/** True if the connection may carry another request. */
async function oneExchange(
  client: RawClient,
  id: string,
  options: LoadOptions,
  tally: Tally,
): Promise<boolean> {
  const { method = "GET", bodyBytes = 512, limitMs = 10_000 } = options;
  const body = method === "POST" ? "b".repeat(bodyBytes) : "";
  const length = method === "POST" ? `Content-Length: ${bodyBytes}\r\n` : "";
  const head = `${method} /load/${id} HTTP/1.1\r\nHost: load\r\nX-Load-Id: ${id}\r\n${length}\r\n`;
  tally.sent++;
  try {
    await client.send(head + body);
    const response = await client.readResponse({ method, limitMs });
    const refusal = response.header("x-plimsoll-refusal");
    if (response.status < 200 || response.status > 299) {
      tally.refused.push({ id, status: response.status, why: refusal ?? "endpoint" });
    } else if (response.header("x-load-id") === id && response.text === id) tally.answered++;
    else tally.wrong.push(`${id} was answered as ${response.header("x-load-id")} with ${response.text}`);
    const closes = response.header("connection")?.toLowerCase() === "close";
    if (closes) tally.announced++;
    return !closes;
  } catch (error) {
    tally.lost.push({ id, status: 0, why: (error as Error).message });
    return false;
  }
}

/** Bytes that stand on the connection when no request of ours is open. */
function noteUnasked(client: RawClient, tally: Tally): void {
  const unasked = client.socket.readableLength;
  if (unasked > 0) tally.wrong.push(`${unasked} bytes that nobody asked for`);
}

/** Id to the names of the endpoints that served it, in order. */
export type Seen = Map<string, string[]>;

/** Notes a load's request in `seen` under the endpoint's name, and after `delayMs` answers it with its id. */
export function servesLoad(seen: Seen, name: string, delayMs = 0): Behaviour {
  return async (exchange) => {
    const { request } = exchange;
    const id = fieldValue(request.fields, "x-load-id") ?? "";
    if (request.target !== `/load/${id}`) throw new Error(`header says ${id}, path ${request.target}`);
    const servers = seen.get(id);
    if (servers === undefined) seen.set(id, [name]);
    else servers.push(name);
    await exchange.readBody();
    if (delayMs > 0) await exchange.sleep(delayMs);
    await sendAnswer(exchange, { fields: [["X-Load-Id", id]], body: id });
  };
}

/** Ids that more than one attempt has brought to an endpoint. */
export function servedTwice(seen: Seen): readonly string[] {
  return [...seen].filter(([, names]) => names.length > 1).map(([id, names]) => `${id}: ${names.join(", ")}`);
}
