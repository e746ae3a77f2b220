/**
 * The connections to one endpoint of one pool: which wait idle, how many there are, and when they end.
 *
 * The most recently used idle connection goes first, so that a shrinking load lets the others age and close. How many
 * connections may be open follows from the brain's limit on requests in flight: one request, one connection.
 */
import type { PoolPolicy } from "../../model/policy.ts";
import { EndpointConnection, type ConnectionOwner, type ResponseReceiver } from "./endpoint-connection.ts";
import type { Swept, Sweeper } from "./sweeper.ts";

export class EndpointConnections implements ConnectionOwner, Swept {
  sweptIndex = -1;
  readonly #address: string;
  readonly #port: number;
  readonly #sweeper: Sweeper;
  readonly #idle: EndpointConnection[] = [];
  #policy: PoolPolicy;
  #open = 0;
  #retired = false;

  constructor(address: string, port: number, policy: PoolPolicy, sweeper: Sweeper) {
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
    while (connection !== undefined && !connection.usable) connection = this.#idle.pop();
    if (connection === undefined) {
      connection = new EndpointConnection(this, this.#address, this.#port);
      this.#open++;
    }
    connection.begin(receiver);
    return connection;
  }

  /** The endpoint has left the pool: idle connections close now, the others after their exchange. */
  retire(): void {
    this.#retired = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
    this.#sweeper.remove(this);
  }

  onIdle(connection: EndpointConnection): void {
    if (this.#retired || connection.exchanges >= this.#policy.connections.maxRequestsPerConnection) {
      connection.destroy();
      return;
    }
    connection.idleSinceMs = this.#sweeper.nowMs;
    this.#idle.push(connection);
  }

  onGone(connection: EndpointConnection): void {
    this.#open--;
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
  }

  sweep(nowMs: number): void {
    const limitMs = this.#policy.timeouts.idleMs === 0 ? Infinity : this.#policy.timeouts.idleMs;
    // The oldest stand first; `destroy` takes its connection out of the list later, on close.
    for (const connection of this.#idle) {
      if (nowMs - connection.idleSinceMs > Math.min(limitMs, connection.idleLimitMs)) connection.destroy();
    }
  }
}
