/**
 * All connections to endpoints, by pool and endpoint; follows the view.
 */
import type { LivePool } from "../../app/live-pool.ts";
import type { View } from "../../app/view.ts";
import type { Endpoint } from "../../model/endpoint.ts";
import { EndpointConnections } from "./endpoint-connections.ts";
import type { Sweeper } from "./sweeper.ts";

export class Upstreams {
  readonly #sweeper: Sweeper;
  readonly #onDefect: (error: unknown) => void;
  readonly #pools = new Map<string, Map<string, EndpointConnections>>();

  constructor(sweeper: Sweeper, onDefect: (error: unknown) => void) {
    this.#sweeper = sweeper;
    this.#onDefect = onDefect;
  }

  of(pool: LivePool, endpoint: Endpoint): EndpointConnections {
    let endpoints = this.#pools.get(pool.key);
    if (endpoints === undefined) this.#pools.set(pool.key, (endpoints = new Map()));
    let connections = endpoints.get(endpoint.key);
    if (connections === undefined) {
      connections = new EndpointConnections(
        endpoint.address,
        endpoint.port,
        pool.spec.policy,
        this.#sweeper,
        this.#onDefect,
      );
      endpoints.set(endpoint.key, connections);
    }
    return connections;
  }

  /** Undefined: no connection has been opened yet. */
  peek(poolKey: string, endpointKey: string): EndpointConnections | undefined {
    return this.#pools.get(poolKey)?.get(endpointKey);
  }

  /** Lets go of endpoints that the view no longer has, and takes over the policies of those it keeps. */
  follow(view: View): void {
    for (const [poolKey, endpoints] of this.#pools) {
      const spec = view.pools.get(poolKey)?.spec;
      const keys = new Set(spec?.endpoints.map((endpoint) => endpoint.key));
      for (const [endpointKey, connections] of endpoints) {
        if (spec !== undefined && keys.has(endpointKey)) connections.adopt(spec.policy);
        else {
          connections.retire();
          endpoints.delete(endpointKey);
        }
      }
      if (spec === undefined) this.#pools.delete(poolKey);
    }
  }

  close(): void {
    for (const endpoints of this.#pools.values())
      for (const connections of endpoints.values()) connections.retire();
    this.#pools.clear();
  }
}
