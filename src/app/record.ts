/**
 * What is remembered of an exchange when it is over: the raw material of the access log and the metrics.
 */
import type { InferenceApi, TokenUsage } from "../model/inference-facts.ts";
import type { OutcomeKind } from "../model/outcome.ts";
import type { Refusal } from "../model/refusal.ts";
import type { Routed } from "./route-request.ts";
import type { LiveRule } from "./view.ts";

export interface AttemptRecord {
  /** The endpoint's key. */
  readonly endpoint: string;
  /** The number of the pool's decision that led here; see docs/explain.md. */
  readonly decision: number;
  readonly outcome: OutcomeKind;
  /** Of the endpoint's response, 0 where none came; what the client was answered is another matter. */
  readonly status: number;
  /** A pooled connection was used. */
  readonly reused: boolean;
  /** From the pick to the connection being ready, 0 if it was; undefined: it never was. */
  readonly connectMs: number | undefined;
  /** From the pick to the response's first byte. */
  readonly firstByteMs: number | undefined;
  /** From the pick to the end of the attempt. */
  readonly totalMs: number;
}

/** Who brought the exchange to its end: everybody did their part, or one of the three ended it early. */
export type EndedBy = "completion" | "client" | "endpoint" | "gateway";

export interface ExchangeRecord {
  readonly requestId: string;
  readonly client: string;
  readonly port: number;
  readonly method: string;
  /** As the client wrote it. */
  readonly host: string;
  readonly path: string;
  /** Undefined: no rule took the request. */
  readonly rule: LiveRule | undefined;
  /** Undefined: it came to no pool. */
  readonly pool: string | undefined;
  /** Class of work; undefined: it came to no pool. */
  readonly work: string | undefined;
  /** For its turn, before the first attempt [ms]. */
  readonly waitedMs: number;
  /** 0: no response head was sent. */
  readonly status: number;
  readonly refusal: Refusal | undefined;
  readonly endedBy: EndedBy;
  /** One word or phrase: `complete`, a refusal's name, `client-gone`, `response-cut` and the like. */
  readonly why: string;
  readonly attempts: readonly AttemptRecord[];
  /** Why no further attempt was made after a failed one; empty where none failed. */
  readonly retryStop: string;
  /** From the request's first byte to the end of its head. */
  readonly headMs: number;
  /** From the end of the head to the first byte of the response towards the client; undefined if none. */
  readonly firstByteMs: number | undefined;
  readonly totalMs: number;
  /** Of a prompt: the API, the model asked for, when the first token of a stream came, and what it cost. */
  readonly api: InferenceApi | undefined;
  readonly model: string | undefined;
  readonly firstTokenMs: number | undefined;
  readonly usage: TokenUsage | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What there is to note of a request at its beginning. */
export interface Asked {
  readonly requestId: string;
  /** The client's address, and the port it came to. */
  readonly from: { readonly address: string; readonly port: number };
  readonly head: { readonly method: string; readonly authority: string; readonly path: string };
  /** From the request's first byte to the end of its head. */
  readonly headMs: number;
}

/** The notes an exchange takes while it goes on. */
export class ExchangeNotes implements ExchangeRecord {
  readonly requestId: string;
  readonly client: string;
  readonly port: number;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly headMs: number;
  readonly attempts: AttemptRecord[] = [];
  /** When the head was read, on the gateway's clock. */
  readonly startedMs: number;
  rule: LiveRule | undefined = undefined;
  pool: string | undefined = undefined;
  work: string | undefined = undefined;
  waitedMs = 0;
  status = 0;
  refusal: Refusal | undefined = undefined;
  endedBy: EndedBy = "completion";
  why = "complete";
  retryStop = "";
  firstByteMs: number | undefined = undefined;
  totalMs = 0;
  bytesIn = 0;
  bytesOut = 0;
  api: InferenceApi | undefined = undefined;
  model: string | undefined = undefined;
  firstTokenMs: number | undefined = undefined;
  usage: TokenUsage | undefined = undefined;
  /** When a byte last moved in either direction. */
  activeMs: number;

  constructor({ requestId, from, head, headMs }: Asked, startedMs: number) {
    this.requestId = requestId;
    this.client = from.address;
    this.port = from.port;
    this.method = head.method;
    this.host = head.authority;
    this.path = head.path;
    this.headMs = headMs;
    this.startedMs = startedMs;
    this.activeMs = startedMs;
  }

  took(routed: Routed): void {
    this.rule = routed.rule;
    if (routed.kind !== "pool") return;
    this.pool = routed.pool.key;
    this.work = routed.work.workload.name;
  }

  answered(status: number, nowMs: number): void {
    this.status = status;
    this.activeMs = nowMs;
    this.firstByteMs = nowMs - this.startedMs;
  }

  moved(direction: "bytesIn" | "bytesOut", count: number, nowMs: number): void {
    this.activeMs = nowMs;
    this[direction] += count;
  }

  firstToken(nowMs: number): void {
    this.firstTokenMs = nowMs - this.startedMs;
  }

  ended(endedBy: EndedBy, why: string, nowMs: number): void {
    this.endedBy = endedBy;
    this.why = why;
    this.totalMs = nowMs - this.startedMs;
    if (endedBy === "completion" && this.status < 400) this.#teachHabits();
  }

  /** What the exchange, which was answered in full, shows of what its route does. Waiting for its turn is none of it. */
  #teachHabits(): void {
    this.rule?.habits.learn({
      firstByteMs: (this.firstByteMs ?? this.totalMs) - this.waitedMs,
      totalMs: this.totalMs - this.waitedMs,
      requestBytes: this.bytesIn,
      responseBytes: this.bytesOut,
    });
  }
}
