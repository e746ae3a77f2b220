/**
 * An HTTP/1.1 endpoint over a bare socket that does exactly what its behaviour says, however rude.
 *
 * It reads requests strictly and remembers them. A request that breaks the protocol is the gateway's fault: it
 * is kept in `problems`, and `close()` fails with it, so that no test passes over one by looking elsewhere.
 * A behaviour that throws is the test's fault and comes out of `close()` in the same way.
 */
import { createServer, type AddressInfo, type Socket } from "node:net";
import { ByteReader, ConnectionBroken, EarlyEnd } from "./byte-reader.ts";
import { createExchange, type Behaviour, type ReceivedRequest } from "./exchange.ts";
import { fieldValue, readRequestHead } from "./message.ts";

export interface TestEndpoint {
  readonly host: string;
  readonly port: number;
  /** `127.0.0.1:port`. */
  readonly key: string;
  /** Connections accepted so far, and those open now. */
  readonly connections: number;
  readonly openConnections: number;
  /** Requests whose head was read, in order of arrival. */
  readonly requests: readonly ReceivedRequest[];
  /** Protocol errors seen and errors thrown by the behaviour. Empty it to forgive them. */
  readonly problems: Error[];
  /** Replaces the behaviour for requests to come. */
  behave(behaviour: Behaviour): void;
  /** Closes connections on which no request is being served, as a server's keep-alive timeout does. */
  closeIdle(): void;
  /** Stops listening, destroys what is open, waits for it, and throws if there are `problems`. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface EndpointOptions {
  readonly host?: string;
  readonly port?: number;
}

interface Connection {
  readonly socket: Socket;
  isServing: boolean;
}

/** Listens on a free port of loopback. */
export async function startEndpoint(
  behaviour: Behaviour,
  options: EndpointOptions = {},
): Promise<TestEndpoint> {
  const host = options.host ?? "127.0.0.1";
  const requests: ReceivedRequest[] = [];
  const problems: Error[] = [];
  const open = new Set<Connection>();
  let current = behaviour;
  let accepted = 0;

  const serve = async (socket: Socket): Promise<void> => {
    const connection: Connection = { socket, isServing: false };
    const gone = new AbortController();
    const ordinal = ++accepted;
    open.add(connection);
    socket.setNoDelay(true);
    // A gateway never half-closes towards an endpoint, so its FIN means that it gave the request up.
    socket.on("end", () => gone.abort());
    socket.on("close", () => {
      open.delete(connection);
      gone.abort();
    });
    const reader = new ByteReader(socket);
    for (let nth = 1; !socket.writableEnded && !socket.destroyed; nth++) {
      connection.isServing = false;
      const head = await readRequestHead(reader, Number.POSITIVE_INFINITY);
      if (!head) break;
      connection.isServing = true;
      const origin = { socket, reader, gone: gone.signal, connection: ordinal, nth };
      const exchange = createExchange(head, origin);
      requests.push(exchange.request);
      await current(exchange);
      if (socket.writableEnded || socket.destroyed) break;
      // Whatever the behaviour left of the body stands before the next request.
      await exchange.readBody();
      if (!staysOpen(exchange.request)) break;
    }
    socket.end();
    // What still comes is read and dropped, so that the connection ends by FIN from both sides.
    while (await reader.take(Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY)) continue;
  };

  const server = createServer({ allowHalfOpen: true }, (socket) => {
    serve(socket).catch((error: unknown) => {
      if (!isOrdinaryEnd(error)) problems.push(error instanceof Error ? error : new Error(String(error)));
      socket.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port: options.port ?? 0 }, resolve);
  });
  const { port } = server.address() as AddressInfo;

  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const { socket } of open) socket.destroy();
    await closed;
    if (problems.length > 0) {
      const messages = problems.map((problem) => `${problem.name}: ${problem.message}`).join("\n");
      throw new AggregateError(problems, `endpoint ${host}:${port} met problems:\n${messages}`);
    }
  };

  return {
    host,
    port,
    key: `${host}:${port}`,
    get connections() {
      return accepted;
    },
    get openConnections() {
      return open.size;
    },
    requests,
    problems,
    behave: (next) => {
      current = next;
    },
    closeIdle: () => {
      for (const { socket, isServing } of open) if (!isServing) socket.end();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A connection that goes away under a request is everyday life; tests look at it through `requests`. */
function isOrdinaryEnd(error: unknown): boolean {
  if (error instanceof ConnectionBroken || error instanceof EarlyEnd) return true;
  return error instanceof Error && error.name === "AbortError";
}

function staysOpen(request: ReceivedRequest): boolean {
  const connection = fieldValue(request.fields, "connection")?.toLowerCase() ?? "";
  return request.version === "HTTP/1.1" ? !connection.includes("close") : connection.includes("keep-alive");
}
