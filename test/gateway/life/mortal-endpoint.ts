/**
 * An endpoint that can die as a process dies, all at once and without a word, and come back on the same port.
 */
import type { Socket } from "node:net";
import { startEndpoint, type TestEndpoint } from "../../kit/endpoint.ts";
import type { Behaviour } from "../../kit/exchange.ts";

export interface MortalEndpoint {
  readonly host: string;
  readonly port: number;
  readonly key: string;
  /** Requests seen since it last came to life. */
  readonly requestCount: number;
  /** Stops listening and resets every connection that has carried a request. */
  die(): Promise<void>;
  revive(behaviour?: Behaviour): Promise<void>;
  behave(behaviour: Behaviour): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startMortal(behaviour: Behaviour): Promise<MortalEndpoint> {
  const sockets = new Set<Socket>();
  const watched =
    (inner: Behaviour): Behaviour =>
    (exchange) => {
      sockets.add(exchange.socket);
      return inner(exchange);
    };
  let endpoint: TestEndpoint | undefined = await startEndpoint(watched(behaviour));
  const { host, port, key } = endpoint;
  const die = async (): Promise<void> => {
    const dying = endpoint;
    endpoint = undefined;
    for (const socket of sockets) socket.resetAndDestroy();
    await dying?.close();
  };
  return {
    host,
    port,
    key,
    get requestCount() {
      return endpoint?.requests.length ?? 0;
    },
    die,
    revive: async (next = behaviour) => {
      endpoint = await startEndpoint(watched(next), { port });
    },
    behave: (next) => endpoint?.behave(watched(next)),
    [Symbol.asyncDispose]: die,
  };
}
