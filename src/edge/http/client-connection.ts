/**
 * One client's connection: reads requests one after another and gives each to an exchange of its own.
 *
 * Pipelined requests wait their turn here, so answers leave in order. What the client sends ahead is held up to a
 * limit, after which reading from it stops. Every refusal that leaves the byte stream in doubt closes the connection.
 */
import { refusalText } from "./answer.ts";
import { Exchange } from "./exchange.ts";
import type { ExchangeClient, ExchangeContext } from "./exchange-context.ts";
import { LEAVING_IDLE_MS, LINGER_BYTES_MAX, PIPELINED_BYTES_MAX, UNREAD_BYTES_MAX } from "./limits.ts";
import type { Swept } from "./sweeper.ts";
import { BODY_MALFORMED, BodyReader, type BodySink } from "./wire/body-reader.ts";
import { NEEDS_MORE, REFUSED, RequestHead } from "./wire/request-head.ts";
import { Wire, type WireUser } from "./wire/wire.ts";
import type { Refusal } from "../../model/refusal.ts";
import type net from "node:net";

/** Reading is synchronous and the exchange takes what it needs, so one serves all connections. */
const requestHead = new RequestHead();

const LINE_FEED = 0x0a;

export interface ClientOwner {
  onGone(connection: ClientConnection): void;
}

export class ClientConnection implements WireUser, ExchangeClient, BodySink, Swept {
  readonly wire: Wire;
  readonly address: string;
  readonly port: number;
  #leaving = false;
  sweptIndex = -1;
  dueMs = 0;

  readonly #context: ExchangeContext;
  readonly #owner: ClientOwner;
  readonly #body = new BodyReader();
  #exchange: Exchange | undefined;
  #held: Buffer | undefined;
  /** Whether `#held` is the beginning of a head that was looked at and found unfinished. */
  #headBegun = false;
  #headStartedMs = 0;
  #idleSinceMs: number;
  #reading = false;
  #clientEnded = false;
  /** The last answer is out; what still comes is thrown away until the client closes too. */
  #closing = false;
  #lingeredBytes = 0;

  constructor(context: ExchangeContext, owner: ClientOwner, socket: net.Socket, port: number) {
    this.#context = context;
    this.#owner = owner;
    this.port = port;
    this.address = plainAddress(socket.remoteAddress ?? "");
    this.#idleSinceMs = context.sweeper.nowMs;
    this.wire = Wire.accept(socket, this);
    context.sweeper.add(this);
  }

  /** No exchange will follow the present one: the gateway lets go, or the client has ended and asked no more. */
  get last(): boolean {
    return this.#leaving || (this.#clientEnded && this.#held === undefined);
  }

  // ---- reading ----------------------------------------------------------------------------------------------------

  onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.#closing) {
      this.#lingeredBytes += end - start;
      if (this.#lingeredBytes > LINGER_BYTES_MAX) this.wire.destroy();
      return;
    }
    if (this.#held === undefined) {
      this.#read(buffer, start, end);
      return;
    }
    const whole = Buffer.concat([this.#held, buffer.subarray(start, end)]);
    // A head that lacks its end cannot have got it without a line feed; skip looking until one comes.
    if (
      this.#headBegun &&
      whole.length <= this.#context.limits.headBytesMax &&
      !hasLineFeed(buffer, start, end)
    ) {
      this.#held = whole;
      return;
    }
    this.#held = undefined;
    this.#read(whole, 0, whole.length);
  }

  #read(buffer: Buffer, start: number, end: number): void {
    this.#reading = true;
    let at = start;
    try {
      while (at < end && !this.#closing) {
        const exchange = this.#exchange;
        if (exchange === undefined && this.wire.queuedBytes > UNREAD_BYTES_MAX) {
          // A client that asks and asks but does not read its answers waits until it has.
          this.#hold(buffer, at, end);
          this.wire.pause();
          at = end;
        } else if (exchange === undefined) at = this.#readHead(buffer, at, end);
        else if (exchange.tunnel !== undefined) {
          exchange.tunnel.fromClient(buffer, at, end);
          at = end;
        } else if (!this.#body.done) at = this.#readBody(exchange, buffer, at, end);
        else {
          this.#hold(buffer, at, end);
          if (end - at > PIPELINED_BYTES_MAX) this.wire.pause();
          at = end;
        }
        if (at < 0) return;
      }
      this.#exchange?.flushRequest();
    } finally {
      this.#reading = false;
    }
  }

  /** Returns where to read on, or -1 where nothing more can be read for now. */
  #readHead(buffer: Buffer, start: number, end: number): number {
    if (this.#headStartedMs === 0) this.#headStartedMs = this.#context.clock();
    this.dueMs = 0;
    const { headBytesMax } = this.#context.limits;
    const at = requestHead.parse(buffer, start, end);
    if (at === REFUSED) {
      this.#refuse(requestHead.refusal, requestHead.fault);
      return -1;
    }
    if ((at === NEEDS_MORE ? end : at) - start > headBytesMax) {
      this.#refuse("head-too-large", `more than ${headBytesMax} bytes`);
      return -1;
    }
    if (at === NEEDS_MORE) {
      this.#headBegun = true;
      this.#hold(buffer, start, end);
      return -1;
    }
    const headMs = this.#context.clock() - this.#headStartedMs;
    this.#headBegun = false;
    this.#headStartedMs = 0;
    const { bodyLength } = requestHead;
    const exchange = new Exchange(this.#context, this, requestHead, headMs);
    this.#exchange = exchange;
    exchange.begin(requestHead, buffer);
    this.#body.begin(bodyLength, exchange.bodyChunks);
    return at;
  }

  #readBody(exchange: Exchange, buffer: Buffer, start: number, end: number): number {
    const at = this.#body.feed(buffer, start, end, this);
    if (at === BODY_MALFORMED) {
      exchange.onRequestMalformed(this.#body.fault);
      return -1;
    }
    if (this.#body.done) exchange.onRequestEnd();
    return at;
  }

  bodyBytes(buffer: Buffer, start: number, end: number): void {
    this.#exchange?.onRequestBytes(buffer, start, end);
  }

  bodyText(text: string): void {
    const bytes = Buffer.from(text, "latin1");
    this.#exchange?.onRequestBytes(bytes, 0, bytes.length);
  }

  /** Keeps a copy of what cannot be read yet; the buffer belongs to the next read. */
  #hold(buffer: Buffer, start: number, end: number): void {
    this.#held = Buffer.from(buffer.subarray(start, end));
  }

  // ---- ends -------------------------------------------------------------------------------------------------------

  onExchangeEnd(keepAlive: boolean): void {
    this.#exchange = undefined;
    this.#idleSinceMs = this.#context.sweeper.nowMs;
    if (keepAlive) this.#readOn();
    else this.#close();
  }

  onTunnelBegin(): void {
    this.#readOn();
    if (this.#clientEnded) this.#exchange?.onClientEnd();
  }

  onEnd(): void {
    this.#clientEnded = true;
    if (this.#exchange !== undefined) this.#exchange.onClientEnd();
    else this.#close();
  }

  onDrain(): void {
    if (this.#exchange !== undefined) this.#exchange.onClientWritable();
    else this.#readOn();
  }

  /** Takes up what was held when its turn had not come. */
  #readOn(): void {
    this.wire.resume();
    const held = this.#held;
    // A head that is unfinished waits for more; inside `#read` the loop goes on by itself.
    if (this.#reading || this.#closing) return;
    if (held !== undefined && !this.#headBegun) {
      this.#held = undefined;
      try {
        this.#read(held, 0, held.length);
      } catch (error) {
        // Another connection's event may have led here, and must not be blamed.
        this.onDefect(error);
      }
    }
    // What the client asked before it ended its side is answered by now.
    if (this.#clientEnded && this.#exchange === undefined) this.#close();
  }

  onGone(): void {
    this.#closing = true;
    this.#context.sweeper.remove(this);
    this.#exchange?.onClientGone();
    this.#owner.onGone(this);
  }

  /** The gateway drains or no longer listens here: the connection ends with its present exchange, or a last one. */
  leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#idleSinceMs = this.#context.sweeper.nowMs;
    this.dueMs = 0;
  }

  /** The time for draining is over. */
  cut(): void {
    this.#exchange?.onDrainTimeout();
    this.wire.destroy();
  }

  /** This connection, or its exchange, is lost; the process and all others are not. */
  onDefect(error: unknown): void {
    if (this.#exchange !== undefined) this.#exchange.onDefect(error);
    else {
      this.#context.defect(error);
      this.wire.destroy();
    }
  }

  sweep(nowMs: number): void {
    try {
      this.#sweep(nowMs);
    } catch (error) {
      this.onDefect(error);
    }
  }

  #sweep(nowMs: number): void {
    if (this.#closing) return;
    if (this.wire.lost) this.wire.destroy();
    else if (this.#exchange !== undefined) this.#exchange.sweep(nowMs);
    else if (this.#headStartedMs !== 0) {
      if (nowMs - this.#headStartedMs > this.#context.limits.headTimeMs) this.#refuse("head-timeout", "");
    } else {
      const idleMs = this.#leaving ? LEAVING_IDLE_MS : this.#context.limits.idleMs;
      // Nothing but a request or `leave` can make an idle connection due earlier, and both say so.
      this.dueMs = this.#idleSinceMs + idleMs;
      if (nowMs > this.dueMs) this.#close();
    }
  }

  /** Refuses before there is an exchange: the head was never whole. */
  #refuse(refusal: Refusal, detail: string): void {
    const requestId = this.#context.nextRequestId();
    this.wire.text(refusalText(refusal, { detail, requestId, headRequest: false, keepAlive: false }));
    this.#context.recordUnread(this.address, this.port, requestId, refusal, detail);
    this.#close();
  }

  /** FIN now, silence awaited for a moment: an immediate close could destroy the answer on its way (RFC 9112 9.6). */
  #close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#held = undefined;
    this.wire.endSoon();
  }
}

function hasLineFeed(buffer: Buffer, start: number, end: number): boolean {
  const at = buffer.indexOf(LINE_FEED, start);
  return at !== -1 && at < end;
}

/** IPv4 clients on a dual-stack socket come as `::ffff:a.b.c.d`. */
function plainAddress(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}
