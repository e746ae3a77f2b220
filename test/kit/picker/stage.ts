/**
 * The picker without sockets: real manifests, real pools and the real stream, a call that only notes what is said, and a
 * clock that stands until it is turned.
 */
import { PickerMetrics } from "../../../src/app/metrics/picker.ts";
import { Registry } from "../../../src/app/metrics/registry.ts";
import { TrafficMetrics } from "../../../src/app/metrics/traffic.ts";
import { EMPTY_VIEW, reconcile } from "../../../src/app/reconcile.ts";
import type { LivePool } from "../../../src/app/live-pool.ts";
import type { ExchangeRecord } from "../../../src/app/record.ts";
import type { View } from "../../../src/app/view.ts";
import { compile } from "../../../src/config/compile.ts";
import { loadManifests } from "../../../src/config/load.ts";
import { decodeReply } from "../../../src/edge/extproc-client/decode-reply.ts";
import { encodeRequest } from "../../../src/edge/extproc-client/encode-request.ts";
import {
  headerText,
  type Header,
  type ProcessingReply,
  type ProcessingRequest,
  type ProtocolConfig,
  type Struct,
} from "../../../src/edge/extproc-client/messages.ts";
import { PickerStream, type StreamContext } from "../../../src/edge/extproc/picker-stream.ts";
import { ByteBudget } from "../../../src/edge/extproc/rpc/byte-budget.ts";
import type { RpcCall } from "../../../src/edge/extproc/rpc/rpc.ts";
import { Sweeper } from "../../../src/edge/http/sweeper.ts";
import { createPrng } from "../../../src/std/prng.ts";

export const DUPLEX: ProtocolConfig = {
  requestBody: "FULL_DUPLEX_STREAMED",
  responseBody: "FULL_DUPLEX_STREAMED",
};
export const CHAT_PATH = "/v1/chat/completions";
const PREFIX_BYTES = 5;

/** An InferencePool with these Pods, on port 8000 of each. */
export function poolManifests(name: string, addresses: readonly string[]): object[] {
  const pods = addresses.map((podIP, index) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `${name}-${index}`, labels: { app: name } },
    status: { podIP, conditions: [{ type: "Ready", status: "True" }] },
  }));
  const pool = {
    apiVersion: "inference.networking.k8s.io/v1",
    kind: "InferencePool",
    metadata: { name },
    spec: { selector: { matchLabels: { app: name } }, targetPorts: [{ number: 8000 }] },
  };
  return [pool, ...pods];
}

/** A BackendPolicy for the pool. */
export function policyFor(name: string, spec: object): object {
  return {
    apiVersion: "plimsoll.dev/v1alpha1",
    kind: "BackendPolicy",
    metadata: { name },
    spec: { targetRefs: [{ group: "inference.networking.k8s.io", kind: "InferencePool", name }], ...spec },
  };
}

export class PickerStage implements StreamContext {
  readonly view: View;
  readonly prng = createPrng(7);
  readonly budget: ByteBudget;
  readonly metrics: PickerMetrics;
  readonly port = 9002;
  fallbacksMax = 0;
  nowMs = 1_000;
  readonly clock = (): number => this.nowMs;
  readonly sweeper = new Sweeper(this.clock);
  readonly records: ExchangeRecord[] = [];
  readonly defects: unknown[] = [];
  readonly registry = new Registry();
  #ids = 0;

  constructor(documents: readonly object[], heldBytesMax = 1 << 30) {
    const text = documents.map((document) => JSON.stringify(document)).join("\n---\n");
    const { resources, problems } = loadManifests([{ path: "stage.yaml", text }]);
    const errors = problems.filter(({ severity }) => severity === "error");
    if (errors.length > 0) throw new Error(JSON.stringify(errors[0]));
    const { config } = compile(resources, { picksForOthers: true });
    const { prng } = this;
    const metrics = new TrafficMetrics(new Registry());
    this.view = reconcile(EMPTY_VIEW, config, { prng, metrics, nowMs: this.nowMs, localZone: undefined });
    this.budget = new ByteBudget(heldBytesMax);
    this.metrics = new PickerMetrics(this.registry);
  }

  /** A stage with one pool of three. */
  static ofThree(): PickerStage {
    return new PickerStage(poolManifests("chat", ["10.0.0.1", "10.0.0.2", "10.0.0.3"]));
  }

  nextRequestId(): string {
    return `stage-${++this.#ids}`;
  }

  record(exchange: ExchangeRecord): void {
    this.records.push(exchange);
  }

  defect(error: unknown): void {
    this.defects.push(error);
  }

  pool(key: string): LivePool {
    return this.view.pools.get(key)!;
  }

  /** Requests in flight by endpoint, those with none left out. */
  inFlight(key = "default/chat"): Readonly<Record<string, number>> {
    const report = this.pool(key).brain.report(this.nowMs);
    return Object.fromEntries(report.filter((e) => e.inFlight > 0).map((e) => [e.key, e.inFlight]));
  }

  open(metadata: Readonly<Record<string, string>> = {}): StageStream {
    return new StageStream(this, metadata);
  }

  /** Lets time pass, and has overdue things seen to. */
  pass(ms: number): void {
    this.nowMs += ms;
    this.sweeper.sweep();
  }

  close(): void {
    this.sweeper.close();
  }
}

/** One stream, as the gateway would hold it. */
export class StageStream implements RpcCall {
  readonly peer = "192.0.2.1:40000";
  readonly replies: ProcessingReply[] = [];
  readonly frameBytes: number[] = [];
  end_: { readonly code: number; readonly message: string } | undefined;
  isPaused = false;
  /** Frames that may still be sent before the call asks to wait. */
  room = Infinity;
  readonly #metadata: Readonly<Record<string, string>>;
  readonly #stream: PickerStream;
  #isCancelled = false;

  constructor(stage: PickerStage, metadata: Readonly<Record<string, string>>) {
    this.#metadata = metadata;
    this.#stream = new PickerStream(stage, this);
  }

  metadata(name: string): string | undefined {
    return this.#metadata[name];
  }

  send(parts: readonly Buffer[]): boolean {
    const frame = Buffer.concat(parts);
    if (this.end_ !== undefined) throw new Error("sent after the end");
    if (frame[0] !== 0 || frame.readUInt32BE(1) !== frame.length - PREFIX_BYTES)
      throw new Error("bad prefix");
    this.frameBytes.push(frame.length);
    this.replies.push(decodeReply(frame.subarray(PREFIX_BYTES)));
    return --this.room > 0;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(code: number, message: string): void {
    if (this.end_ !== undefined) throw new Error("ended twice");
    this.end_ = { code, message };
  }

  // ---- what the gateway does ------------------------------------------------------------------------------------------

  say(request: ProcessingRequest): void {
    this.sayBytes(encodeRequest(request));
  }

  sayBytes(bytes: Buffer): void {
    if (this.#isHeard) this.#stream.onMessage(bytes);
  }

  headers(options: HeadersOptions = {}): void {
    const { method = "POST", path = CHAT_PATH, more = [], endOfStream = false, metadata } = options;
    const headers: Header[] = [
      [":method", method],
      [":authority", "Models.Example.com:443"],
      [":path", path],
      ["content-type", "application/json"],
      ["x-request-id", "id-1"],
      ...more,
    ];
    const { valuesIn = "raw_value" } = options;
    this.say({
      part: { kind: "headers", side: "request", headers, valuesIn, endOfStream },
      metadata,
      protocolConfig: "config" in options ? options.config : DUPLEX,
    });
  }

  body(body: Uint8Array | string, endOfStream: boolean, metadata?: Readonly<Record<string, Struct>>): void {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    this.say({ part: { kind: "body", side: "request", body: bytes, endOfStream }, metadata });
  }

  trailers(side: "request" | "response"): void {
    this.say({ part: { kind: "trailers", side, headers: [] } });
  }

  answerHeaders(
    headers: readonly Header[],
    endOfStream = false,
    metadata?: Readonly<Record<string, Struct>>,
  ): void {
    this.say({
      part: { kind: "headers", side: "response", headers, valuesIn: "raw_value", endOfStream },
      metadata,
    });
  }

  answerBody(body: Uint8Array | string, endOfStream: boolean): void {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    this.say({ part: { kind: "body", side: "response", body: bytes, endOfStream } });
  }

  halfClose(): void {
    if (this.#isHeard) this.#stream.onHalfClose();
  }

  cancel(): void {
    if (this.#isHeard) this.#stream.onCancel();
    this.#isCancelled = true;
  }

  drain(room: number): void {
    this.room = room;
    if (this.#isHeard) this.#stream.onDrain();
  }

  /** Nothing reaches a stream that has ended, or was told that it has. */
  get #isHeard(): boolean {
    return this.end_ === undefined && !this.#isCancelled;
  }

  // ---- what it heard --------------------------------------------------------------------------------------------------

  /** `request headers`, `request body`, `immediate 503` and so on, in order. */
  get heard(): readonly string[] {
    return this.replies.map(({ answer }) =>
      answer.kind === "immediate"
        ? `immediate ${answer.status}`
        : answer.kind === "nothing"
          ? "nothing"
          : `${answer.side} ${answer.kind}`,
    );
  }

  /** The header that says where; undefined: none did. */
  get destination(): string | undefined {
    for (const { answer } of this.replies) {
      if (answer.kind !== "headers" && answer.kind !== "body") continue;
      const header = answer.common.headers.set.find(({ name }) => name === "x-gateway-destination-endpoint");
      if (header !== undefined) return headerText(header);
    }
    return undefined;
  }

  /** The value of a header set by any reply, the immediate one included. */
  header(name: string): string | undefined {
    for (const { answer } of this.replies) {
      const set =
        answer.kind === "immediate"
          ? answer.headers.set
          : "common" in answer
            ? answer.common.headers.set
            : [];
      const header = set.find((each) => each.name === name);
      if (header !== undefined) return headerText(header);
    }
    return undefined;
  }

  /** Bytes of that side's body as the gateway would pass them on, with their ends. */
  echoed(side: "request" | "response"): { readonly body: Buffer; readonly ends: number } {
    const parts: Buffer[] = [];
    let ends = 0;
    for (const { answer } of this.replies) {
      if (answer.kind !== "body" || answer.side !== side || answer.common.body?.kind !== "streamed") continue;
      parts.push(answer.common.body.body);
      if (answer.common.body.endOfStream) ends++;
    }
    return { body: Buffer.concat(parts), ends };
  }
}

export interface HeadersOptions {
  readonly method?: string;
  readonly path?: string;
  readonly more?: readonly Header[];
  readonly endOfStream?: boolean;
  readonly metadata?: Readonly<Record<string, Struct>> | undefined;
  readonly valuesIn?: "value" | "raw_value";
  /** Undefined: none is sent. Left out: full duplex. */
  readonly config?: ProtocolConfig | undefined;
}

export function chat(content: string, more: object = {}): string {
  return JSON.stringify({ model: "m", messages: [{ role: "user", content }], ...more });
}
