/**
 * A gRPC server over node:http2, in the clear (prior knowledge) or under TLS: as much of gRPC as the picker and its health
 * checks need, and bounds on everything that others can make it keep.
 *
 * | what | bound | what happens there |
 * |---|---|---|
 * | connections | `connectionsMax` | closed at once |
 * | calls of all connections | `callsMax` | RESOURCE_EXHAUSTED |
 * | one message | `messageBytesMax` | RESOURCE_EXHAUSTED |
 * | parts of messages, held bodies | `budget` | RESOURCE_EXHAUSTED |
 * | time to the protocol's preface | 10 s | closed |
 * | time to a call's first message | 10 s | DEADLINE_EXCEEDED |
 *
 * node:http2 was chosen over @grpc/grpc-js because it costs about half the processor time per call and no dependency.
 */
import http2, {
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import type { Sweeper } from "../../http/sweeper.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { parseTimeoutMs } from "./grpc-timeout.ts";
import { Http2Call, type CallOwner } from "./http2-call.ts";
import { Http2Connection, type ConnectionOwner } from "./http2-connection.ts";
import { RPC_RESOURCE_EXHAUSTED, RPC_UNIMPLEMENTED, type RpcMethods } from "./rpc.ts";

export interface TlsMaterial {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
}

export interface RpcServerOptions {
  readonly methods: RpcMethods;
  readonly sweeper: Sweeper;
  readonly budget: ByteBudget;
  readonly messageBytesMax: number;
  readonly callsMax: number;
  readonly connectionsMax: number;
  /** Undefined: in the clear. */
  readonly tls: TlsMaterial | undefined;
  clock(): number;
  /** Somebody broke the protocol: counted by name. */
  onFault(fault: string): void;
  onDefect(error: unknown): void;
}

/** A stream's window: a prompt of 100,000 tokens comes in without waiting for the other side to be told to go on. */
const STREAM_WINDOW_BYTES = 1_048_576;

/** [MB] Of one connection, as node:http2 counts it; a gateway carries all its streams on one or a few. */
const SESSION_MEMORY_MAX = 1_024;

/**
 * Gateways end most streams with RST_STREAM, which is no attack: node:http2 would close the connection after a thousand
 * and then 33 a second. This many a second one core cannot serve anyhow.
 */
const RESETS_PER_SEC_MAX = 100_000;

const HEADER_PAIRS_MAX = 128;

export class RpcServer implements CallOwner, ConnectionOwner {
  readonly messageBytesMax: number;
  readonly budget: ByteBudget;
  readonly #options: RpcServerOptions;
  readonly #server: Http2Server | Http2SecureServer;
  readonly #connections = new Set<Http2Connection>();
  readonly #calls = new Set<Http2Call>();

  constructor(options: RpcServerOptions) {
    this.#options = options;
    this.messageBytesMax = options.messageBytesMax;
    this.budget = options.budget;
    this.#server = createServer(options);
    this.#server.maxConnections = options.connectionsMax;
    this.#server.on("session", (session) => {
      const connection = new Http2Connection(this, session);
      this.#connections.add(connection);
      options.sweeper.add(connection);
      session.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) =>
        this.#onStream(connection, stream, headers),
      );
    });
    // The session tells of it too, and is the one that counts it.
    this.#server.on("sessionError", () => {});
    this.#server.on("tlsClientError", () => this.onFault("tls-handshake"));
    this.#server.on("unknownProtocol", (socket: { destroy(): void }) => {
      this.onFault("not-http2");
      socket.destroy();
    });
  }

  get callCount(): number {
    return this.#calls.size;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** The port listened on. */
  listen(host: string | undefined, port: number): Promise<number> {
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port, host, backlog: 1_024 }, () => {
        server.off("error", reject);
        server.on("error", (error) => this.onDefect(error));
        resolve((server.address() as AddressInfo).port);
      });
    });
  }

  /** New connections are made under these; those that are there go on. */
  renew(tls: TlsMaterial): void {
    if ("setSecureContext" in this.#server) this.#server.setSecureContext(tls);
  }

  /** Takes no new connection, tells those there are to go elsewhere (GOAWAY), and lets calls end. */
  drain(): void {
    this.#server.close();
    for (const { session } of this.#connections) session.close();
  }

  /** Ends everything at once. */
  close(): void {
    this.#server.close();
    for (const call of this.#calls) call.cut();
    for (const { session } of this.#connections) session.destroy();
  }

  clock(): number {
    return this.#options.clock();
  }

  onGone(call: Http2Call): void {
    this.#options.sweeper.remove(call);
    this.#calls.delete(call);
  }

  onConnectionGone(connection: Http2Connection): void {
    this.#options.sweeper.remove(connection);
    this.#connections.delete(connection);
  }

  onFault(fault: string): void {
    this.#options.onFault(fault);
  }

  onDefect(error: unknown): void {
    this.#options.onDefect(error);
  }

  #onStream({ peer }: Http2Connection, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const { methods, callsMax, sweeper } = this.#options;
    if (headers[":method"] !== "POST" || !isGrpc(headers["content-type"])) {
      this.onFault("not-grpc");
      stream.on("error", () => {});
      stream.respond({ ":status": 415 }, { endStream: true });
      stream.close(http2.constants.NGHTTP2_NO_ERROR);
      return;
    }
    const timeoutMs = parseTimeoutMs(headers["grpc-timeout"]);
    const deadlineMs = timeoutMs === undefined ? Infinity : this.clock() + timeoutMs;
    const call = new Http2Call(this, stream, headers, peer, deadlineMs);
    const isFull = this.#calls.size >= callsMax;
    this.#calls.add(call);
    if (isFull) {
      this.onFault("too-many-calls");
      call.end(RPC_RESOURCE_EXHAUSTED, "too many calls");
      return;
    }
    const method = methods.get(headers[":path"] ?? "");
    if (method === undefined) {
      this.onFault("unknown-method");
      call.end(RPC_UNIMPLEMENTED, "unknown method");
      return;
    }
    sweeper.add(call);
    try {
      call.begin(method(call));
    } catch (error) {
      this.onDefect(error);
      call.cut();
    }
  }
}

function isGrpc(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/grpc(?:\+proto)?(?:;|$)/i.test(contentType);
}

function createServer({ tls, callsMax }: RpcServerOptions): Http2Server | Http2SecureServer {
  const options = {
    maxSessionMemory: SESSION_MEMORY_MAX,
    maxHeaderListPairs: HEADER_PAIRS_MAX,
    streamResetBurst: RESETS_PER_SEC_MAX,
    streamResetRate: RESETS_PER_SEC_MAX,
    settings: { initialWindowSize: STREAM_WINDOW_BYTES, maxConcurrentStreams: callsMax },
  };
  if (tls === undefined) return http2.createServer(options);
  return http2.createSecureServer({ ...options, ...tls, allowHTTP1: false });
}
