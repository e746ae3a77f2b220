/**
 * An endpoint picker for tests: every stream goes through its endpoints in turn, by the book, except for the faults it was told to have.
 *
 * It is small on purpose and shares nothing with the real picker, so that what the suite says of one does not depend on the other.
 */
import { once } from "node:events";
import { createSecureServer, createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { MessageWriter, readFields } from "../../../src/edge/extproc-client/protobuf.ts";
import type { PickerFault } from "./faults.ts";
import { PickerScript } from "./picker-script.ts";

export interface ScriptedPickerOptions {
  /** Default: two of TEST-NET-1. */
  readonly endpoints?: readonly string[];
  readonly faults?: readonly PickerFault[];
  /** Default: 8 MiB. */
  readonly bodyBytesMax?: number;
  /** Of one message, where it has the fault of small ones; default: gRPC's usual 4 MiB. */
  readonly messageBytesMax?: number;
  /** Default: any free one. */
  readonly port?: number;
  /** PEM; in the clear without. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface ScriptedPicker {
  readonly port: number;
  readonly address: string;
  /** Streams that are open now. */
  streams(): number;
  /** Heads of requests in the order in which they came. */
  readonly heads: readonly Readonly<Record<string, string>>[];
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const HEALTH_NAMES: ReadonlySet<string> = new Set([
  "",
  "liveness",
  "readiness",
  "inference-extension",
  "envoy.service.ext_proc.v3.ExternalProcessor",
]);
const SERVING = 1;
const STREAMS_OF_TEN = 10;

export async function startScriptedPicker(options: ScriptedPickerOptions = {}): Promise<ScriptedPicker> {
  const faults = new Set(options.faults ?? []);
  const endpoints = options.endpoints ?? ["192.0.2.1:8000", "192.0.2.2:8000"];
  const heads: Readonly<Record<string, string>>[] = [];
  const settings = { maxConcurrentStreams: 5000, initialWindowSize: 1024 * 1024 };
  const server =
    options.tls === undefined
      ? createServer({ settings, maxSessionMemory: 1000 })
      : createSecureServer({ ...options.tls, settings, maxSessionMemory: 1000 });
  const sessions = new Set<{ destroy(): void }>();
  let turn = 0;
  let open = 0;
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => undefined);
    session.setLocalWindowSize(8 * 1024 * 1024);
  });
  server.on("stream", (stream, head) => {
    stream.on("error", () => undefined);
    const path = String(head[":path"]);
    if (path === "/grpc.health.v1.Health/Check") serveHealth(stream, faults);
    else if (path !== "/envoy.service.ext_proc.v3.ExternalProcessor/Process") {
      stream.respond(
        { ":status": 200, "content-type": "application/grpc", "grpc-status": "12" },
        { endStream: true },
      );
    } else {
      open += 1;
      stream.on("close", () => (open -= 1));
      if (faults.has("ten-streams") && open > STREAMS_OF_TEN) return;
      const script = new PickerScript({
        endpoints,
        faults,
        bodyBytesMax: options.bodyBytesMax ?? 8 * 1024 * 1024,
        nextTurn: () => turn++,
        sawHead: (headers) => heads.push(headers),
      });
      const messageBytesMax = options.messageBytesMax ?? 4 * 1024 * 1024;
      serveProcess(stream, script, faults, messageBytesMax);
    }
  });
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => (server as Http2Server).close(resolve));
    for (const session of sessions) session.destroy();
    await closed;
  };
  return {
    port,
    address: `127.0.0.1:${port}`,
    streams: () => open,
    heads,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function serveProcess(
  stream: ServerHttp2Stream,
  script: PickerScript,
  faults: ReadonlySet<PickerFault>,
  messageBytesMax: number,
): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  let status = 0;
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": String(status) }));
  const end = (code: number): void => {
    if (stream.writableEnded) return;
    status = code;
    stream.end();
  };
  readMessages(stream, (message) => {
    if (stream.writableEnded) return;
    if (faults.has("small-messages") && message.length > messageBytesMax) return end(8);
    try {
      for (const reply of script.take(message)) stream.write(framed(reply));
    } catch {
      if (faults.has("garbage-is-ignored")) return;
      if (faults.has("garbage-ends-connection")) stream.session?.destroy();
      else end(3);
    }
    if (script.endsWith !== undefined) end(script.endsWith);
  });
  stream.on("end", () => {
    if (faults.has("ends-never-after-half-close")) return;
    end(faults.has("aborts-on-half-close") ? 1 : 0);
  });
}

function serveHealth(stream: ServerHttp2Stream, faults: ReadonlySet<PickerFault>): void {
  if (faults.has("no-health")) {
    stream.respond(
      { ":status": 200, "content-type": "application/grpc", "grpc-status": "12" },
      { endStream: true },
    );
    return;
  }
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  let status = 0;
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": String(status) }));
  readMessages(stream, (message) => {
    const name =
      readFields(message)
        .find(({ field }) => field === 1)
        ?.bytes?.toString("utf8") ?? "";
    if (HEALTH_NAMES.has(name) || faults.has("serves-any-health-name")) {
      stream.write(framed(new MessageWriter().varint(1, SERVING).finish()));
    } else status = 5;
    stream.end();
  });
}

function readMessages(stream: ServerHttp2Stream, take: (message: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  const pieces: Buffer[] = [];
  let bytes = 0;
  stream.on("data", (piece: Buffer) => {
    pieces.push(piece);
    bytes += piece.length;
    // A message of megabytes comes in many pieces: they are joined once it may be whole.
    if (rest.length >= 5 && bytes + rest.length < 5 + rest.readUInt32BE(1)) return;
    rest = Buffer.concat([rest, ...pieces]);
    pieces.length = 0;
    bytes = 0;
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
      const end = 5 + rest.readUInt32BE(1);
      take(rest.subarray(5, end));
      rest = rest.subarray(end);
    }
  });
}

function framed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
