/**
 * A connection to a gRPC server over HTTP/2: in the clear with prior knowledge, or TLS without verification, which is how every gateway
 * speaks to an endpoint picker today.
 *
 * It is open once the server's SETTINGS have come: a port that accepts and says nothing, or something else, is an error with a name.
 */
import { connect, type ClientHttp2Session } from "node:http2";
import { GrpcCall } from "./grpc-call.ts";

/** What the server may have on its way to us: prompts of many megabytes come back whole in some modes. */
const WINDOW_BYTES = 16 * 1024 * 1024;
/** Of Node's session, in MB: its default of 10 ends streams of a connection that holds thousands of them. */
const SESSION_MEMORY_MB = 1024;

export interface GrpcTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** Metadata of every call, beside what gRPC has. */
  readonly headers?: Readonly<Record<string, string>>;
}

export class GrpcConnection {
  readonly #session: ClientHttp2Session;
  readonly #target: GrpcTarget;
  #lostBecause: string | undefined;

  private constructor(session: ClientHttp2Session, target: GrpcTarget) {
    this.#session = session;
    this.#target = target;
    session.on("error", (error) => (this.#lostBecause ??= error.message));
    session.on("goaway", (code: number) => (this.#lostBecause ??= `GOAWAY with HTTP/2 code ${code}`));
    session.on("close", () => (this.#lostBecause ??= "closed by the server"));
  }

  /** Fails with a sentence that names the address and what it did instead. */
  static async open(target: GrpcTarget, limitMs: number): Promise<GrpcConnection> {
    const session = connect(urlOf(target), {
      rejectUnauthorized: false,
      maxSessionMemory: SESSION_MEMORY_MB,
      settings: { initialWindowSize: WINDOW_BYTES, enablePush: false },
      ALPNProtocols: ["h2"],
    });
    const connection = new GrpcConnection(session, target);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    session.once("remoteSettings", () => resolve());
    session.once("error", reject);
    session.once("close", () => reject(new Error("closed the connection before it spoke HTTP/2")));
    const timer = setTimeout(() => reject(new Error(`did not speak HTTP/2 within ${limitMs} ms`)), limitMs);
    try {
      await promise;
    } catch (error) {
      session.destroy();
      throw new Error(`${urlOf(target)}: ${(error as Error).message}`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
    session.setLocalWindowSize(WINDOW_BYTES);
    return connection;
  }

  /** Undefined while new calls may be made; otherwise why not. */
  get lostBecause(): string | undefined {
    return this.#lostBecause;
  }

  /** Streams that the server takes on this connection at a time. */
  get streamsMax(): number {
    return this.#session.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY;
  }

  call(path: string): GrpcCall {
    const { host, port } = this.#target;
    return new GrpcCall(
      this.#session.request({
        ":method": "POST",
        ":path": path,
        ":scheme": this.#target.tls ? "https" : "http",
        ":authority": `${bracketed(host)}:${port}`,
        ...this.#target.headers,
        "content-type": "application/grpc",
        te: "trailers",
      }),
    );
  }

  close(): void {
    this.#session.destroy();
  }
}

function urlOf({ host, port, tls }: GrpcTarget): string {
  return `${tls ? "https" : "http"}://${bracketed(host)}:${port}`;
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
