/**
 * One connection to an endpoint: carries one exchange at a time, then waits in its pool for the next.
 *
 * Reads responses and hands them to the exchange that holds it. Bytes that come while nobody waits for them are a
 * desynchronised endpoint, and end the connection: they must never become the answer to somebody's next request.
 */
import { BODY_MALFORMED, BodyReader, type BodySink } from "./wire/body-reader.ts";
import { CHUNKED } from "./wire/framing.ts";
import { NEEDS_MORE } from "./wire/request-head.ts";
import { ResponseHead, UNREADABLE } from "./wire/response-head.ts";
import { Wire, type WireUser } from "./wire/wire.ts";
import { INTERIM_MAX } from "./limits.ts";
import type { Tunnel } from "./tunnel.ts";

/** Bytes of a response's head; an endpoint that sends more is not understood. */
const HEAD_BYTES_MAX = 65_536;
/** Rest of an unwanted response that is worth reading to keep the connection. */
const UNWANTED_BYTES_MAX = 65_536;
/** An endpoint that says `Keep-Alive: timeout=5` closes after 5 s; stop using the connection this long before. */
const KEEP_ALIVE_MARGIN_MS = 1_000;

/** Where a response's body goes. */
export interface AnswerSink extends BodySink {
  /** How its chunks are to be handed on. */
  readonly chunks: "verbatim" | "decoded";
  /** The bytes of one read have all been handed on. */
  flush(): void;
}

/** The exchange, as the connection sees it. */
export interface ResponseReceiver {
  readonly method: string;
  onConnect(): void;
  /** 1xx but 101. */
  onInterim(head: ResponseHead, buffer: Buffer): void;
  /** 101 to a WebSocket request; every byte after it goes to the tunnel. Undefined: not asked for. */
  onSwitch(head: ResponseHead, buffer: Buffer): Tunnel | undefined;
  /** Where the body that follows goes, or undefined: it is not wanted. */
  onResponseHead(head: ResponseHead, buffer: Buffer): AnswerSink | undefined;
  onResponseEnd(): void;
  onWritable(): void;
  /** The endpoint's bytes make no sense; the connection is already destroyed. */
  onUnreadable(fault: string): void;
  /** The connection is over before its exchange was. */
  onConnectionLost(error: Error | undefined): void;
  onDefect(error: unknown): void;
}

/** The pool of one endpoint, as its connections see it. */
export interface ConnectionOwner {
  onIdle(connection: EndpointConnection): void;
  /** Nobody holds it any more, and the rest of an unwanted response is still to come. */
  onFinishing(connection: EndpointConnection): void;
  onGone(connection: EndpointConnection): void;
  /** A bug met while nobody held a connection. */
  onDefect(error: unknown): void;
}

const NOWHERE: AnswerSink = { chunks: "verbatim", bodyBytes() {}, bodyText() {}, flush() {} };
/** Reading is synchronous and the head is used at once, so one serves all connections. */
const responseHead = new ResponseHead();

export class EndpointConnection implements WireUser {
  readonly wire: Wire;
  /** Exchanges that this connection has begun. */
  exchanges = 0;
  connected = false;
  /** When it was last put aside, and for how long it may wait; read by the pool's sweep. */
  idleSinceMs = 0;
  idleLimitMs = Infinity;

  readonly #owner: ConnectionOwner;
  readonly #body = new BodyReader();
  #receiver: ResponseReceiver | undefined;
  #sink = NOWHERE;
  #tunnel: Tunnel | undefined;
  #expects: "nothing" | "head" | "body" | "unwanted" | "tunnel" = "nothing";
  #reusable = true;
  #interims = 0;
  #unwantedBytes = 0;
  #held: Buffer | undefined;
  #gone = false;

  constructor(owner: ConnectionOwner, address: string, port: number) {
    this.#owner = owner;
    this.wire = Wire.connect(address, port, this);
  }

  /** Whether it may carry another exchange. */
  get usable(): boolean {
    return !this.#gone && this.#reusable && this.#expects === "nothing";
  }

  /** From now on, responses belong to `receiver`, until it releases or destroys the connection. */
  begin(receiver: ResponseReceiver): void {
    this.#receiver = receiver;
    this.#expects = "head";
    this.#interims = 0;
    this.exchanges++;
  }

  /** What it began for one is from now on another's: a hedge that has become the exchange's own attempt. */
  handTo(receiver: ResponseReceiver): void {
    this.#receiver = receiver;
  }

  /** The exchange is over. Back to the pool if nothing is left unread and the endpoint agrees. */
  release(): void {
    this.#receiver = undefined;
    // The client it was paused for is no longer its concern; a paused connection would not even notice its end.
    this.wire.resume();
    if (this.#expects === "body") this.#expects = "unwanted";
    this.#sink = NOWHERE;
    if (!this.#reusable || this.#gone) this.destroy();
    else if (this.#expects === "nothing") this.#owner.onIdle(this);
    else this.#owner.onFinishing(this);
  }

  /** A tunnel has ended from both sides: what is queued still goes out, then the connection ends. */
  letGo(): void {
    this.#receiver = undefined;
    this.#reusable = false;
    this.wire.endSoon();
  }

  destroy(): void {
    this.#receiver = undefined;
    this.#sink = NOWHERE;
    this.#reusable = false;
    this.wire.destroy();
  }

  onConnect(): void {
    this.connected = true;
    this.#receiver?.onConnect();
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.#held === undefined) this.#read(buffer, start, end);
    else {
      const whole = Buffer.concat([this.#held, buffer.subarray(start, end)]);
      this.#held = undefined;
      this.#read(whole, 0, whole.length);
    }
  }

  #read(buffer: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end && !this.#gone) {
      switch (this.#expects) {
        case "nothing":
          this.destroy();
          return;
        case "head":
          at = this.#readHead(buffer, at, end);
          break;
        case "body":
        case "unwanted":
          at = this.#readBody(buffer, at, end);
          break;
        case "tunnel":
          this.#tunnel!.fromEndpoint(buffer, at, end);
          return;
      }
      if (at <= 0) return;
    }
    this.#sink.flush();
  }

  /** Returns the index after what was read, or 0 where reading stops. */
  #readHead(buffer: Buffer, start: number, end: number): number {
    const receiver = this.#receiver!;
    const at = responseHead.parse(buffer, start, end, receiver.method === "HEAD");
    if (at === UNREADABLE) return this.#unreadable(responseHead.fault);
    if ((at === NEEDS_MORE ? end : at) - start > HEAD_BYTES_MAX) return this.#unreadable("head too large");
    if (at === NEEDS_MORE) {
      this.#held = Buffer.from(buffer.subarray(start, end));
      return 0;
    }
    if (responseHead.status < 200) {
      if (responseHead.status === 101) {
        this.#tunnel = responseHead.switchesToWebSocket ? receiver.onSwitch(responseHead, buffer) : undefined;
        if (this.#tunnel === undefined) return this.#unreadable("101 that was not asked for");
        this.#expects = "tunnel";
        this.#reusable = false;
        return at;
      }
      if (++this.#interims > INTERIM_MAX) return this.#unreadable("too many interim responses");
      receiver.onInterim(responseHead, buffer);
      return at;
    }
    if (!responseHead.keepAlive) this.#reusable = false;
    if (responseHead.keepAliveMs > 0) {
      this.idleLimitMs = Math.max(0, responseHead.keepAliveMs - KEEP_ALIVE_MARGIN_MS);
    }
    this.#expects = "body";
    const { bodyLength } = responseHead;
    const sink = receiver.onResponseHead(responseHead, buffer);
    this.#sink = sink ?? NOWHERE;
    this.#body.begin(bodyLength, this.#sink.chunks);
    if (sink === undefined) {
      this.#unwantedBytes = 0;
      this.#expects = "unwanted";
      if (bodyLength !== CHUNKED && !(bodyLength >= 0 && bodyLength <= UNWANTED_BYTES_MAX)) this.destroy();
    }
    if (this.#body.done) this.#endResponse(at < end);
    return at;
  }

  #readBody(buffer: Buffer, start: number, end: number): number {
    const wanted = this.#expects === "body";
    const at = this.#body.feed(buffer, start, end, this.#sink);
    if (at === BODY_MALFORMED) return this.#unreadable(this.#body.fault);
    if (!wanted) this.#unwantedBytes += at - start;
    if (this.#body.done) this.#endResponse(at < end);
    else if (this.#unwantedBytes > UNWANTED_BYTES_MAX && !wanted) this.destroy();
    return at;
  }

  /** `surplus`: the read has bytes beyond the response. The receiver may begin its next exchange at once, so now. */
  #endResponse(surplus: boolean): void {
    const receiver = this.#receiver;
    this.#expects = "nothing";
    this.#sink = NOWHERE;
    if (surplus) this.#reusable = false;
    if (receiver !== undefined) receiver.onResponseEnd();
    else if (this.#reusable) this.#owner.onIdle(this);
    else this.destroy();
  }

  #unreadable(fault: string): number {
    this.#lose((receiver) => receiver.onUnreadable(fault));
    return 0;
  }

  /** The connection ends under its exchange, which hears of it after it has let go. */
  #lose(tell: (receiver: ResponseReceiver) => void): void {
    const receiver = this.#receiver;
    this.destroy();
    if (receiver === undefined) return;
    try {
      tell(receiver);
    } catch (error) {
      receiver.onDefect(error);
    }
  }

  onEnd(): void {
    if (this.#expects === "tunnel") {
      if (this.#receiver !== undefined) this.#tunnel!.endFromEndpoint();
      return;
    }
    if (this.#expects === "body" && this.#body.endsAtClose) {
      this.#reusable = false;
      this.#endResponse(false);
    }
    this.#lose((receiver) => receiver.onConnectionLost(undefined));
  }

  onDrain(): void {
    this.#receiver?.onWritable();
  }

  onGone(error: Error | undefined): void {
    this.#gone = true;
    this.#owner.onGone(this);
    this.#lose((receiver) => receiver.onConnectionLost(error));
  }

  onDefect(error: unknown): void {
    const receiver = this.#receiver;
    this.destroy();
    if (receiver === undefined) this.#owner.onDefect(error);
    else receiver.onDefect(error);
  }
}
