/**
 * One HTTP/2 connection to the RPC server: is it a client at all, and is it still there?
 *
 * A peer that has not completed the protocol's preface in time is garbage and is closed. One that has fallen silent is
 * asked by PING: a machine that vanished sends no FIN, and its streams would hold their claims for ever.
 */
import type { ServerHttp2Session } from "node:http2";
import type { Swept } from "../../http/sweeper.ts";

const PREFACE_TIME_MS = 10_000;
const PING_INTERVAL_MS = 30_000;
const PING_TIME_MS = 20_000;

/** The connection's own window: all streams of a gateway share it, and the protocol's 64 KiB would throttle them. */
const WINDOW_BYTES = 16_777_216;

export interface ConnectionOwner {
  clock(): number;
  onConnectionGone(connection: Http2Connection): void;
  onFault(fault: string): void;
}

export class Http2Connection implements Swept {
  sweptIndex = -1;
  dueMs: number;
  readonly session: ServerHttp2Session;
  readonly peer: string;
  readonly #owner: ConnectionOwner;
  #isGreeted = false;
  #pingSentMs = 0;

  constructor(owner: ConnectionOwner, session: ServerHttp2Session) {
    this.#owner = owner;
    this.session = session;
    const { remoteAddress, remotePort } = session.socket;
    this.peer = `${remoteAddress ?? ""}:${remotePort ?? 0}`;
    this.dueMs = owner.clock() + PREFACE_TIME_MS;
    session.once("remoteSettings", () => this.#greeted());
    session.on("error", () => owner.onFault(this.#isGreeted ? "connection-error" : "not-http2"));
    session.on("close", () => owner.onConnectionGone(this));
  }

  #greeted(): void {
    this.#isGreeted = true;
    this.dueMs = this.#owner.clock() + PING_INTERVAL_MS;
    if (!this.session.destroyed) this.session.setLocalWindowSize(WINDOW_BYTES);
  }

  sweep(nowMs: number): void {
    if (!this.#isGreeted) {
      this.#owner.onFault("preface-timeout");
      this.session.destroy();
    } else if (this.#pingSentMs > 0) {
      this.#owner.onFault("ping-timeout");
      this.session.destroy();
    } else this.#ping(nowMs);
  }

  #ping(nowMs: number): void {
    if (this.session.destroyed || this.session.closed) {
      this.dueMs = nowMs + PING_INTERVAL_MS;
      return;
    }
    this.#pingSentMs = nowMs;
    this.dueMs = nowMs + PING_TIME_MS;
    this.session.ping((error) => {
      if (error !== null) return;
      this.#pingSentMs = 0;
      this.dueMs = this.#owner.clock() + PING_INTERVAL_MS;
    });
  }
}
