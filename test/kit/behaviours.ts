/**
 * Well-behaved endpoints: what a test gives to `startEndpoint` when the endpoint should do its work.
 *
 * A behaviour is a plain function of the exchange, so a test with a special wish writes its own; the
 * misbehaving ones are in misbehaviours.ts.
 */
import type { Behaviour, Exchange, ReceivedRequest } from "./exchange.ts";
import { fieldValue, type Field } from "./message.ts";
import { patternAt } from "./pattern.ts";

export interface Answer {
  readonly status?: number;
  readonly reason?: string;
  readonly fields?: readonly Field[];
  readonly body?: string | Buffer;
  /**
   * How the body's end is told. `length` is the default; `chunked` sends `body` as one chunk, or `chunks`;
   * `close` ends the connection; `none` declares nothing (204, 304).
   */
  readonly framing?: "length" | "chunked" | "close" | "none";
  readonly chunks?: readonly (string | Buffer)[];
  readonly trailers?: readonly Field[];
}

/** Reads the whole request, then answers. A string is a 200 with that body. */
export function answer(what: string | Answer = {}): Behaviour {
  const plan = typeof what === "string" ? { body: what } : what;
  return async (exchange) => {
    await exchange.readBody();
    await sendAnswer(exchange, plan);
  };
}

/** Says back what was received, as JSON: see `Echoed`. */
export function echo(): Behaviour {
  return async (exchange) => {
    await exchange.readBody();
    const body = JSON.stringify(echoed(exchange.request));
    await sendAnswer(exchange, { fields: [["Content-Type", "application/json"]], body });
  };
}

/** Bytes as latin1 text, so that one character is one byte. */
export interface Echoed {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly fields: readonly Field[];
  readonly rawHead: string;
  readonly body: string;
  readonly rawBody: string;
  readonly trailers: readonly Field[];
  readonly chunkSizes: readonly number[];
  readonly connection: number;
  readonly nth: number;
}

function echoed(request: ReceivedRequest): Echoed {
  const { method, target, version, fields, rawHead, trailers, chunkSizes, connection, nth } = request;
  const body = request.body.toString("latin1");
  const rawBody = request.rawBody.toString("latin1");
  return { method, target, version, fields, rawHead, body, rawBody, trailers, chunkSizes, connection, nth };
}

/** Waits `ms` after the request's head, then does as `behaviour`. */
export function delayed(ms: number, behaviour: Behaviour): Behaviour {
  return async (exchange) => {
    await exchange.sleep(ms);
    await behaviour(exchange);
  };
}

/** The nth request of the endpoint gets the nth behaviour, and later ones the last. */
export function inTurn(...behaviours: readonly Behaviour[]): Behaviour {
  let next = 0;
  return (exchange) => {
    const behaviour = behaviours[Math.min(next++, behaviours.length - 1)];
    if (!behaviour) throw new Error("inTurn needs a behaviour");
    return behaviour(exchange);
  };
}

/** The behaviour of the longest prefix of the request's target; 404 where none fits. */
export function byPath(table: Readonly<Record<string, Behaviour>>): Behaviour {
  const prefixes = Object.keys(table).toSorted((a, b) => b.length - a.length);
  const missing = answer({ status: 404, reason: "Not Found" });
  return (exchange) => {
    const prefix = prefixes.find((each) => exchange.request.target.startsWith(each));
    return ((prefix !== undefined && table[prefix]) || missing)(exchange);
  };
}

/** Sends interim responses (100, 102, 103 ...), then does as `behaviour`. */
export function withInterim(interim: readonly Answer[], behaviour: Behaviour): Behaviour {
  return async (exchange) => {
    for (const each of interim) await sendAnswer(exchange, { ...each, framing: "none" });
    await behaviour(exchange);
  };
}

/** Answers 101 to an Upgrade request and from then on says back every byte, until the client ends. */
export function upgradeEcho(): Behaviour {
  return async (exchange) => {
    const protocol = fieldValue(exchange.request.fields, "upgrade");
    if (protocol === undefined) return sendAnswer(exchange, { status: 426, reason: "Upgrade Required" });
    const fields: Field[] = [
      ["Connection", "Upgrade"],
      ["Upgrade", protocol],
    ];
    await sendAnswer(exchange, { status: 101, reason: "Switching Protocols", fields, framing: "none" });
    for (;;) {
      const piece = await exchange.readTunnel();
      if (!piece) break;
      await exchange.write(piece);
    }
    exchange.end();
  };
}

/** Server-sent events `data: 1` to `data: count`, each its own write and chunk, `intervalMs` apart. */
export function events(options: { readonly count: number; readonly intervalMs: number }): Behaviour {
  return async (exchange) => {
    await exchange.readBody();
    const fields: Field[] = [["Content-Type", "text/event-stream"]];
    await exchange.write(headText({ fields, framing: "chunked" }));
    for (let n = 1; n <= options.count; n++) {
      if (n > 1) await exchange.sleep(options.intervalMs);
      await exchange.write(chunk(`data: ${n}\n\n`));
    }
    await exchange.write("0\r\n\r\n");
  };
}

/**
 * A body of the pattern (pattern.ts), made as fast as the peer takes it. `onProgress` is told the bytes written
 * so far, which is how a test sees backpressure.
 */
export function hugeBody(options: {
  readonly bytes: number;
  readonly framing?: "length" | "chunked" | "close";
  readonly onProgress?: (bytes: number) => void;
}): Behaviour {
  const { bytes, framing = "length" } = options;
  return async (exchange) => {
    await exchange.readBody();
    await exchange.write(headText({ framing }, bytes));
    for (let at = 0; at < bytes && !exchange.gone.aborted; at += 65_536) {
      const piece = patternAt(at, Math.min(65_536, bytes - at));
      await exchange.write(framing === "chunked" ? chunk(piece) : piece);
      options.onProgress?.(at + piece.length);
    }
    if (framing === "chunked") await exchange.write("0\r\n\r\n");
    if (framing === "close") exchange.end();
  };
}

/** Sends an answer at once, whatever was read of the request. */
export async function sendAnswer(exchange: Exchange, plan: Answer): Promise<void> {
  const framing = plan.framing ?? "length";
  const body = Buffer.from(plan.body ?? "");
  const head = headText(plan, body.length);
  if (exchange.request.method === "HEAD" || framing === "none") return exchange.write(head);
  if (framing === "chunked") {
    const chunks = plan.chunks ?? (body.length > 0 ? [body] : []);
    await exchange.write(head);
    for (const each of chunks) await exchange.write(chunk(each));
    return exchange.write(`0\r\n${fieldLines(plan.trailers ?? [])}\r\n`);
  }
  await exchange.write(Buffer.concat([Buffer.from(head, "latin1"), body]));
  if (framing === "close") exchange.end();
}

/** The head of an answer, the empty line included. */
export function headText(plan: Answer, length = 0): string {
  const { status = 200, reason = "OK", fields = [], framing = "length" } = plan;
  const framed: readonly Field[] = {
    length: [["Content-Length", String(length)]] as const,
    chunked: [["Transfer-Encoding", "chunked"]] as const,
    close: [["Connection", "close"]] as const,
    none: [],
  }[framing];
  return `HTTP/1.1 ${status} ${reason}\r\n${fieldLines([...fields, ...framed])}\r\n`;
}

function fieldLines(fields: readonly Field[]): string {
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
}

/** One chunk, framing included. */
export function chunk(data: string | Buffer): Buffer {
  const bytes = Buffer.from(data);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}
