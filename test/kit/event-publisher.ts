/**
 * An engine's cache events on real sockets: a ZeroMQ publisher and, beside it, a replay socket, as vLLM has them.
 *
 * Written against the specification (ZMTP 3.1, mechanism NULL) and not with the code under test; `test/e2e` does the
 * same with libzmq.
 */
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";

export interface PublisherOptions {
  readonly topic?: string;
  /** Batches kept for replay; 0: there is no replay socket. */
  readonly keeps?: number;
  /** As vLLM of late: the topic goes before the number in replays too. */
  readonly replaysTopic?: boolean;
  /** The number of the first batch. */
  readonly first?: number;
  /** Waits so long before it answers a replay; below 0: it never does. */
  readonly replayDelayMs?: number;
  /** To listen on again after a restart. */
  readonly ports?: { readonly publish: number; readonly replay: number };
}

interface Peer {
  readonly socket: net.Socket;
  bytes: Buffer;
  greeted: boolean;
  isReady: boolean;
  prefix: string | undefined;
  frames: Buffer[];
}

export class EventPublisher {
  readonly #options: PublisherOptions;
  readonly #servers: net.Server[] = [];
  readonly #subscribers = new Set<Peer>();
  readonly #sockets = new Set<net.Socket>();
  readonly #kept: { readonly sequence: number; readonly payload: Buffer }[] = [];
  #sequence: number;
  readonly #subscribed: (() => void)[] = [];
  readonly #commands: ((command: Buffer) => void)[] = [];
  /** First numbers that were asked for. */
  readonly replaysFrom: number[] = [];

  private constructor(options: PublisherOptions) {
    this.#options = options;
    this.#sequence = options.first ?? 0;
  }

  static async start(options: PublisherOptions = {}): Promise<EventPublisher> {
    const publisher = new EventPublisher(options);
    await publisher.#listen("PUB", options.ports?.publish ?? 0);
    if ((options.keeps ?? 100) > 0) await publisher.#listen("ROUTER", options.ports?.replay ?? 0);
    return publisher;
  }

  get port(): number {
    return (this.#servers[0]!.address() as AddressInfo).port;
  }

  get replayPort(): number | undefined {
    return (this.#servers[1]?.address() as AddressInfo | undefined)?.port;
  }

  /** Until somebody has subscribed, from now on. */
  subscribed(): Promise<void> {
    return new Promise((resolve) => this.#subscribed.push(resolve));
  }

  /** `lost`: kept for replay and sent to nobody. */
  publish(payload: Buffer, lost = false): void {
    const sequence = this.#sequence++;
    this.#kept.push({ sequence, payload });
    if (this.#kept.length > (this.#options.keeps ?? 100)) this.#kept.shift();
    if (!lost) this.send([Buffer.from(this.#options.topic ?? ""), eight(sequence), payload]);
  }

  /** The next command that comes from anybody, from now on. */
  command(): Promise<Buffer> {
    return new Promise((resolve) => this.#commands.push(resolve));
  }

  /** The number after the last, without a batch. */
  skip(count: number): void {
    this.#sequence += count;
  }

  send(frames: readonly Buffer[]): void {
    for (const { socket, prefix } of this.#subscribers) {
      if (prefix !== undefined && frames[0]!.toString().startsWith(prefix)) socket.write(message(frames));
    }
  }

  sendRaw(bytes: Buffer): void {
    for (const { socket } of this.#subscribers) socket.write(bytes);
  }

  /** As a network does that fails: connections end, the publisher lives. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  async #listen(type: "PUB" | "ROUTER", port: number): Promise<void> {
    const server = net.createServer((socket) => this.#accept(socket, type)).listen(port, "127.0.0.1");
    await once(server, "listening");
    this.#servers.push(server);
  }

  #accept(socket: net.Socket, type: "PUB" | "ROUTER"): void {
    const peer: Peer = {
      socket,
      bytes: Buffer.alloc(0),
      greeted: false,
      isReady: false,
      prefix: undefined,
      frames: [],
    };
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#subscribers.delete(peer);
    });
    socket.on("data", (chunk) => {
      peer.bytes = Buffer.concat([peer.bytes, chunk]);
      this.#read(peer, type);
    });
    const greeting = Buffer.alloc(64);
    Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1]).copy(greeting);
    greeting.write("NULL", 12);
    // In two pieces, as real peers send it.
    socket.write(greeting.subarray(0, 11));
    socket.write(greeting.subarray(11));
  }

  #read(peer: Peer, type: "PUB" | "ROUTER"): void {
    if (!peer.greeted) {
      if (peer.bytes.length < 64) return;
      if (
        peer.bytes[0] !== 0xff ||
        peer.bytes[10] !== 3 ||
        peer.bytes.toString("latin1", 12, 16) !== "NULL"
      ) {
        throw new Error("not a greeting");
      }
      peer.greeted = true;
      peer.bytes = peer.bytes.subarray(64);
      const ready = Buffer.concat([
        Buffer.from("\x05READY\x0bSocket-Type", "latin1"),
        Buffer.from([0, 0, 0, type.length]),
        Buffer.from(type),
        Buffer.from("\x08Identity\0\0\0\0", "latin1"),
      ]);
      peer.socket.write(Buffer.concat([Buffer.from([4, ready.length]), ready]));
    }
    while (peer.bytes.length >= 2) {
      const flags = peer.bytes[0]!;
      const isLong = (flags & 2) !== 0;
      if (isLong && peer.bytes.length < 9) return;
      const size = isLong ? Number(peer.bytes.readBigUInt64BE(1)) : peer.bytes[1]!;
      const start = isLong ? 9 : 2;
      if (peer.bytes.length < start + size) return;
      const body = peer.bytes.subarray(start, start + size);
      peer.bytes = peer.bytes.subarray(start + size);
      if ((flags & 4) !== 0) {
        peer.isReady = true;
        for (const resolve of this.#commands.splice(0)) resolve(Buffer.from(body));
      } else {
        peer.frames.push(body);
        if ((flags & 1) === 0) this.#take(peer, type);
      }
    }
  }

  #take(peer: Peer, type: "PUB" | "ROUTER"): void {
    const frames = peer.frames;
    peer.frames = [];
    if (!peer.isReady) throw new Error("a message before READY");
    if (type === "PUB") {
      if (frames[0]?.[0] !== 1) return;
      peer.prefix = frames[0].toString("utf8", 1);
      this.#subscribers.add(peer);
      for (const resolve of this.#subscribed.splice(0)) resolve();
      return;
    }
    if (frames.length !== 2 || frames[0]!.length !== 0) throw new Error("not a replay request");
    const from = Number(frames[1]!.readBigUInt64BE());
    this.replaysFrom.push(from);
    const delayMs = this.#options.replayDelayMs ?? 0;
    if (delayMs >= 0) setTimeout(() => this.#replay(peer.socket, from), delayMs);
  }

  #replay(socket: net.Socket, from: number): void {
    const topic = this.#options.replaysTopic === true ? [Buffer.from(this.#options.topic ?? "")] : [];
    for (const { sequence, payload } of this.#kept) {
      if (sequence >= from) socket.write(message([Buffer.alloc(0), ...topic, eight(sequence), payload]));
    }
    socket.write(message([Buffer.alloc(0), ...topic, Buffer.alloc(8, 0xff), Buffer.alloc(0)]));
  }
}

function eight(sequence: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(sequence));
  return bytes;
}

function message(frames: readonly Buffer[]): Buffer {
  return Buffer.concat(
    frames.flatMap((frame, i) => {
      const more = i < frames.length - 1 ? 1 : 0;
      if (frame.length < 256) return [Buffer.from([more, frame.length]), frame];
      const head = Buffer.alloc(9);
      head[0] = more | 2;
      head.writeBigUInt64BE(BigInt(frame.length), 1);
      return [head, frame];
    }),
  );
}
