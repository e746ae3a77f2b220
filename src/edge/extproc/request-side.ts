/**
 * The request's half of one stream: what the gateway is owed for each of its messages, by how it sends bodies.
 *
 * | body mode | the reply that says where | the body's replies |
 * |---|---|---|
 * | FULL_DUPLEX_STREAMED | to the headers, once the body is read | its own bytes, then exactly one end |
 * | BUFFERED, BUFFERED_PARTIAL | to the body; the headers are answered at once | that one |
 * | STREAMED, NONE | to the headers, at once: the body cannot be waited for | one per message |
 *
 * A request whose body decides nothing (no body, no prompt) is decided by its head in every mode. Trailers end a body as
 * its last message does; then no part of it is marked as the last.
 *
 * Invariant: what is held of a body is counted in the budget until it is sent or dropped.
 */
import type { CarriedExchange, Choice } from "../../app/carried-exchange.ts";
import type { ModelSplice } from "../../core/inference/read/model-splice.ts";
import type { Outbox } from "./outbox.ts";
import type { ByteBudget } from "./rpc/byte-budget.ts";
import { BODY_MODES } from "./wire/fields.ts";
import {
  GO_ON,
  requestBodyReply,
  requestHeadersReply,
  type DynamicMetadata,
  type SetHeader,
} from "./wire/processing-response.ts";

const { NONE, STREAMED, BUFFERED, BUFFERED_PARTIAL } = BODY_MODES;

export interface RequestChanges {
  readonly set: SetHeader[];
  readonly remove: readonly string[];
  readonly metadata: DynamicMetadata;
}

export class RequestSide {
  readonly #exchange: CarriedExchange;
  readonly #outbox: Outbox;
  readonly #budget: ByteBudget;
  readonly #mode: number;
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** The reply that says where is out. */
  #isDecided = false;
  /** The reply to the headers is out already, and says nothing. */
  #isAtBody = false;
  #isWhole = false;
  #bodySeen = false;
  #owesTrailers = false;
  #owedBodies = 0;

  constructor(exchange: CarriedExchange, outbox: Outbox, budget: ByteBudget, mode: number) {
    this.#exchange = exchange;
    this.#outbox = outbox;
    this.#budget = budget;
    this.#mode = mode;
  }

  /** The body is waited for, and nothing has come of it. */
  get awaitsBody(): boolean {
    return !this.#isDecided && !this.#bodySeen && !this.#isWhole && this.#exchange.wantsBody;
  }

  get isDecided(): boolean {
    return this.#isDecided;
  }

  begin(endOfStream: boolean): void {
    this.#isWhole = endOfStream;
    const isBlind = this.#mode === NONE || this.#mode === STREAMED;
    if (endOfStream || isBlind || !this.#exchange.wantsBody) {
      return this.#exchange.decideByHead(endOfStream || this.#mode === NONE);
    }
    if (this.#mode !== BUFFERED && this.#mode !== BUFFERED_PARTIAL) return;
    this.#isAtBody = true;
    this.#outbox.push(GO_ON.requestHeaders);
  }

  /** False: there is no room to hold it. */
  body(bytes: Buffer, endOfStream: boolean): boolean {
    this.#bodySeen = true;
    const isReadable = this.#exchange.feed(bytes);
    switch (this.#mode) {
      case NONE:
      case STREAMED:
        this.#goOn();
        if (endOfStream) this.#ends();
        return true;
      case BUFFERED:
      case BUFFERED_PARTIAL:
        if (this.#isDecided || !this.#isAtBody) {
          this.#goOn();
          this.#ends();
          return true;
        }
        if (!this.#hold(bytes)) return false;
        // Cut off where the gateway's buffer ended: what was read is no prompt, and no fault either.
        if (this.#mode === BUFFERED_PARTIAL && !endOfStream) this.#exchange.decideByHead(false);
        else this.#ends();
        return true;
      default:
        return this.#duplexBody(bytes, endOfStream, isReadable);
    }
  }

  #duplexBody(bytes: Buffer, endOfStream: boolean, isReadable: boolean): boolean {
    if (this.#isDecided) {
      this.#outbox.pushBody("request", [bytes], endOfStream);
      if (endOfStream) this.#ends();
      return true;
    }
    if (!this.#hold(bytes)) return false;
    if (endOfStream) this.#ends();
    // Whatever may follow, it is no request of the API.
    else if (!isReadable) this.#exchange.bodyEnds();
    return true;
  }

  trailers(): void {
    if (this.#isDecided) this.#outbox.push(GO_ON.requestTrailers);
    else this.#owesTrailers = true;
    this.#ends();
  }

  #ends(): void {
    this.#isWhole = true;
    this.#exchange.bodyEnds();
  }

  #goOn(): void {
    if (this.#isDecided) this.#outbox.push(GO_ON.requestBody);
    else this.#owedBodies++;
  }

  /** False: there is no room. */
  #hold(bytes: Buffer): boolean {
    if (!this.#budget.take(bytes.length)) return false;
    this.#heldBytes += bytes.length;
    // Small parts of what was read at once would keep all of it.
    this.#held.push(bytes.buffer.byteLength > bytes.length * 2 ? Buffer.from(bytes) : bytes);
    return true;
  }

  decided({ splice }: Choice, changes: RequestChanges): void {
    this.#isDecided = true;
    const chunks = splice === undefined ? this.#held : spliced(this.#held, splice);
    if (splice !== undefined) {
      const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      changes.set.push(["content-length", String(length)]);
    }
    const reply = { changes, metadata: changes.metadata };
    if (this.#isAtBody) {
      const body = splice === undefined ? undefined : Buffer.concat(chunks);
      this.#outbox.push(requestBodyReply({ ...reply, body }));
      this.drop();
    } else {
      this.#outbox.push(requestHeadersReply(reply));
      this.#echo(chunks);
      for (; this.#owedBodies > 0; this.#owedBodies--) this.#outbox.push(GO_ON.requestBody);
    }
    if (this.#owesTrailers) this.#outbox.push(GO_ON.requestTrailers);
  }

  #echo(chunks: readonly Buffer[]): void {
    if (!this.#bodySeen || this.#mode === NONE || this.#mode === STREAMED) return this.drop();
    const bytes = this.#heldBytes;
    this.#held = [];
    this.#heldBytes = 0;
    const isLast = this.#isWhole && !this.#owesTrailers;
    this.#outbox.pushBody("request", chunks, isLast, () => this.#budget.give(bytes));
  }

  /** What is held is needed no more. */
  drop(): void {
    this.#budget.give(this.#heldBytes);
    this.#held = [];
    this.#heldBytes = 0;
  }
}

/** The body with other bytes in place of some of its own. */
function spliced(chunks: readonly Buffer[], { start, bytes, end }: ModelSplice): Buffer[] {
  const out: Buffer[] = [];
  let at = 0;
  let isIn = false;
  for (const chunk of chunks) {
    const next = at + chunk.length;
    if (at < start) out.push(chunk.subarray(0, Math.min(chunk.length, start - at)));
    if (!isIn && next >= start) {
      out.push(Buffer.from(bytes));
      isIn = true;
    }
    if (next > end) out.push(chunk.subarray(Math.max(0, end - at)));
    at = next;
  }
  return out;
}
