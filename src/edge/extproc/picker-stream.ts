/**
 * One stream of the endpoint picker: one HTTP request of a gateway, from its headers to its answer's end.
 *
 * It joins the three that know: what a message is owed (request-side.ts, response-side.ts), what is decided
 * (app/carried-exchange.ts) and how replies go out (outbox.ts). Who ends a stream ends its exchange, whatever its state:
 * half-closing lets what is decided go out first; a reset is how most gateways say that they are done.
 */
import {
  CarriedExchange,
  type Carrier,
  type CarriedContext,
  type CarriedRefusal,
  type Choice,
} from "../../app/carried-exchange.ts";
import type { PickerMetrics } from "../../app/metrics/picker.ts";
import type { Swept, Sweeper } from "../http/sweeper.ts";
import { BODY_EXPECTED_MS, LINGER_MS } from "./limits.ts";
import { Outbox } from "./outbox.ts";
import { refusalReply } from "./refusal-reply.ts";
import { RequestSide } from "./request-side.ts";
import { ResponseSide } from "./response-side.ts";
import type { ByteBudget } from "./rpc/byte-budget.ts";
import { RPC_INVALID_ARGUMENT, RPC_OK, type RpcCall, type RpcHandler } from "./rpc/rpc.ts";
import {
  clientAddress,
  DESTINATION,
  DESTINATION_NAMESPACE,
  POOL_METADATA,
  poolNameIn,
  servedIn,
  StreamHead,
  subsetIn,
} from "./stream-head.ts";
import { BODY_MODES } from "./wire/fields.ts";
import { readProcessingRequest, type ProcessingRequest } from "./wire/processing-request.ts";
import type { SetHeader } from "./wire/processing-response.ts";
import { ProtoFault } from "./wire/proto-reader.ts";

export interface StreamContext extends CarriedContext {
  readonly sweeper: Sweeper;
  readonly budget: ByteBudget;
  readonly metrics: PickerMetrics;
  /** The picker's own, for the log. */
  readonly port: number;
  nextRequestId(): string;
}

export class PickerStream implements RpcHandler, Carrier, Swept {
  sweptIndex = -1;
  dueMs = 0;
  readonly #context: StreamContext;
  readonly #call: RpcCall;
  readonly #outbox: Outbox;
  /** The three of them come with the request's headers. */
  #exchange: CarriedExchange | undefined;
  #request: RequestSide | undefined;
  #response: ResponseSide | undefined;
  #head: StreamHead | undefined;
  /** The gateway watches only: it acts on no reply. */
  #isObserved = false;
  #isServedKnown = false;
  /** When the last message came, and when it will be too late for a body that is only supposed. */
  #messageMs = 0;
  #bodyExpectedMs = Infinity;
  /** The gateway will say no more, and waits for what is decided. */
  #isHalfClosed = false;
  #isOver = false;

  constructor(context: StreamContext, call: RpcCall) {
    this.#context = context;
    this.#call = call;
    this.#outbox = new Outbox(call);
    context.metrics.streams.add();
    context.sweeper.add(this);
  }

  onMessage(bytes: Buffer): void {
    if (this.#isOver || this.#isObserved) return;
    this.#messageMs = this.#context.clock();
    let request: ProcessingRequest;
    try {
      request = readProcessingRequest(bytes);
    } catch (error) {
      if (!(error instanceof ProtoFault)) throw error;
      return this.#fail("malformed-message", error.message);
    }
    if (request.isObserved) this.#isObserved = true;
    else this.#take(request);
  }

  #take(request: ProcessingRequest): void {
    const { kind, body, endOfStream, metadata } = request;
    if (kind === "request-headers") return this.#begin(request);
    const exchange = this.#exchange;
    if (exchange === undefined) return this.#fail("headers-missing", "request headers come first");
    if (metadata !== undefined) this.#note(exchange, request);
    switch (kind) {
      case "request-body":
        if (!this.#request!.body(body, endOfStream)) exchange.refuse("picker-full", "");
        return;
      case "request-trailers":
        return this.#request!.trailers();
      case "response-headers":
        return this.#response!.headers(request.headers, endOfStream);
      case "response-body":
        return this.#response!.body(body, endOfStream);
      case "response-trailers":
        return this.#response!.trailers();
    }
  }

  #begin(request: ProcessingRequest): void {
    if (this.#exchange !== undefined) return this.#fail("headers-twice", "request headers come once");
    const { headers, metadata, protocolConfig, endOfStream } = request;
    const context = this.#context;
    this.#head = new StreamHead(headers, context.port, () => context.nextRequestId());
    const address = clientAddress(request);
    const exchange = new CarriedExchange(context, this, this.#head, address);
    this.#exchange = exchange;
    const { requestBodyMode, responseBodyMode } = protocolConfig ?? {
      requestBodyMode: BODY_MODES.FULL_DUPLEX_STREAMED,
      responseBodyMode: BODY_MODES.FULL_DUPLEX_STREAMED,
    };
    this.#request = new RequestSide(exchange, this.#outbox, context.budget, requestBodyMode);
    this.#response = new ResponseSide(exchange, this.#outbox, responseBodyMode);
    const poolName = this.#call.metadata(POOL_METADATA) ?? poolNameIn(metadata);
    exchange.route({ poolName, address });
    if (exchange.isOver) return;
    this.#note(exchange, request);
    this.#request.begin(endOfStream);
    if (protocolConfig === undefined && this.#request.awaitsBody)
      this.#bodyExpectedMs = this.#messageMs + BODY_EXPECTED_MS;
  }

  /** What comes beside any message; the first that says a thing says it. */
  #note(exchange: CarriedExchange, { metadata }: ProcessingRequest): void {
    const subset = subsetIn(metadata);
    if (subset !== undefined) exchange.confine(subset);
    const served = this.#isServedKnown ? undefined : servedIn(metadata);
    if (served === undefined) return;
    this.#isServedKnown = true;
    exchange.servedBy(served);
  }

  // ---- what is decided ------------------------------------------------------------------------------------------------

  onPicked(choice: Choice): void {
    const head = this.#head!;
    const value = choice.endpoints.join(",");
    const set: SetHeader[] = [[DESTINATION, value]];
    if (head.isNamedHere) set.push(["x-request-id", head.requestId]);
    const metadata = { namespace: DESTINATION_NAMESPACE, key: DESTINATION, value };
    this.#request!.decided(choice, { set, remove: head.forged(), metadata });
    this.#context.metrics.decision.observe((this.#context.clock() - this.#messageMs) / 1000);
    if (this.#isHalfClosed) this.#leave("answer-unseen");
  }

  onRefused(refused: CarriedRefusal): number {
    const { requestId } = this.#head!;
    const { status, frame } = refusalReply(refused, requestId, this.#exchange!.intake);
    this.#outbox.push(frame);
    this.#end(RPC_OK, "");
    return status;
  }

  // ---- ends -----------------------------------------------------------------------------------------------------------

  /** Nothing more comes. A gateway that will not show the answer either waits for what is decided. */
  onHalfClose(): void {
    const exchange = this.#exchange;
    if (exchange === undefined || exchange.isOver) return this.#end(RPC_OK, "");
    if (this.#response!.isUnseen) exchange.answerUnseen();
    if (this.#request!.isDecided) this.#leave("answer-unseen");
    else if (exchange.wantsBody) this.#leave("request-cut");
    else this.#isHalfClosed = true;
  }

  #leave(why: string): void {
    this.#exchange!.abandon("client", why);
    this.#end(RPC_OK, "");
  }

  onDrain(): void {
    this.#outbox.onDrain();
  }

  onCancel(): void {
    if (this.#response?.isUnseen === true) this.#exchange!.answerUnseen();
    this.#exchange?.abandon("client", "client-gone");
    this.#isOver = true;
    this.#release();
  }

  sweep(nowMs: number): void {
    const exchange = this.#exchange;
    if (exchange === undefined || this.#isOver) return;
    if (exchange.isOver) {
      if (nowMs - this.#messageMs >= LINGER_MS) this.#end(RPC_OK, "");
      return;
    }
    if (nowMs >= this.#bodyExpectedMs) {
      this.#bodyExpectedMs = Infinity;
      if (this.#request!.awaitsBody) exchange.decideByHead(false);
    }
    exchange.sweep(nowMs);
    // Nothing is due in a hurry any more.
    if (this.#request!.isDecided) this.dueMs = nowMs + 1_000;
  }

  /** The gateway has broken the protocol. */
  #fail(fault: string, message: string): void {
    this.#context.metrics.fault(fault);
    this.#exchange?.abandon("client", fault);
    this.#end(RPC_INVALID_ARGUMENT, message);
  }

  #end(code: number, message: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#context.sweeper.remove(this);
    this.#request?.drop();
    this.#outbox.end(code, message);
  }

  #release(): void {
    this.#context.sweeper.remove(this);
    this.#request?.drop();
    this.#outbox.drop();
  }
}
