/**
 * The gateway: listens on the ports of the view, accepts connections, and lets them go when told to.
 *
 * A new view is taken in two steps: every new port is bound first, and only if all of them can be is the view swapped
 * in, by one assignment. Requests in flight keep what they found in the old one.
 */
import net from "node:net";
import type { ExchangeRecord } from "../../app/record.ts";
import type { TrafficMetrics } from "../../app/metrics/traffic.ts";
import { EMPTY_VIEW } from "../../app/reconcile.ts";
import type { View } from "../../app/view.ts";
import type { Refusal } from "../../model/refusal.ts";
import type { Prng } from "../../std/prng.ts";
import { refusalText } from "./answer.ts";
import { ClientConnection } from "./client-connection.ts";
import type { ExchangeContext } from "./exchange-context.ts";
import type { ClientLimits } from "./limits.ts";
import { Sweeper } from "./sweeper.ts";
import { Upstreams } from "./upstreams.ts";

/** Connections the kernel may hold for us before they are accepted; Linux caps it at net.core.somaxconn. */
const BACKLOG = 4096;

/** Where finished exchanges go. */
export interface Recorder {
  record(exchange: ExchangeRecord): void;
  /** A request whose head was never whole enough to become an exchange. */
  recordUnread(client: string, port: number, requestId: string, refusal: Refusal, detail: string): void;
  defect(error: unknown): void;
}

export interface GatewayOptions {
  readonly limits: ClientLimits;
  readonly prng: Prng;
  readonly metrics: TrafficMetrics;
  readonly recorder: Recorder;
  /** Milliseconds, monotonic. */
  readonly clock: () => number;
  /** Distinguishes this process's request ids from those of its neighbours. */
  readonly requestIdPrefix: string;
}

/** What else of the process is to end in the same time. */
export interface DrainedBeside {
  readonly streamCount: number;
  close(): void;
}

/** A port of the view could not be bound; the previous view stays in force. */
export class BindError extends Error {
  readonly port: number;

  constructor(port: number, cause: Error) {
    super(`cannot listen on port ${port}: ${cause.message}`, { cause });
    this.port = port;
  }
}

export class Gateway implements ExchangeContext {
  readonly limits: ClientLimits;
  readonly sweeper: Sweeper;
  readonly upstreams: Upstreams;
  readonly prng: Prng;
  readonly metrics: TrafficMetrics;
  readonly clock: () => number;
  draining = false;

  readonly #recorder: Recorder;
  readonly #requestIdPrefix: string;
  readonly #servers = new Map<number, net.Server>();
  readonly #connections = new Set<ClientConnection>();
  #view: View = EMPTY_VIEW;
  #requests = 0;

  constructor(options: GatewayOptions) {
    this.limits = options.limits;
    this.prng = options.prng;
    this.metrics = options.metrics;
    this.clock = options.clock;
    this.#recorder = options.recorder;
    this.#requestIdPrefix = options.requestIdPrefix;
    this.sweeper = new Sweeper(options.clock);
    this.upstreams = new Upstreams(this.sweeper, (error) => this.defect(error));
  }

  get view(): View {
    return this.#view;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** The ports listened on, each with the address it is bound to. */
  get listening(): readonly number[] {
    return [...this.#servers.keys()];
  }

  /**
   * Puts the view that `build` makes in force. `build` is called only when all `ports` are bound, so that it may change
   * live pools; throws BindError, with nothing changed, if one cannot be had.
   */
  async apply(ports: readonly number[], build: () => View): Promise<void> {
    const bound = new Map<number, net.Server>();
    try {
      for (const port of ports) if (!this.#servers.has(port)) bound.set(port, await this.#listen(port));
      this.#view = build();
    } catch (error) {
      for (const server of bound.values()) server.close();
      throw error;
    }
    this.upstreams.follow(this.#view);
    for (const [port, server] of bound) this.#servers.set(port, server);
    for (const [port, server] of this.#servers) {
      if (this.#view.ports.has(port)) continue;
      server.close();
      this.#servers.delete(port);
    }
    for (const connection of this.#connections)
      if (!this.#view.ports.has(connection.port)) connection.leave();
  }

  async #listen(port: number): Promise<net.Server> {
    const server = net.createServer({ noDelay: true, allowHalfOpen: true, pauseOnConnect: true });
    server.on("connection", (socket) => this.#accept(socket, port));
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => reject(new BindError(port, error)));
      server.listen({ port, backlog: BACKLOG }, resolve);
    });
    // Running out of file descriptors while accepting is an event of the server, not the end of the process.
    server.on("error", (error) => this.defect(error));
    return server;
  }

  #accept(socket: net.Socket, port: number): void {
    if (this.#connections.size >= this.limits.connectionsMax) {
      const requestId = this.nextRequestId();
      const answer = { detail: "", requestId, headRequest: false, keepAlive: false };
      socket.on("error", () => {});
      socket.end(refusalText("too-many-connections", answer), () => socket.destroy());
      this.recordUnread(socket.remoteAddress ?? "", port, requestId, "too-many-connections", "");
      return;
    }
    this.#connections.add(new ClientConnection(this, this, socket, port));
  }

  onGone(connection: ClientConnection): void {
    this.#connections.delete(connection);
  }

  /**
   * Stops accepting, lets every exchange end, and resolves when all connections are gone or `drainMs` has passed.
   * Returns how many connections had to be cut.
   */
  async drain(beside?: DrainedBeside): Promise<number> {
    this.draining = true;
    for (const server of this.#servers.values()) server.close();
    for (const connection of this.#connections) connection.leave();
    const deadlineMs = this.clock() + this.limits.drainMs;
    const count = (): number => this.#connections.size + (beside?.streamCount ?? 0);
    while (count() > 0 && this.clock() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const cut = count();
    beside?.close();
    this.close();
    // What was cut is recorded when its socket has closed; whoever awaits this then closes the log.
    while (this.#connections.size > 0) await new Promise((resolve) => setImmediate(resolve));
    return cut;
  }

  /** Ends everything at once. */
  close(): void {
    for (const server of this.#servers.values()) server.close();
    this.#servers.clear();
    for (const connection of this.#connections) connection.cut();
    this.upstreams.close();
    this.sweeper.close();
  }

  nextRequestId(): string {
    return `${this.#requestIdPrefix}-${(++this.#requests).toString(36)}`;
  }

  record(exchange: ExchangeRecord): void {
    try {
      this.#recorder.record(exchange);
    } catch (error) {
      // What cannot be told must not keep the client's connection from going on.
      this.defect(error);
    }
  }

  recordUnread(client: string, port: number, requestId: string, refusal: Refusal, detail: string): void {
    this.#recorder.recordUnread(client, port, requestId, refusal, detail);
  }

  defect(error: unknown): void {
    this.#recorder.defect(error);
  }
}
