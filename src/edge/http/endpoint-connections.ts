/**
 * The connections to one endpoint of one pool: which wait idle, how many there are, and when they end.
 *
 * The most recently used idle connection goes first, so that a shrinking load lets the others age and close. How many
 * connections may be open follows from the brain's limit on requests in flight: one request, one connection.
 */
import type { PoolPolicy } from "../../model/policy.ts";
import { EndpointConnection, type ConnectionOwner, type ResponseReceiver } from "./endpoint-connection.ts";
import type { Swept, Sweeper } from "./sweeper.ts";

/** Time for the rest of an unwanted response to come; a new connection costs less than waiting longer. */
const FINISHING_MS = 1_000;

/** Idle times are long; looking this often is often enough. */
const SWEEP_MS = 500;

export class EndpointConnections implements ConnectionOwner, Swept {
  sweptIndex = -1;
  dueMs = 0;
  readonly onDefect: (error: unknown) => void;
  readonly #address: string;
  readonly #port: number;
  readonly #sweeper: Sweeper;
  readonly #idle: EndpointConnection[] = [];
  readonly #finishing = new Set<EndpointConnection>();
  #policy: PoolPolicy;
  #open = 0;
  #retired = false;

  constructor(
    address: string,
    port: number,
    policy: PoolPolicy,
    sweeper: Sweeper,
    onDefect: (error: unknown) => void,
  ) {
    this.onDefect = onDefect;
    this.#address = address;
    this.#port = port;
    this.#policy = policy;
    this.#sweeper = sweeper;
    sweeper.add(this);
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  get activeCount(): number {
    return this.#open - this.#idle.length;
  }

  adopt(policy: PoolPolicy): void {
    this.#policy = policy;
  }

  /** A connection that has begun for `receiver`: idle until now (`connected`) or being opened. */
  take(receiver: ResponseReceiver): EndpointConnection {
    let connection = this.#idle.pop();
    while (connection !== undefined && !this.#mayServe(connection)) {
      connection.destroy();
      connection = this.#idle.pop();
    }
    if (connection === undefined) {
      connection = new EndpointConnection(this, this.#address, this.#port);
      this.#open++;
    }
    connection.begin(receiver);
    return connection;
  }

  /** The endpoint may be about to close a connection that has been idle for long: see `idleLimitMs`. */
  #mayServe(connection: EndpointConnection): boolean {
    return connection.usable && this.#sweeper.nowMs - connection.idleSinceMs <= connection.idleLimitMs;
  }

  /** The endpoint has left the pool: idle connections close now, the others after their exchange. */
  retire(): void {
    this.#retired = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
    for (const connection of this.#finishing) connection.destroy();
    this.#sweeper.remove(this);
  }

  onFinishing(connection: EndpointConnection): void {
    if (this.#retired) {
      connection.destroy();
      return;
    }
    connection.idleSinceMs = this.#sweeper.nowMs;
    this.#finishing.add(connection);
  }

  onIdle(connection: EndpointConnection): void {
    this.#finishing.delete(connection);
    if (this.#retired || connection.exchanges >= this.#policy.connections.maxRequestsPerConnection) {
      connection.destroy();
      return;
    }
    connection.idleSinceMs = this.#sweeper.nowMs;
    this.#idle.push(connection);
  }

  onGone(connection: EndpointConnection): void {
    this.#open--;
    this.#finishing.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
  }

  sweep(nowMs: number): void {
    this.dueMs = nowMs + SWEEP_MS;
    const limitMs = this.#policy.timeouts.idleMs === 0 ? Infinity : this.#policy.timeouts.idleMs;
    // The oldest stand first; `destroy` takes its connection out of the list later, on close.
    for (const connection of this.#idle) {
      if (nowMs - connection.idleSinceMs > Math.min(limitMs, connection.idleLimitMs)) connection.destroy();
    }
    for (const connection of this.#finishing) {
      if (nowMs - connection.idleSinceMs > FINISHING_MS) connection.destroy();
    }
  }
}
