/**
 * What a scripted picker says on one stream: replies to each message, by the book or by its faults. No sockets.
 */
import {
  BODY_MODES,
  type BodyMode,
  type MetadataValue,
  type Side,
} from "../../../src/edge/extproc-client/messages.ts";
import {
  decodeRequest,
  encodeImmediate,
  encodeReply,
  type HeaderToWrite,
  type PickerRequest,
  type ReplyToWrite,
} from "./codec.ts";
import type { PickerFault } from "./faults.ts";

const DESTINATION = "x-gateway-destination-endpoint";
const CHUNK_BYTES = 62_000;
const OVERWRITE = 2;
const UNAVAILABLE = 14;

export interface ScriptOptions {
  readonly endpoints: readonly string[];
  readonly faults: ReadonlySet<PickerFault>;
  readonly bodyBytesMax: number;
  readonly nextTurn: () => number;
  readonly sawHead: (headers: Readonly<Record<string, string>>) => void;
}

interface Decision {
  readonly set: readonly HeaderToWrite[];
  readonly metadata: { readonly [key: string]: MetadataValue };
}

export class PickerScript {
  readonly #options: ScriptOptions;
  readonly #faults: ReadonlySet<PickerFault>;
  #modes: { readonly request: BodyMode; readonly response: BodyMode } = {
    request: BODY_MODES[4],
    response: BODY_MODES[4],
  };
  #head: PickerRequest | undefined;
  #parts: Buffer[] = [];
  #bytes = 0;
  #held: Buffer[] = [];
  /** gRPC status with which the stream ends after what `take` gave; undefined: it goes on. */
  endsWith: number | undefined;

  constructor(options: ScriptOptions) {
    this.#options = options;
    this.#faults = options.faults;
  }

  take(bytes: Buffer): Buffer[] {
    const message = decodeRequest(bytes, !this.#faults.has("reads-raw-value-only"));
    const replies = message.side === "request" ? this.#request(message) : this.#response(message);
    return replies;
  }

  #request(message: PickerRequest): Buffer[] {
    switch (message.kind) {
      case "headers":
        return this.#requestHead(message);
      case "body":
        return this.#requestBody(message);
      case "trailers":
        if (this.#faults.has("ignores-trailers")) return [];
        return [...this.#decided(true), encodeReply({ kind: "trailers", side: "request" })];
      case "nothing":
        throw new Error("no message");
    }
  }

  #requestHead(message: PickerRequest): Buffer[] {
    this.#head = message;
    this.#options.sawHead(message.headers);
    if (message.modes !== undefined) this.#modes = message.modes;
    else if (this.#faults.has("assumes-buffered"))
      this.#modes = { request: "BUFFERED", response: "BUFFERED" };
    if (message.headers["x-drop"] !== undefined) {
      const reason = {
        ...this.#header("x-llm-d-request-dropped-reason", "rejected-saturated"),
        action: OVERWRITE,
      };
      return [this.#refusal(429, this.#faults.has("drop-without-reason") ? [] : [reason])];
    }
    if (message.headers[":path"] === "" || message.headers[":path"] === undefined)
      return [this.#refusal(404, [])];
    if (message.endOfStream || this.#modes.request === "NONE" || this.#modes.request === "STREAMED") {
      return this.#withDecision(({ set, metadata }) => [this.#headerReply({ set, metadata })]);
    }
    if (this.#modes.request === "BUFFERED" && !this.#faults.has("always-defers")) {
      return [this.#headerReply({ set: [], metadata: undefined })];
    }
    return [];
  }

  #requestBody(message: PickerRequest): Buffer[] {
    this.#parts.push(message.body);
    this.#bytes += message.body.length;
    if (this.#bytes > this.#options.bodyBytesMax && !this.#faults.has("no-body-limit")) {
      this.endsWith = 0;
      return [this.#refusal(413, [])];
    }
    if (this.#modes.request === "STREAMED") return [encodeReply({ kind: "body", side: "request" })];
    if (this.#modes.request === "BUFFERED") {
      const reply = (decision: Decision): Buffer[] => [
        encodeReply({ kind: "body", side: "request", set: decision.set, metadata: decision.metadata }),
      ];
      if (!this.#faults.has("always-defers")) return this.#withDecision(reply);
      return [this.#headerReply({ set: [], metadata: undefined }), ...this.#withDecision(reply)];
    }
    return message.endOfStream ? this.#decided(false) : [];
  }

  /** Full duplex, the body being whole: header reply, then the body. */
  #decided(withTrailers: boolean): Buffer[] {
    const whole = Buffer.concat(this.#parts);
    if (!this.#faults.has("takes-any-json") && !isJson(whole)) return [this.#refusal(400, [])];
    return this.#withDecision((decision) => {
      const body = this.#faults.has("drops-a-byte") ? whole.subarray(0, -1) : whole;
      const size = this.#faults.has("large-chunks") ? Math.max(1, body.length) : CHUNK_BYTES;
      const chunks: Buffer[] = [];
      for (let at = 0; at < body.length || chunks.length === 0; at += size)
        chunks.push(body.subarray(at, at + size));
      const replies = chunks.map((chunk, index) =>
        this.#bodyReply("request", chunk, !withTrailers && index === chunks.length - 1),
      );
      if (this.#faults.has("two-ends") && !withTrailers) {
        replies.push(this.#bodyReply("request", Buffer.alloc(0), true));
      }
      const head = this.#headerReply(decision);
      return this.#faults.has("body-before-headers") ? [...replies, head] : [head, ...replies];
    });
  }

  #response(message: PickerRequest): Buffer[] {
    switch (message.kind) {
      case "headers": {
        const set = this.#faults.has("sets-content-length")
          ? [{ ...this.#header("content-length", "12"), action: OVERWRITE }]
          : [];
        return [encodeReply({ kind: "headers", side: "response", set })];
      }
      case "body":
        if (this.#modes.response !== "FULL_DUPLEX_STREAMED") {
          return [encodeReply({ kind: "body", side: "response" })];
        }
        if (this.#faults.has("holds-response")) {
          this.#held.push(message.body);
          if (!message.endOfStream) return [];
          return [this.#bodyReply("response", Buffer.concat(this.#held), true)];
        }
        return [this.#bodyReply("response", message.body, message.endOfStream)];
      case "trailers":
        if (this.#faults.has("ignores-response-trailers")) return [];
        return [encodeReply({ kind: "trailers", side: "response" })];
      case "nothing":
        throw new Error("no message");
    }
  }

  #withDecision(replies: (decision: Decision) => Buffer[]): Buffer[] {
    const candidates = this.#candidates();
    if (candidates.length === 0) {
      if (!this.#faults.has("error-instead-of-503")) return [this.#refusal(503, [])];
      this.endsWith = UNAVAILABLE;
      return [];
    }
    if (this.#faults.has("leaves-after-decision")) this.endsWith = 0;
    const turn = this.#options.nextTurn();
    let chosen = candidates[turn % candidates.length]!;
    if (this.#faults.has("comma-list")) chosen = `${chosen},${candidates[(turn + 1) % candidates.length]}`;
    if (this.#faults.has("bare-ipv6")) chosen = "2001:db8::1:8000";
    if (this.#faults.has("strange-endpoint")) chosen = "198.51.100.7:1";
    const set: HeaderToWrite[] = [this.#header(DESTINATION, chosen)];
    if (this.#faults.has("sets-content-length")) {
      set.push({ ...this.#header("content-length", String(this.#bytes)), action: OVERWRITE });
    }
    const written = this.#faults.has("metadata-differs") ? `${chosen}0` : chosen;
    const metadata = this.#faults.has("no-metadata") ? undefined : { "envoy.lb": { [DESTINATION]: written } };
    return replies({ set, metadata: metadata ?? {} });
  }

  #candidates(): readonly string[] {
    const { endpoints } = this.#options;
    const hint = this.#head?.metadata["envoy.lb.subset_hint"]?.[`${DESTINATION}-subset`];
    if (hint === undefined || this.#faults.has("ignores-subset")) return endpoints;
    if (this.#faults.has("empty-subset-is-none") && Array.isArray(hint) && hint.length === 0)
      return endpoints;
    const isListOnly = this.#faults.has("subset-lists-only");
    const items = Array.isArray(hint) ? hint : isListOnly ? [] : [hint];
    const wanted = items.flatMap((item) => (isListOnly ? [String(item)] : String(item).split(",")));
    return endpoints.filter((endpoint) =>
      wanted.some(
        (one) => one.trim() === endpoint || one.trim() === endpoint.slice(0, endpoint.lastIndexOf(":")),
      ),
    );
  }

  #headerReply({
    set,
    metadata,
  }: {
    readonly set: readonly HeaderToWrite[];
    readonly metadata: ReplyToWrite["metadata"];
  }): Buffer {
    return encodeReply({ kind: "headers", side: "request", set, metadata });
  }

  #bodyReply(side: Side, body: Buffer, endOfStream: boolean): Buffer {
    const kind = this.#faults.has("plain-body-replies") ? "whole" : "streamed";
    return encodeReply({
      kind: "body",
      side,
      body: kind === "whole" ? { kind, body } : { kind, body, endOfStream },
    });
  }

  #refusal(status: number, set: readonly HeaderToWrite[]): Buffer {
    const type = { ...this.#header("content-type", "application/json"), action: OVERWRITE };
    return encodeImmediate(
      status,
      [type, ...set],
      JSON.stringify({ error: { message: `refused: ${status}` } }),
    );
  }

  #header(name: string, text: string): HeaderToWrite {
    const into = this.#faults.has("writes-value") ? "value" : "raw_value";
    if (this.#faults.has("adds-if-absent")) return { name, text, into, action: 1 };
    if (this.#faults.has("appends")) return { name, text, into, action: 0, append: true };
    return { name, text, into, action: OVERWRITE };
  }
}

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString("utf8"));
    return true;
  } catch {
    return false;
  }
}
